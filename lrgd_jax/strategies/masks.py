"""Who sees whom: causal, windowed, padded and packed masks, and the segments of a packed sequence."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from hypothesis import strategies as st
from jaxtyping import Bool, Int

__all__ = ["MASKS", "MaskKind", "masks", "segments"]

MaskKind: TypeAlias = Literal["full", "causal", "window", "padding", "segments", "packed"]
"""What a mask does: see `masks`."""


def segments(tokens: int, *, most: int | None = None) -> st.SearchStrategy[Int[np.ndarray, " n"]]:
    """One segment number a token, from zero, rising by one where the next segment begins; shrinks to a single one.

    Args:
        tokens: n.
        most: how many segments there may be; n unless given.

    Raises:
        ValueError: there is no token, or no segment.

    Examples:
        >>> from hypothesis import find
        >>> find(segments(4), lambda numbers: numbers[-1] == 1).tolist()
        [0, 0, 0, 1]
    """
    largest = tokens if most is None else most
    if tokens < 1 or largest < 1:
        raise ValueError(f"segments: at least one token and one segment are needed, got {tokens} and {largest}")
    begins = st.lists(st.booleans(), min_size=tokens - 1, max_size=tokens - 1)
    return begins.map(lambda begun: np.minimum(np.cumsum([0, *begun]), largest - 1).astype(np.int32))


def masks(
    queries: int, keys: int, kinds: Sequence[MaskKind] = ("full", "causal", "window", "padding", "segments", "packed")
) -> st.SearchStrategy[Bool[np.ndarray, "t n"]]:
    """Which keys each query sees: one of the kinds; every query sees a key at least. Shrinks to the first kind.

    | kind | a query sees |
    |---|---|
    | full | every key |
    | causal | its own token and those before it |
    | window | its own token and the last few before it |
    | padding | the first tokens; those at the end stand for nothing, and their own outputs mean nothing |
    | segments | the tokens of its own segment |
    | packed | of its own segment, its own token and those before it |

    Args:
        queries: t; they are the last t tokens.
        keys: n >= t.
        kinds: some of them.

    Raises:
        ValueError: there are more queries than keys, no query, or no such kind.

    Examples:
        >>> from hypothesis import find
        >>> find(masks(2, 3), lambda seen: not seen.all()).tolist()
        [[True, True, False], [True, True, True]]
    """
    if not 1 <= queries <= keys:
        raise ValueError(f"masks: from one query to as many as there are keys, got {queries} queries, {keys} keys")
    if not kinds or not set(kinds) <= set(MASKS):
        raise ValueError(f"masks: the kinds are some of {', '.join(MASKS)}; got {kinds!r}")
    own = np.arange(keys - queries, keys)
    return st.one_of([MASKS[kind](own, np.arange(keys)) for kind in kinds])


_Positions: TypeAlias = Int[np.ndarray, " _"]
_Mask: TypeAlias = st.SearchStrategy[Bool[np.ndarray, "t n"]]


def _full(own: _Positions, keys: _Positions) -> _Mask:
    return st.builds(np.ones, st.just((own.size, keys.size)), st.just(bool))


def _causal(own: _Positions, keys: _Positions) -> _Mask:
    return st.builds(np.less_equal, st.just(keys[None]), st.just(own[:, None]))


def _window(own: _Positions, keys: _Positions) -> _Mask:
    age = own[:, None] - keys[None]
    return st.integers(1, keys.size).map(lambda width: (age >= 0) & (age < width))


def _padding(own: _Positions, keys: _Positions) -> _Mask:
    return st.integers(0, keys.size - 1).map(lambda padded: np.tile(keys < keys.size - padded, (own.size, 1)))


def _segments(own: _Positions, keys: _Positions) -> _Mask:
    return segments(keys.size).map(lambda numbers: numbers[own][:, None] == numbers[None])


def _packed(own: _Positions, keys: _Positions) -> _Mask:
    return _segments(own, keys).map(lambda same: same & (keys[None] <= own[:, None]))


MASKS: Mapping[MaskKind, Callable[[_Positions, _Positions], _Mask]] = MappingProxyType(
    {
        "full": _full,
        "causal": _causal,
        "window": _window,
        "padding": _padding,
        "segments": _segments,
        "packed": _packed,
    }
)
"""Every kind, as a function of the queries' positions and the keys'."""
