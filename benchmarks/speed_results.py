"""What a benchmark of speed says: ratios of two times that were measured in one run, each beside its target."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lrgd_jax.atomic import write_json

__all__ = ["Ratio", "median", "write_ratios"]


@dataclass(frozen=True)
class Ratio:
    """One time, or another cost, by another one.

    Attributes:
        what: is measured, and against what.
        value: the ratio; None where what it is measured against is not installed.
        target: what it should not exceed; None where there is none.
        note: why it has no value, or why it falls short.
    """

    what: str
    value: float | None
    target: float | None
    note: str = ""

    @property
    def line(self) -> str:
        """For the terminal."""
        value = "not measured" if self.value is None else f"{self.value:.3g}x"
        target = "" if self.target is None else f"  (target {self.target:g}x)"
        missed = self.value is not None and self.target is not None and self.value > self.target
        return f"{self.what:70} {value:>12}{target}{'  falls short' if missed else ''}{self.note and ': ' + self.note}"


def median(values: Iterable[float]) -> float:
    """The median of some measurements."""
    return statistics.median(values)


def write_ratios(path: Path, rows: Sequence[Ratio], **details: object) -> None:
    """Prints the ratios and writes them, with the machine that they are of and what else was measured."""
    for row in rows:
        print(row.line)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = [asdict(row) | {"value": None if row.value is None else float(f"{row.value:.3g}")} for row in rows]
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    write_json(path, {"ratios": written, "machine": machine, **details})
