"""Attention and its dual at length, side by side: medians of ratios, each beside its target.

python -m benchmarks.attention_at_length --before PATH [--peers PYTHON] writes
docs/results/speed/attention-at-length.json: one sequence, 8 heads of width 64, float32, elu + 1, normalised, causal.
This checkout, the one at PATH and pytorch-fast-transformers have a process each, and run in turns; PYTHON is an
interpreter that has the latter. What is missing is said, and its ratio left empty. Compilation is not counted.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.speed_results import Ratio, median, write_ratios

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "benchmarks" / "attention_programs.py"
REPEATS = 5


class Run(NamedTuple):
    """A program of one of the processes at a length."""

    process: str
    program: str
    length: int


class Row(NamedTuple):
    """Two programs whose times are compared; the target is the largest ratio that is aimed at."""

    name: str
    ours: Run
    other: Run
    target: float | None


def _rows() -> list[Row]:
    rows: list[Row] = []
    for program, limits in (("attention", {4096: 0.35, 16384: None}), ("attention and backward", {4096: None})):
        for length, target in limits.items():
            now, before = Run("now", program, length), Run("before", program, length)
            rows.append(Row(f"{program}, {length} tokens: now / before", now, before, target))
    for suffix, target in (("", 0.5), (" and backward", 0.6)):
        for length in (4096, 16384):
            ours = Run("now", f"attention{suffix}", length)
            peer = Run("peers", f"fast_transformers{suffix}", length)
            rows.append(Row(f"attention{suffix}, {length} tokens: ours / fast-transformers", ours, peer, target))
    short, dual = Run("now", "attention", 4096), Run("now", "dual", 4096)
    rows.append(Row("a token at 65536 tokens / at 4096", Run("now", "attention", 65536), short, 1.2))
    rows.append(Row("the dual's step and predictions / attention, 4096 tokens", dual, short, 1.1))
    streaming, dot_product = (Run("now", program, 2048) for program in ("streaming", "dot_product"))
    rows.append(Row("streaming softmax / jax.nn.dot_product_attention, 2048 tokens", streaming, dot_product, 1.2))
    return rows


MEMORY_AIM = 64.0
MEMORY = {
    "attention": (Run("now", "attention", 16384), MEMORY_AIM),
    "attention and backward": (Run("now", "attention and backward", 16384), None),
    "streaming softmax": (Run("now", "streaming", 16384), MEMORY_AIM),
}
"""Temporary memory of compiled programs, in MiB, and what is aimed at."""


class Worker:
    """A process that runs the programs of one checkout."""

    def __init__(self, python: str, checkout: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        self._process = subprocess.Popen(
            [python, str(PROGRAMS)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, run: Run, *, timed: bool = True) -> dict[str, float | str]:
        """Seconds of one run and temporary memory; what is missing where it cannot run."""
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise ValueError("the process was started without pipes")
        print(json.dumps({"program": run.program, "length": run.length, "run": timed}), file=asked, flush=True)
        answer = answers.readline()
        if not answer:
            sys.exit(f"the process of {run.process!r} ended at {run.program!r} with {run.length} tokens")
        return json.loads(answer)

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def _measure(row: Row, workers: dict[str, Worker], repeats: int) -> tuple[Ratio, list[float]]:
    """The median of the ratios of neighbouring runs, and the median milliseconds of both programs."""
    times: tuple[list[float], list[float]] = [], []
    for k in range(repeats + 1):
        for run, kept in zip((row.ours, row.other), times, strict=True):
            worker = workers.get(run.process)
            answer = {"missing": "no checkout was given"} if worker is None else worker.ask(run)
            if "missing" in answer:
                return Ratio(row.name, None, row.target, f"{run.process}: {answer['missing']}"), []
            if k > 0:  # the first run warms up
                kept.append(float(answer["seconds"]))
    per_token = row.other.length / row.ours.length
    ratio = median(ours / other for ours, other in zip(*times, strict=True)) * per_token
    return Ratio(row.name, ratio, row.target), [round(1000 * median(x), 2) for x in times]


def main() -> None:
    """Measures all rows in turns, prints them and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--peers", default=sys.executable, help="an interpreter with pytorch-fast-transformers")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="timed runs of each program")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "speed" / "attention-at-length.json")
    options = parser.parse_args()
    workers = {"now": Worker(sys.executable, ROOT), "peers": Worker(options.peers, ROOT)}
    if options.before is not None:
        workers["before"] = Worker(sys.executable, options.before.resolve())
    measured = [_measure(row, workers, options.repeats) for row in _rows()]
    ratios, milliseconds = [ratio for ratio, _ in measured], {ratio.what: times for ratio, times in measured}
    memory: dict[str, float] = {}
    for name, (run, target) in MEMORY.items():
        memory[name] = float(workers[run.process].ask(run, timed=False)["temporary_mib"])
        what = f"temporary memory of {name}, {run.length} tokens"
        # what nothing is aimed at stands beside what is aimed at for the forward pass
        against = target or MEMORY_AIM
        ratios.append(Ratio(f"{what}: by {against:g} MiB", memory[name] / against, None if target is None else 1.0))
    for worker in workers.values():
        worker.close()
    setting = {"heads": 8, "width": 64, "dtype": "float32", "repeats": options.repeats}
    write_ratios(options.out, ratios, setting=setting, milliseconds=milliseconds, temporary_mib=memory)


if __name__ == "__main__":
    main()
