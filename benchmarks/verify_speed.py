"""How long `lrgd verify` takes: with nothing compiled, and once more when its programs are kept.

python -m benchmarks.verify_speed --before PATH writes docs/results/speed/verify.json: the claims about attention that
both checkouts know, in float64, in float32 and in the exact layers, by the command that users call. The checkouts take
turns with the same interpreter. Kept programs are those of a folder made for the run; a checkout that keeps none
compiles them each time.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.speed_results import Ratio, median, write_ratios

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 5
VERIFY = ["-m", "lrgd_jax", "verify", "--exact", "--dtype", "float64,float32"]
SAMPLE = [
    "linear-attention",
    "chunked-linear-attention",
    "softmax-attention",
    "grouped-query",
]
"""A few of different kinds, so that five turns take minutes; --all takes every claim about attention."""


def known_claims(checkout: Path) -> set[str]:
    """The names of the claims about attention that a checkout has."""
    code = "from lrgd_jax.claims import load_claims; print(*(n for n, c in load_claims().items() if c.group == 'A'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env=_environment(checkout),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def verified(checkout: Path, claims: list[str], programs: Path) -> tuple[float, float, dict[str, object]]:
    """Wall and CPU seconds of the command, and its verdict on every claim."""
    environment = {
        **_environment(checkout),
        "JAX_COMPILATION_CACHE_DIR": str(programs),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "verdicts.json")
        before, start = _cpu_seconds(), time.perf_counter()
        done = subprocess.run(
            [sys.executable, *VERIFY, "--json", str(results), *claims],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        wall, spent = time.perf_counter() - start, _cpu_seconds() - before
        if done.returncode:
            sys.exit(f"lrgd verify in {checkout.name} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return wall, spent, json.loads(results.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="another checkout to compare with")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="turns")
    parser.add_argument("--all", action="store_true", help="every claim about attention that both checkouts know")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "speed" / "verify.json")
    options = parser.parse_args()
    before = options.before.resolve()
    common = known_claims(ROOT) & known_claims(before)
    claims = sorted(common) if options.all else [name for name in SAMPLE if name in common]
    seconds: dict[str, list[tuple[float, float]]] = {"before": [], "cold": [], "warm": []}
    for turn in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            # the checkout before had no folder of programs of its own, and none was kept for it
            for name, checkout, programs in (
                ("before", before, Path(folder, "before")),
                ("cold", ROOT, Path(folder, "now")),
                ("warm", ROOT, Path(folder, "now")),
            ):
                wall, spent, _ = verified(checkout, claims, programs)
                seconds[name].append((wall, spent))
                print(f"turn {turn}: {name} {wall:.1f} s, {spent:.1f} CPU s", flush=True)
    walls, spent = ({name: median(pair[k] for pair in of) for name, of in seconds.items()} for k in (0, 1))
    rows = [
        Ratio("lrgd verify, nothing compiled: wall time", walls["cold"] / walls["before"], 0.4),
        Ratio("lrgd verify, programs kept: wall time", walls["warm"] / walls["before"], 0.12),
        Ratio("lrgd verify, nothing compiled: CPU time", spent["cold"] / spent["before"], None),
        Ratio("lrgd verify, programs kept: CPU time", spent["warm"] / spent["before"], None),
    ]
    write_ratios(
        options.out,
        rows,
        claims=claims,
        repeats=options.repeats,
        wall_seconds={name: round(x, 2) for name, x in walls.items()},
        cpu_seconds={name: round(x, 2) for name, x in spent.items()},
    )


def _environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout)}


def _cpu_seconds() -> float:
    """Of all processes that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
