"""Do two checkouts compute the same? Verdicts, probabilities, radii, experiments and a recommender's metrics, compared
number by number.

python benchmarks/compare_checkouts.py BEFORE AFTER [--jobs verify-exact,experiments,recommend] [--keep FOLDER]

BEFORE and AFTER are folders, or revisions of this repository. Each job runs as a program of its own, with this
interpreter and the checkout first on its path, one after another on each side and both sides at a time. What a side
gave stays in --keep and is not computed again; nothing is allowed to differ but times, and the lines of files that
messages name. Entries that only AFTER has are counted, not refused: a report may say more than it did. Exit code 0: the
same; 1: not; 2: bad input.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("LRGD_DATA", ROOT.parent / "shared" / "data"))
GROUPS = ("verify-exact", "experiments", "recommend")
TIMES = {"seconds", "wall", "date", "elapsed"}
"""Words in the names of entries that say how long something took, or when."""
PLACE = re.compile(r"[^\s'(]*?(\w+\.py):\d+")
"""A line of a file in a message: both checkouts may have it in another folder and at another line."""


def main() -> int:
    """Runs what is asked for on both sides, and prints where they part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="A folder, or a revision.")
    parser.add_argument("after", help="A folder, or a revision.")
    parser.add_argument("--jobs", default=",".join(GROUPS), help="Groups of jobs, or single jobs, by commas.")
    parser.add_argument("--keep", type=Path, help="Where results stay; a temporary folder unless given.")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        keep = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            sides = [stack.enter_context(checkout(name)) for name in (options.before, options.after)]
            jobs = commands(sides[0], options.jobs.split(","))
        except ValueError as error:
            parser.error(str(error))
        outputs = [keep.resolve() / f"{order}-{tree.name}" for order, tree in zip(("1", "2"), sides, strict=True)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run_all, sides, outputs, (jobs, jobs)))
        return report(outputs[0], outputs[1], list(jobs))


@contextlib.contextmanager
def checkout(name: str) -> Iterator[Path]:
    """The folder of that name, or a temporary work tree of that revision.

    Raises:
        ValueError: it is neither.
    """
    if (Path(name) / "lrgd_jax").is_dir():
        yield Path(name).resolve()
        return
    found = subprocess.run(
        ["git", "rev-parse", "--short", f"{name}^{{commit}}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise ValueError(f"{name!r} is neither a folder that holds lrgd_jax nor a revision of this repository")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / found.stdout.strip()
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, name], cwd=ROOT, check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)


def commands(tree: Path, asked: Sequence[str]) -> dict[str, list[str]]:
    """Name -> the arguments of `lrgd`, with OUT for where the result goes.

    Raises:
        ValueError: a name is unknown.
    """
    listed = "from lrgd_jax.experiments import names; print(*names())"
    experiments = subprocess.run(
        [sys.executable, "-c", listed], env=environment(tree), cwd=tree, capture_output=True, text=True, check=True
    ).stdout.split()
    beauty = DATA / "amazon_beauty"
    known = {
        "verify-exact": {"verify-exact": ["verify", "--exact", "--dtype", "float64,float32", "--json", "OUT.json"]},
        "experiments": {f"experiment-{name}": ["experiment", name, "--quick", "--out", "OUT"] for name in experiments},
        "recommend": {
            f"recommend-{form}": ["recommend", "evaluate", "--data", str(beauty), "--form", form, "--json", "OUT.json"]
            for form in ("linear", "normalised", "softmax", "steps")
        },
    }
    single = {name: {name: arguments} for group in known.values() for name, arguments in group.items()}
    chosen: dict[str, list[str]] = {}
    for name in asked:
        if name not in known | single:
            raise ValueError(f"no job {name!r}; known are {', '.join([*known, *single])}")
        if name.startswith("recommend") and not beauty.is_dir():
            raise ValueError(f"{name} needs {beauty}; set LRGD_DATA, or choose among --jobs verify-exact,experiments")
        chosen |= {**single, **known}[name]
    return chosen


def environment(tree: Path) -> dict[str, str]:
    """With the checkout first on Python's path, and its results as narrow as any other's."""
    return {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "120", "LRGD_DATA": str(DATA)}


def run_all(tree: Path, output: Path, jobs: Mapping[str, Sequence[str]]) -> None:
    """Runs the jobs that have not ended yet; a job's log ends with its exit code."""
    output.mkdir(parents=True, exist_ok=True)
    for name, arguments in jobs.items():
        done = output / f"{name}.exit"
        if done.exists():
            continue
        place = str(output / name)
        with open(output / f"{name}.log", "w") as log:
            ended = subprocess.run(
                [sys.executable, "-m", "lrgd_jax", *(part.replace("OUT", place) for part in arguments)],
                env=environment(tree),
                cwd=tree,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        done.write_text(f"{ended.returncode}\n")


def report(before: Path, after: Path, jobs: Sequence[str]) -> int:
    """Prints a line a job; returns the exit code."""
    same = True
    for name in jobs:
        old, new = results(before, name), results(after, name)
        differences = list(parted(old, new, name))
        entries, more = len(list(leaves(old))), len(list(leaves(new))) - len(list(leaves(old)))
        if entries == 0 or old["exit"] not in (0, 4):
            differences.append(f"{name}: nothing to compare, see {before / name}.log")
        same = same and not differences
        print(f"{name}: {'DIFFERS' if differences else 'same'}, {entries} entries" + (f", {more} more" * (more > 0)))
        for line in differences[:10]:
            print("   ", line)
        if len(differences) > 10:
            print(f"    and {len(differences) - 10} more")
    print("the same" if same else "not the same")
    return 0 if same else 1


def results(output: Path, name: str) -> dict[str, object]:
    """All that a job wrote: its exit code, its JSON and its tables of rows."""
    gathered: dict[str, object] = {"exit": int((output / f"{name}.exit").read_text())}
    folder = output / name
    for file in (output / f"{name}.json", *(sorted(folder.rglob("*")) if folder.is_dir() else ())):
        if file.suffix == ".json" and file.is_file():
            gathered[file.name] = json.loads(file.read_text())
        elif file.suffix == ".parquet":
            gathered[file.name] = pl.read_parquet(file).to_dicts()
    return gathered


def parted(old: object, new: object, place: str) -> Iterator[str]:
    """Where an entry of the old results is not that of the new ones; NaN is NaN, and times are left out."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if TIMES & set(str(key).split("_")):
                continue
            if key in new:
                yield from parted(value, new[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}: gone"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from parted(*pair, f"{place}[{number}]")
    elif isinstance(old, str) and isinstance(new, str):
        if PLACE.sub(r"\1", old) != PLACE.sub(r"\1", new):
            yield f"{place}: {old!r:.80} and {new!r:.80}"
    elif type(old) is not type(new) or (old != new and not (old != old and new != new)):
        yield f"{place}: {old!r:.80} and {new!r:.80}"


def leaves(tree: object) -> Iterator[object]:
    """The single entries of nested results."""
    if isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(value)
    else:
        yield tree


if __name__ == "__main__":
    sys.exit(main())
