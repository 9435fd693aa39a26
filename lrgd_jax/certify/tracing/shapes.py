"""Shapes of arguments with named axes, as text: `q:d=4; k:n=6,d; v:n,dv=3; tokens:n below 10; rate: above 0`."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Argument", "Shapes", "Sizes", "shapes_of"]

Sizes = Mapping[str, int]
"""From the name of an axis to its size."""

_ARGUMENT = re.compile(
    r"\s*(?P<name>[^\W\d]\w*)\s*:(?P<axes>.*?)(?:\b(?P<bound>below|above)\s+(?P<number>[^\s,]+)\s*)?", re.DOTALL
)
_AXIS = re.compile(r"\s*(?:(?P<name>[^\W\d]\w*)\s*(?:=\s*(?P<size>\d+)\s*)?|(?P<fixed>\d+)\s*)")


@dataclass(frozen=True)
class Argument:
    """One argument of a function.

    Attributes:
        axes: the name of each axis, or the size of one that has no name.
        below: the argument holds integers from 0 up to and without this; None where it holds real numbers.
        above: its real numbers are larger than this; None where they may be any.
    """

    axes: tuple[str | int, ...]
    below: int | None = None
    above: float | None = None


@dataclass(frozen=True)
class Shapes:
    """The arguments of a function.

    Attributes:
        arguments: by name, in the order given.
        sizes: of the named axes, in the order given.
    """

    arguments: Mapping[str, Argument]
    sizes: Sizes

    def shape(self, name: str, sizes: Sizes | None = None) -> tuple[int, ...]:
        """The shape of an argument, with other sizes of the named axes if they are given."""
        known = self.sizes if sizes is None else sizes
        return tuple(known[axis] if isinstance(axis, str) else axis for axis in self.arguments[name].axes)

    def by_size(self) -> Iterator[dict[str, int]]:
        """All sizes of the named axes from one up to the given ones, the smallest total first."""
        limits = list(self.sizes.values())
        for total in range(len(limits), sum(limits) + 1):
            for sizes in _with_total(limits, total):
                yield dict(zip(self.sizes, sizes, strict=True))

    def __str__(self) -> str:
        return "; ".join(f"{name}:{self._axes(argument)}" for name, argument in self.arguments.items())

    def _axes(self, argument: Argument) -> str:
        axes = (f"{axis}={self.sizes[axis]}" if isinstance(axis, str) else str(axis) for axis in argument.axes)
        below = "" if argument.below is None else f" below {argument.below}"
        above = "" if argument.above is None else f" above {_digits(argument.above)}"
        return ",".join(axes) + below + above


def shapes_of(shapes: str | Mapping[str, str | int | Sequence[int | str] | Sizes] | Shapes) -> Shapes:
    r"""Reads the shapes of arguments.

    Arguments are separated by semicolons, axes by commas. An axis is a name with its size, a name whose size was given
    before, or a size alone. "below" and a number declares an argument of integers, "above" and a number one whose real
    numbers are larger: the points at which functions are compared then are.

    Args:
        shapes: the text, or a mapping from the name of an argument to its axes: a mapping from names to sizes, a
            sequence of sizes, one size, or text.

    Raises:
        ValueError: what is wrong, in which text and where.

    Examples:
        >>> shapes_of("q:d=4; k:n=6,d; scale:").shape("k")
        (6, 4)
        >>> str(shapes_of({"k": {"n": 6, "d": 4}, "x": (3,)}))
        'k:n=6,d=4; x:3'
    """
    if isinstance(shapes, Shapes):
        return shapes
    text = shapes if isinstance(shapes, str) else "; ".join(f"{name}:{_text(axes)}" for name, axes in shapes.items())
    return _Reader(text).read()


def _text(axes: str | int | Sequence[int | str] | Sizes) -> str:
    if isinstance(axes, str | int):
        return str(axes)
    if isinstance(axes, Mapping):
        return ",".join(f"{name}={size}" for name, size in axes.items())
    return ",".join(str(axis) for axis in axes)


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.arguments: dict[str, Argument] = {}
        self.sizes: dict[str, int] = {}
        self.first: dict[str, str] = {}

    def read(self) -> Shapes:
        for start, end in _parts(self.text, ";", 0, len(self.text)):
            if self.text[start:end].strip():
                self._argument(start, end)
        if not self.arguments:
            raise self._wrong(0, "expected at least one argument, such as q:n=6,d=4")
        return Shapes(self.arguments, self.sizes)

    def _argument(self, start: int, end: int) -> None:
        found = _ARGUMENT.fullmatch(self.text, start, end)
        if found is None:
            raise self._wrong(start, "expected NAME:AXES, such as q:n=6,d=4")
        name = found["name"]
        if name in self.arguments:
            raise self._wrong(start, f"the argument {name!r} is given twice")
        first, last = found.span("axes")
        empty = not self.text[first:last].strip()
        axes = [] if empty else [self._axis(name, *part) for part in _parts(self.text, ",", first, last)]
        below = self._positive(found["number"], found.start("number")) if found["bound"] == "below" else None
        above = self._real(found["number"], found.start("number")) if found["bound"] == "above" else None
        self.arguments[name] = Argument(tuple(axes), below, above)

    def _axis(self, argument: str, start: int, end: int) -> str | int:
        found = _AXIS.fullmatch(self.text, start, end)
        if found is None:
            raise self._wrong(start, "expected an axis: NAME=SIZE, the NAME of one given before, or a SIZE")
        if found["fixed"] is not None:
            return self._positive(found["fixed"], start)
        name = found["name"]
        if found["size"] is None:
            if name not in self.sizes:
                raise self._wrong(start, f"the axis {name!r} has no size yet; write {name}=SIZE where it comes first")
            return name
        size = self._positive(found["size"], found.start("size"))
        if self.sizes.setdefault(name, size) != size:
            raise self._wrong(
                start,
                f"the axis {name!r} has size {self.sizes[name]} in {self.first[name]!r} and {size} in {argument!r}",
            )
        self.first.setdefault(name, argument)
        return name

    def _positive(self, digits: str, place: int) -> int:
        if not digits.isdecimal() or int(digits) < 1:
            raise self._wrong(place, "expected a number of at least 1")
        return int(digits)

    def _real(self, digits: str, place: int) -> float:
        try:
            number = float(digits)
        except ValueError:
            raise self._wrong(place, "expected a number") from None
        if not math.isfinite(number):
            raise self._wrong(place, "expected a finite number")
        return number

    def _wrong(self, place: int, what: str) -> ValueError:
        place += len(self.text[place:]) - len(self.text[place:].lstrip())
        rest = self.text[place:]
        near = f"at character {place + 1}, {rest[:16]!r}" if rest else "at its end"
        return ValueError(f"shapes {self.text!r}, {near}: {what}")


def _parts(text: str, separator: str, start: int, end: int) -> list[tuple[int, int]]:
    """The places of the parts of text[start:end]."""
    ends = [k for k in range(start, end) if text[k] == separator]
    return list(zip([start, *(k + 1 for k in ends)], [*ends, end], strict=True))


def _with_total(limits: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    """All numbers from one to the limits with that sum."""
    if not limits:
        yield from itertools.repeat((), int(total == 0))
        return
    rest = limits[1:]
    for first in range(max(1, total - sum(rest)), min(limits[0], total - len(rest)) + 1):
        yield from ((first, *others) for others in _with_total(rest, total - first))


def _digits(number: float) -> str:
    """As short as it may be."""
    return str(int(number)) if number.is_integer() else repr(number)
