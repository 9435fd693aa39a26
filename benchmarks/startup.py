"""How long the command line and the import of the package take to start, beside `import jax`.

python benchmarks/startup.py --before PATH writes docs/results/startup/summary.json: medians of CPU seconds in this
checkout and in another one at PATH, taken in turns, with the same interpreter.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from lrgd_jax.atomic import write_json

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 10
PROGRAMS = {
    "import jax": ["-c", "import jax"],
    "import lrgd_jax": ["-c", "import lrgd_jax"],
    "lrgd --help": ["-m", "lrgd_jax", "--help"],
    "lrgd claims": ["-m", "lrgd_jax", "claims"],
    "lrgd claims softmax-attention": ["-m", "lrgd_jax", "claims", "softmax-attention"],
}


def cpu_seconds(arguments: list[str], checkout: Path) -> float:
    """User and system time of one run of the interpreter, with the package of a checkout."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run([sys.executable, *arguments], cwd=checkout, env=environment, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} in {checkout.name} ended with {done.returncode}: {done.stderr.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def medians(checkouts: dict[str, Path], repeats: int) -> dict[str, dict[str, float]]:
    """Median CPU seconds by program and checkout; a first run, which compiles bytecode, is not counted."""
    seconds: dict[str, dict[str, list[float]]] = {program: {name: [] for name in checkouts} for program in PROGRAMS}
    for k in range(repeats + 1):
        for program, arguments in PROGRAMS.items():
            for name, checkout in checkouts.items():
                spent = cpu_seconds(arguments, checkout)
                if k > 0:
                    seconds[program][name].append(spent)
    return {program: {name: statistics.median(x) for name, x in of.items()} for program, of in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="runs of each program")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "startup" / "summary.json")
    options = parser.parse_args()
    checkouts = {"now": ROOT} | ({} if options.before is None else {"before": options.before.resolve()})
    programs = {}
    for program, measured in medians(checkouts, options.repeats).items():
        ratio = {"ratio": round(measured["now"] / measured["before"], 3)} if "before" in measured else {}
        programs[program] = {**{name: round(x, 3) for name, x in measured.items()}, **ratio}
        print(f"{program:30}", programs[program])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, {"unit": "CPU seconds, median", "repeats": options.repeats, "programs": programs})


if __name__ == "__main__":
    main()
