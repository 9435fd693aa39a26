"""What a misspelt name may have meant."""

import difflib
from collections.abc import Callable, Iterable

__all__ = ["did_you_mean", "nearest_names"]


def nearest_names(name: str, known: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The known names that are spelt most like a name, the nearest first.

    Args:
        name: that is not known.
        known: names that are.
        most: how many are returned at most.
        cutoff: the least likeness, from 0 to 1, as `difflib.SequenceMatcher` measures it.

    Returns:
        Up to `most` names; none where nothing is alike.

    Examples:
        >>> nearest_names("linear-atention", ["linear-attention", "momentum"])
        ['linear-attention']
    """
    return difflib.get_close_matches(name, list(known), n=most, cutoff=cutoff)


def did_you_mean(
    name: str, known: Iterable[str], *, containing: bool = False, show: Callable[[str], str] = repr
) -> str:
    """A question that suggests what was meant; empty where no known name is near.

    Args:
        name: that is not known.
        known: names that are.
        containing: whether all names that contain the unknown one are suggested, before any that is only alike.
        show: how a name is written; in quotes unless given.

    Examples:
        >>> did_you_mean("momentun", ["momentum", "ridge"])
        "did you mean 'momentum'?"
        >>> did_you_mean("soft", ["softmax", "soft-cap", "ridge"], containing=True)
        "did you mean 'softmax' or 'soft-cap'?"
        >>> did_you_mean("xyz", ["momentum"])
        ''
    """
    names = list(known)
    near = [one for one in names if name in one] if containing and name else []
    near = near or nearest_names(name, names)
    return f"did you mean {' or '.join(map(show, near))}?" if near else ""
