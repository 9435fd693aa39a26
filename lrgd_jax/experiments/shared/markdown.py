"""Markdown for the tables of the documentation: rows, numbers, shares, intervals."""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["between", "count", "per_cent", "row", "shown_number", "table"]


def row(*cells: object) -> str:
    """A row of a table; a bar within a cell would end it."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table of strings."""
    return [row(*header), row(*("---" for _ in header)), *(row(*cells) for cells in rows), ""]


def shown_number(x: float | int, digits: int = 3) -> str:
    """A number with so many digits."""
    if not isinstance(x, float) or x == int(x):
        return f"{x:,}" if isinstance(x, int) else f"{x:g}"
    mantissa, _, exponent = f"{x:.{digits}g}".partition("e")
    return rf"${mantissa}\cdot10^{{{int(exponent)}}}$" if exponent else mantissa


def per_cent(x: float) -> str:
    """A share; a small one keeps its digits."""
    text = f"{100 * x:.2f} %" if 0 < abs(x) < 0.1 else f"{100 * x:.0f} %"
    return text.replace("-", "−")


def count(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def between(interval: Mapping[str, float], digits: int = 2) -> str:
    """A number with its interval."""
    text = f"{interval['value']:.{digits}f} ({interval['low']:.{digits}f} to {interval['high']:.{digits}f})"
    return text.replace("-", "−")
