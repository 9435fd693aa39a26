"""Heads and the groups that share keys and values, and the weights of a layer."""

import jax
import jax.numpy as jnp
from hypothesis import strategies as st

from lrgd_jax.attention.multi_head import HeadWeights
from lrgd_jax.strategies.arrays import arrays

__all__ = ["head_groups", "head_weights"]


def head_groups(most: int = 8) -> st.SearchStrategy[tuple[int, int]]:
    """Query heads h and key-value groups g, h a multiple of g: (h, g); shrinks to one of each.

    Args:
        most: the largest h.

    Raises:
        ValueError: there is no head.

    Examples:
        >>> from hypothesis import find
        >>> find(head_groups(), lambda heads: heads[0] > heads[1] > 1)
        (4, 2)
    """
    if most < 1:
        raise ValueError(f"head_groups: at least one head is needed, got {most}")
    return st.sampled_from([(h, g) for h in range(1, most + 1) for g in range(1, h + 1) if h % g == 0])


@st.composite
def head_weights(
    draw: st.DrawFn,
    *,
    heads: tuple[int, int],
    m: int,
    d: int,
    dv: int,
    biases: bool = True,
    scale: float = 1.0,
    dtype: jax.typing.DTypeLike = "float32",
) -> HeadWeights:
    """The projections of a multi-head layer; they shrink to zeros without biases.

    Args:
        draw: given by hypothesis.
        heads: query heads h and key-value groups g, of which h is a multiple.
        m: width of a token.
        d: width of a key or query.
        dv: width of a value.
        biases: whether some weights have biases.
        scale: the largest magnitude.
        dtype: a floating one.

    Raises:
        ValueError: the heads cannot be divided among the groups, or the dtype or scale are no such things.

    Examples:
        >>> from hypothesis import find
        >>> drawn = find(head_weights(heads=(4, 2), m=3, d=2, dv=1), lambda weights: True)
        >>> drawn.query.shape, drawn.key.shape, drawn.query_bias
        ((4, 3, 2), (2, 3, 2), None)
    """
    h, g = heads
    biased = biases and draw(st.booleans())
    shapes = [(h, m, d), (g, m, d), (g, m, dv), (h, dv, m), *([(h, d), (g, d), (g, dv), (m,)] if biased else [])]
    weights = HeadWeights(*(jnp.asarray(draw(arrays(shape, scale=scale, dtype=dtype))) for shape in shapes))
    weights.check()
    return weights
