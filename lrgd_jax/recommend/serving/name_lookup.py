"""From names to numbers, with a hint where a name is unknown."""

from collections.abc import Iterable, Mapping

from lrgd_jax.suggestions import nearest_names

__all__ = ["number_of", "unknown_name"]

HINTS = 3


def number_of(what: str, name: str, numbers: Mapping[str, int]) -> int:
    """The number of a name.

    Raises:
        ValueError: there is no such name; the message says which are near.
    """
    if name not in numbers:
        raise unknown_name(what, name, numbers)
    return numbers[name]


def unknown_name(what: str, name: str, names: Iterable[str]) -> ValueError:
    """The complaint about a name that is not there."""
    known = list(names)
    near = nearest_names(name, known, most=HINTS, cutoff=0.4) or known[:HINTS]
    return ValueError(
        f"there is no {what} {name!r} among {len(known)}; near are {', '.join(map(repr, near)) or 'none'}"
    )
