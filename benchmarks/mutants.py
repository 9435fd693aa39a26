"""Changes the code a little, many times, and sees whether the tests notice: mutation testing, with cosmic-ray.

    python benchmarks/mutants.py                     # all five packages; goes on where it stopped
    python benchmarks/mutants.py --packages effect   # one of them
    python benchmarks/mutants.py --fresh             # forgets earlier verdicts

Every mutant runs in a copy of the working tree, against the tests of the folder that mirrors its package. A verdict is
kept for as long as the module and the tests that gave it are what they were. When all mutants of all packages have one,
docs/results/mutants/summary.json is written. A survivor is explained in explained.json beside it, by its key.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from mutants_places import statement
from mutants_reach import reach, reaching, sure
from mutants_run import TOO_LONG, Ended, run, start_server
from mutants_sample import Mutant, draw
from mutants_summary import write_summary
from mutants_tests import function_text, killer, mirrored

ROOT = Path(__file__).parents[1]
PACKAGES = ("attention", "dual", "effect", "certify", "recommend")
SEED, PER_PACKAGE = 12, 42
OUT = ROOT / "build" / "mutants"
BUDGET = 240
"""A mutant meets the nearest files that run its line, as many as take so many seconds without a mutation."""
PATIENCE = 5
"""A mutant runs out of time at so many times what the unmutated tests took, plus a minute."""


@dataclass(frozen=True)
class Settings:
    """Where the verdicts are kept, and how many mutants run at a time."""

    folder: Path
    workers: int

    @property
    def verdicts(self) -> Path:
        """One JSON line a verdict; the last one of a mutant counts."""
        return self.folder / "verdicts.jsonl"


class Task(NamedTuple):
    """A mutant, the test files that run its line, and after how many seconds they are stopped."""

    mutant: Mutant
    tests: list[str]
    limit: float


def main() -> None:
    """Draws, runs what has no verdict yet, and writes the summary."""
    options = _options()
    settings = Settings(options.out.resolve(), options.workers)
    settings.folder.mkdir(parents=True, exist_ok=True)
    if options.fresh:
        settings.verdicts.unlink(missing_ok=True)
    start_server(Path(tempfile.gettempdir()) / "lrgd-mutants-programs", ROOT.parent / "shared" / "data")
    sample = {package: draw(ROOT, package, options.each, options.seed) for package in PACKAGES}
    chosen = [mutant for package in options.packages for mutant in sample[package]]
    known = known_verdicts(settings, chosen)
    print(f"{len(chosen)} mutants, {len(known)} with a verdict from earlier", flush=True)
    for package in options.packages:
        run_all(package, sample[package], settings)
    everyone = [mutant for mutants in sample.values() for mutant in mutants]
    known = known_verdicts(settings, everyone)
    if len(known) < len(everyone):
        print(f"{len(everyone) - len(known)} mutants have no verdict yet: the summary is not written", flush=True)
        return
    config = {"seed": options.seed, "mutants_a_package": options.each}
    root = ROOT if options.out == OUT else options.out
    write_summary(root, sample, known, config)


def run_all(package: str, mutants: Sequence[Mutant], settings: Settings) -> None:
    """Runs a package's mutants without a verdict, each in one of the copies, and appends every verdict at once."""
    known = known_verdicts(settings, mutants)
    if len(known) == len(mutants):
        return
    with tempfile.TemporaryDirectory(prefix="lrgd-mutants-") as folder:
        tree = _copy_tree(Path(folder) / "tree")
        found = reach(tree, package, settings.folder / f"{package}.json", settings.workers)
        tasks = [_task(tree, mutant, found) for mutant in mutants if mutant.key not in known]
        copies: Queue[Path] = Queue()
        for number in range(settings.workers):
            copies.put(Path(shutil.copytree(tree, Path(folder) / f"copy-{number}")))
        with ThreadPoolExecutor(settings.workers) as pool:
            waiting = [pool.submit(verdict, task, tree, copies) for task in tasks]
            for number, done in enumerate(as_completed(waiting), 1):
                said = done.result()
                with settings.verdicts.open("a") as file:
                    file.write(json.dumps(said) + "\n")
                print(f"[{package} {number}/{len(tasks)}] {said['told']}", flush=True)
        check_killers(tree, known_verdicts(settings, mutants).values())


