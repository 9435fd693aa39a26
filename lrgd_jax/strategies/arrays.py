"""Sizes of named axes, arrays of plain numbers, and the tokens of one head or of several."""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jaxtyping import Float

from lrgd_jax.certify.counterexamples.strategies import named

__all__ = ["Sizes", "Tokens", "arrays", "sizes", "tokens"]

Sizes: TypeAlias = int | tuple[int, int]
"""One size, or the smallest and the largest of several."""


class Tokens(NamedTuple):
    """What an attention is called with, in this order.

    Attributes:
        queries: of one head [t, d] or of several [h, t, d].
        keys: [n, d] or [g, n, d].
        values: [n, dv] or [g, n, dv].

    Examples:
        >>> import numpy as np
        >>> Tokens(np.ones((1, 2)), np.ones((3, 2)), np.ones((3, 1))).keys.shape
        (3, 2)
    """

    queries: Float[np.ndarray, "*h t d"]
    keys: Float[np.ndarray, "*g n d"]
    values: Float[np.ndarray, "*g n dv"]


def sizes(**ranges: Sizes) -> st.SearchStrategy[dict[str, int]]:
    """A size for every named axis, in the order of the names; shrinks to the smallest of each.

    Args:
        **ranges: of every name, one size, or the smallest and the largest.

    Raises:
        ValueError: a size is negative, or the smallest exceeds the largest.

    Examples:
        >>> from hypothesis import find
        >>> find(sizes(n=(1, 6), d=3), lambda size: size["n"] > 2)
        {'n': 3, 'd': 3}
    """
    return named({name: _between(name, given, least=0) for name, given in ranges.items()})


def arrays(
    shape: int | tuple[int, ...], *, scale: float = 1.0, dtype: jax.typing.DTypeLike = "float32"
) -> st.SearchStrategy[Float[np.ndarray, "..."]]:
    """Arrays of numbers between -scale and scale, finite and not subnormal; they shrink to equal, whole numbers.

    Numbers of a format narrower than float32 are drawn in float32 and rounded, which keeps them within the scale.

    Args:
        shape: of the array.
        scale: the largest magnitude, brought to the next number of the dtype.
        dtype: a floating one: "float64", "float32", "bfloat16" or "float16".

    Raises:
        ValueError: the dtype is no such thing, or the scale is not positive and finite in it.

    Examples:
        >>> from hypothesis import find
        >>> find(arrays(3, scale=8.0), lambda x: x[0] > 2).tolist()
        [3.0, 3.0, 3.0]
    """
    kind = jnp.dtype(dtype)
    if not jnp.issubdtype(kind, jnp.floating):
        raise ValueError(f"arrays: a floating dtype is expected, for example float32; got {kind.name}")
    with np.errstate(over="ignore"):
        largest = float(np.asarray(scale).astype(kind))
    if not 0 < largest < np.inf:
        raise ValueError(f"arrays: the scale must be positive and finite in {kind.name}, got {scale}")
    width = 64 if kind == np.float64 else 32
    elements = st.floats(-largest, largest, width=width, allow_nan=False, allow_subnormal=False)
    wide = hnp.arrays(np.dtype(f"float{width}"), shape, elements=elements)
    return wide.map(lambda array: array.astype(kind))


@st.composite
def tokens(
    draw: st.DrawFn,
    *,
    n: Sizes = (1, 6),
    t: Sizes | None = None,
    d: Sizes = (1, 4),
    dv: Sizes = (1, 3),
    heads: tuple[int, int] | None = None,
    scale: float = 1.0,
    dtype: jax.typing.DTypeLike = "float32",
) -> Tokens:
    """Queries, keys and values that fit together; they shrink to one token of width one, all zero.

    Args:
        draw: given by hypothesis.
        n: how many tokens are attended to.
        t: how many attend, the last of them; as many as are attended to unless given, and never more.
        d: width of a key or query.
        dv: width of a value.
        heads: query heads h and key-value groups g, for arrays of several heads; one head without that axis otherwise.
        scale: the largest magnitude.
        dtype: a floating one.

    Raises:
        ValueError: a size is less than one, or the dtype or scale are no such things.

    Examples:
        >>> from hypothesis import find
        >>> drawn = find(tokens(t=1, heads=(4, 2)), lambda drawn: drawn.keys.shape[1] > 2)
        >>> drawn.queries.shape, drawn.keys.shape, drawn.values.shape
        ((4, 1, 1), (2, 3, 1), (2, 3, 1))
    """
    keys = draw(_between("n", n))
    queries = keys if t is None else min(keys, draw(_between("t", t)))
    width, values = draw(_between("d", d)), draw(_between("dv", dv))
    h, g = ((), ()) if heads is None else ((heads[0],), (heads[1],))
    shapes = (*h, queries, width), (*g, keys, width), (*g, keys, values)
    return Tokens(*(draw(arrays(shape, scale=scale, dtype=dtype)) for shape in shapes))


def _between(name: str, given: Sizes, *, least: int = 1) -> st.SearchStrategy[int]:
    smallest, largest = (given, given) if isinstance(given, int) else given
    if not least <= smallest <= largest:
        raise ValueError(
            f"the size {name} must be a number from {least} on, or the smallest and the largest; got {given}"
        )
    return st.integers(smallest, largest)
