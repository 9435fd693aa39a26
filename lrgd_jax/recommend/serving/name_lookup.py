"""From names to numbers, with a hint where a name is unknown."""

from collections.abc import Iterable, Mapping

import numpy as np

from lrgd_jax.suggestions import nearest_names

__all__ = ["number_of", "require_name", "require_number", "unknown_name"]

HINTS = 3


def number_of(what: str, name: str, numbers: Mapping[str, int]) -> int:
    """The number of a name.

    Raises:
        ValueError: there is no such name; the message says which are near.
    """
    if name not in numbers:
        raise unknown_name(what, name, numbers)
    return numbers[name]


def require_name(what: str, name: str) -> str:
    """A name itself; a number is none, even where the data call somebody so.

    Raises:
        ValueError: it is no text.
    """
    if not isinstance(name, str):
        raise ValueError(f"{what}: expected a name, which is a text, got {name!r}")
    return name


def require_number(what: str, number: int, *, most: int | None = None) -> int:
    """A whole number, from 0 to `most` where that is given; neither a flag nor a fraction.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(number, int | np.integer) or isinstance(number, bool):
        raise ValueError(f"{what}: expected a whole number, got {number!r}")
    if most is not None and not 0 <= number <= most:
        raise ValueError(f"{what}: expected a whole number from 0 to {most}, got {number}")
    return int(number)


def unknown_name(what: str, name: str, names: Iterable[str]) -> ValueError:
    """The complaint about a name that is not there."""
    known = list(names)
    near = nearest_names(name, known, most=HINTS, cutoff=0.4) or known[:HINTS]
    return ValueError(
        f"there is no {what} {name!r} among {len(known)}; near are {', '.join(map(repr, near)) or 'none'}"
    )
