"""What is fuzzed: a loader, valid files for it, an independent reader of its bytes; and the verdict on one input."""

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.fuzzing.byte_mutations import Mutation

Files = Mapping[str, bytes]
SECONDS, BYTES = 5.0, 1 << 30
"""What one input may take of a processor and of memory."""
LONGEST_MESSAGE = 1500

KINDS: Mapping[str, str] = {
    r"not UTF-8|byte order mark|surrogate": "no text",
    r"lie within each other": "nested too deeply",
    r"not JSON|not TOML|damaged|cannot be read|truncated|not a tokenizer|not safetensors|no certificate: ": "damaged",
    r"unpacks to more|at most \d+|more than": "too large",
    r"missing|lacks|has no|holds no|there is no|needs": "a part is missing",
    r"not known|unknown|surplus|no multiple|differ": "not known here",
    r"expected|must|shape|is not|no token|supported": "another type or value",
}
"""Of refusals, by their words."""


@dataclass(frozen=True)
class Target:
    """A loader and how it is fuzzed.

    Attributes:
        name: of the loader.
        seeds: makes folders of small valid files.
        mutations: which of the files are changed, and how.
        load: reads a folder.
        fault: what is wrong with what was loaded, by an independent reader of the same bytes; None where nothing is.
    """

    name: str
    seeds: Callable[[], Sequence[Files]]
    mutations: Mapping[str, Mutation]
    load: Callable[[Path], Any]
    fault: Callable[[Path, Any], str | None] = field(repr=False)


class Verdict(NamedTuple):
    """What came of one input.

    Attributes:
        kind: "loaded", "refused", or what is wrong.
        words: the kind of a refusal, or a description of what is wrong.
        seconds: of a processor.
    """

    kind: str
    words: str
    seconds: float


class Bench:
    """A folder in which a target's inputs are tried one after another.

    Args:
        target: to be fuzzed.
        folder: empty.
        seed: of all inputs.
    """

    def __init__(self, target: Target, folder: Path, seed: int) -> None:
        self.target, self.folder, self.seed = target, folder, seed
        self.seeds = target.seeds()

    def input(self, index: int) -> tuple[Files, str]:
        """The files of an input, and which of them is changed."""
        random = Random(f"{self.seed}/{self.target.name}/{index}")
        files = random.choice(self.seeds)
        name = random.choice([name for name in files if name in self.target.mutations])
        others = [seed[name] for seed in self.seeds if name in seed]
        return {**files, name: self.target.mutations[name](random, files[name], others)}, name

    def run(self, index: int) -> Verdict:
        """Loads an input, and says what came of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        files, changed = self.input(index)
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
        return judge(self.target, self.folder, changed)


def judge(target: Target, folder: Path, changed: str) -> Verdict:
    """Loads a folder: the numbers that its bytes say, or one clear refusal, or a fault."""
    start = time.process_time()
    try:
        loaded = target.load(folder)
    except (ValueError, FileNotFoundError) as error:
        seconds = time.process_time() - start
        unclear = _unclear(error, folder, changed)
        return (
            Verdict("unclear refusal", unclear, seconds) if unclear else Verdict("refused", _kind(str(error)), seconds)
        )
    # also panics of other software, which are no Exception
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        words = f"{type(error).__name__}: {str(error)[:200]}"
        return Verdict(
            "over time" if isinstance(error, TimeoutError) else "traceback", words, time.process_time() - start
        )
    seconds = time.process_time() - start
    try:
        fault = target.fault(folder, loaded)
    # what another reader cannot read should not have been loaded
    except Exception as error:  # noqa: BLE001
        fault = f"the plain reader fails: {type(error).__name__}: {str(error)[:200]}"
    return Verdict("loaded", "", seconds) if fault is None else Verdict("other numbers", fault, seconds)


def _unclear(error: BaseException, folder: Path, changed: str) -> str | None:
    """Why a refusal is not one clear sentence about a file."""
    message = str(error)
    if type(error) not in (ValueError, FileNotFoundError):
        return f"a {type(error).__name__}: {message[:200]}"
    if changed not in message and str(folder) not in message:
        return f"names no file: {message[:200]}"
    if len(message) > LONGEST_MESSAGE:
        return f"{len(message)} letters: {message[:200]}"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return f"over memory: {message[:200]}"
        cause = cause.__cause__ or cause.__context__
    return None


def _kind(message: str) -> str:
    return next((kind for pattern, kind in KINDS.items() if re.search(pattern, message)), "other")
