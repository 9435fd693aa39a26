"""Inputs in processes of their own, with bounded memory; one that hangs or dies is replaced, and its input named."""

import multiprocessing
import os
import queue
import resource
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

WALL_SECONDS = 120.0
"""After which an input that no timer of its own process ends is called a hang, on a machine that is busy."""


class Chunk(NamedTuple):
    """Inputs `first` to `last` (exclusive) of a target, by its name."""

    target: str
    first: int
    last: int


def run_chunks(
    chunks: Sequence[Chunk], seed: int, workers: int, tell: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """Runs every chunk; what came of each is a record of counts.

    Args:
        chunks: in any order.
        seed: of all inputs.
        workers: processes at once.
        tell: called with each record when it is there.
    """
    context = multiprocessing.get_context("spawn")
    waiting, results, running = list(chunks), [], []
    while waiting or running:
        while waiting and len(running) < workers:
            running.append(_Worker(context, waiting, seed))
        time.sleep(0.05)
        for worker in [*running]:
            records = worker.collect()
            if ended := worker.ended(waiting):
                running.remove(worker)
                records += ended
            for record in records:
                tell(record)
            results += records
    return results


class _Worker:
    """One process, which takes chunks until there are none."""

    def __init__(self, context: Any, waiting: list[Chunk], seed: int) -> None:
        self.waiting, self.inbox, self.outbox = waiting, context.Queue(), context.Queue()
        self.at = context.Array("d", 2, lock=False)
        self.chunk: Chunk | None = None
        self.process = context.Process(target=_work, args=(self.inbox, self.outbox, self.at, seed), daemon=True)
        self.process.start()
        self._next()

    def _next(self) -> None:
        self.chunk = self.waiting.pop(0) if self.waiting else None
        self.at[1] = 0
        self.inbox.put(self.chunk)

    def collect(self) -> list[dict[str, Any]]:
        results = []
        while True:
            try:
                results.append(self.outbox.get_nowait())
            except queue.Empty:
                return results
            self._next()

    def ended(self, waiting: list[Chunk]) -> list[dict[str, Any]]:
        """A record of the input that ended the process, if one did; the rest of its chunk waits again."""
        hangs = bool(self.at[1]) and time.time() - self.at[1] > WALL_SECONDS
        if hangs:
            self.process.kill()
            self.process.join()
        if self.process.is_alive():
            return []
        if self.chunk is None:
            return [{"target": "", "kinds": {}}]
        target, first, last = self.chunk
        index = int(self.at[0]) if self.at[1] else first
        waiting[:0] = [
            part for part in (Chunk(target, first, index), Chunk(target, index + 1, last)) if part.first < part.last
        ]
        kind = "hang" if hangs else "crash"
        return [{"target": target, "kinds": {kind: 1}, "faults": [[index, kind, f"exit code {self.process.exitcode}"]]}]


def _work(inbox: Any, outbox: Any, at: Any, seed: int) -> None:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from benchmarks.fuzzing.target import BYTES, SECONDS, Bench
    from benchmarks.fuzzing.targets import TARGETS

    by_name = {target.name: target for target in TARGETS}
    benches: dict[str, Bench] = {}
    signal.signal(signal.SIGPROF, _out_of_time)
    with tempfile.TemporaryDirectory() as folder:
        while (chunk := inbox.get()) is not None:
            if chunk.target not in benches:
                benches[chunk.target] = Bench(by_name[chunk.target], Path(folder) / str(len(benches)), seed)
            outbox.put(_run_chunk(benches[chunk.target], chunk, at, SECONDS, BYTES))


def _run_chunk(bench: Any, chunk: Chunk, at: Any, seconds: float, most_bytes: int) -> dict[str, Any]:
    kinds: Counter[str] = Counter()
    words: Counter[str] = Counter()
    faults, slowest, peak, start = [], 0.0, 0, time.process_time()
    before = _status("VmSize")
    for index in range(chunk.first, chunk.last):
        at[0], at[1] = index, time.time()
        resource.setrlimit(resource.RLIMIT_AS, (before + 2 * most_bytes, resource.RLIM_INFINITY))
        resident = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        signal.setitimer(signal.ITIMER_PROF, seconds)
        verdict = bench.run(index)
        signal.setitimer(signal.ITIMER_PROF, 0)
        used = _status("VmHWM") - resident
        if used > most_bytes:
            verdict = verdict._replace(kind="over memory", words=f"{used} bytes")
        kinds[verdict.kind] += 1
        slowest, peak = max(slowest, verdict.seconds), max(peak, used)
        if verdict.kind == "refused":
            words[verdict.words] += 1
        elif verdict.kind != "loaded":
            faults.append([index, verdict.kind, verdict.words])
    at[1] = 0
    spent = time.process_time() - start
    return {
        "target": chunk.target, "kinds": dict(kinds), "refusals": dict(words), "faults": faults, "slowest": slowest,
        "peak": peak, "seconds": spent,
    }  # fmt: skip


def _status(name: str) -> int:
    """A size of this process in bytes, by Linux."""
    with open("/proc/self/status") as stream:
        return next(int(line.split()[1]) * 1024 for line in stream if line.startswith(name))


def _out_of_time(number: int, frame: object) -> None:
    raise TimeoutError("over the time that an input may take")