def check_killers(tree: Path, verdicts: Iterable[Mapping[str, Any]]) -> None:
    """The tests that killed mutants must pass without one.

    Raises:
        RuntimeError: one does not, so that its verdicts are none.
    """
    killers = {tuple(one["by"]) for one in verdicts if one["by"]}
    for file in sorted({file for file, _ in killers}):
        names = sorted({name.partition("[")[0] for other, name in killers if other == file} - {""})
        ended = run(tree, [f"{file}::{name}" for name in names] or [file])
        if ended.code:
            raise RuntimeError(
                f"tests that killed mutants fail without any: run again with --fresh\n{ended.output[-2000:]}"
            )


def _task(tree: Path, mutant: Mutant, found: Mapping[str, Mapping[str, Any]]) -> Task:
    lines = statement((tree / mutant.module).read_text(), mutant.start[0])
    running = set(reaching(found, tree, mutant.module, lines))
    nearest = [file for file in mirrored(tree, mutant.module) if file in running]
    # what is known of an older text of the module may be wrong by now, so it comes last
    nearest.sort(key=lambda file: not sure(found, tree, mutant.module, lines, file))
    files = affordable(nearest, found)
    return Task(mutant, files, PATIENCE * sum(found[file]["seconds"] for file in files) + 60)


def affordable(files: Sequence[str], found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The first of some files, as many as take `BUDGET` seconds together; one at least."""
    sums = accumulate(found[file]["seconds"] for file in files)
    return [file for k, (file, seconds) in enumerate(zip(files, sums, strict=True)) if k == 0 or seconds <= BUDGET]


def verdict(task: Task, tree: Path, copies: Queue[Path]) -> dict[str, Any]:
    """What the tests say of one mutant, in a copy that nobody else is using."""
    mutant, start, copy = task.mutant, time.monotonic(), copies.get()
    operator = get_operator(mutant.operator)()
    with use_mutation(copy / mutant.module, operator, mutant.occurrence) as (before, after):
        ended = run(copy, task.tests, limit=task.limit) if task.tests else Ended(0, "")
    copies.put(copy)
    by = killer(ended.output)
    status = "not reached" if not task.tests else _status(ended.code, by is not None)
    name = mutant.operator.removeprefix("core/")
    seconds = time.monotonic() - start
    return {
        "key": mutant.key,
        "status": status,
        "by": by,
        "seconds": round(seconds, 1),
        "diff": _changed(before, after),
        "output": ended.output[-600:] if status == "crashed" else "",
        "state": state(tree, mutant.module, by),
        "told": f"{mutant.module}:{mutant.start[0]} {name}: {status}, {seconds:.0f} s",
    }


def known_verdicts(settings: Settings, mutants: Sequence[Mutant]) -> dict[str, dict[str, Any]]:
    """The verdicts of earlier runs whose module and tests are what they were, by the mutants' keys."""
    if not settings.verdicts.exists():
        return {}
    lines = [json.loads(line) for line in settings.verdicts.read_text().splitlines()]
    latest = {line["key"]: line for line in lines}
    return {
        mutant.key: found
        for mutant in mutants
        if (found := latest.get(mutant.key)) and found["state"] == state(ROOT, mutant.module, found["by"])
    }


def state(root: Path, module: str, by: Sequence[str] | None) -> str:
    """A hash of what a verdict rests on: the module, and the test that failed, or all tests that might have."""
    tests = (
        [function_text(root / by[0], by[1])] if by else [(root / name).read_text() for name in mirrored(root, module)]
    )
    text = (root / module).read_text()
    return hashlib.sha256("\0".join([text, *tests]).encode()).hexdigest()


def package_of(mutant: Mutant) -> str:
    """The package that a mutant is in."""
    return Path(mutant.module).parts[1]


def _status(code: int | None, failed: bool) -> str:
    if code == 0:
        return "survived"
    if code is TOO_LONG:
        return "timeout"
    return "killed" if failed else "crashed"


def _changed(before: str, after: str | None) -> list[str]:
    """The lines taken away and put in."""
    diff = difflib.unified_diff(before.splitlines(), (after or "").splitlines(), n=0, lineterm="")
    return [line for line in diff if line[:1] in "+-" and line[:3] not in ("---", "+++")]


def _copy_tree(copy: Path) -> Path:
    """The files that git knows or would add: the copy is what is mutated, never the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=lambda text: text.split(","), default=list(PACKAGES))
    parser.add_argument("--out", type=Path, default=OUT, help="another folder keeps the summary too")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--each", type=int, default=PER_PACKAGE, help="mutants a package")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    parser.add_argument("--fresh", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
