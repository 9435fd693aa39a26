"""Which lines and branches of the package `make coverage` ran, by room.

python -m benchmarks.coverage_by_room --json docs/results/coverage/summary.json

Reads the `.coverage` that the tests left.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from lrgd_jax.atomic import write_json

ROOT = Path(__file__).resolve().parents[1]
COUNTS = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def by_room(files: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Sums over the files of each room, and over all of them; a file beside the rooms counts as "ground"."""
    rooms: dict[str, Counter[str]] = {}
    for name, said in sorted(files.items()):
        parts = Path(name).parts
        room = parts[1] if len(parts) > 2 else "ground"
        for sums in (rooms.setdefault(room, Counter()), rooms.setdefault("all", Counter())):
            sums.update({count: said["summary"][count] for count in COUNTS})
    return {room: {count: sums[count] for count in COUNTS} for room, sums in sorted(rooms.items())}


def share(part: int, whole: int) -> str:
    """A percentage; a dash where there is nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def main() -> None:
    """Prints a table, and writes it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--least", type=float, default=0, help="exit with 1 below this percentage of lines")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(place)], cwd=ROOT, check=True)
        rooms = by_room(json.loads(place.read_text())["files"])
    print(f"{'room':<14}{'lines':>8}{'covered':>10}{'branches':>10}{'covered':>10}")
    for room, sums in rooms.items():
        lines, ran, branches, taken = (sums[count] for count in COUNTS)
        print(f"{room:<14}{lines:>8}{share(ran, lines):>10}{branches:>10}{share(taken, branches):>10}")
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        write_json(asked.json, {"rooms": rooms})
    if 100 * rooms["all"]["covered_lines"] < asked.least * rooms["all"]["num_statements"]:
        sys.exit(f"less than {asked.least:g} % of the lines were run")


if __name__ == "__main__":
    main()
