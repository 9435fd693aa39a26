"""`dual_of`: from an attention form to its dual."""

from functools import singledispatch
from typing import Any

from lrgd_jax.attention.fast_weights import (
    FastWeightForm,
)
from lrgd_jax.attention.forms import LinearAttention, SoftmaxAttention
from lrgd_jax.attention.least_squares import DescentAttention, RidgeAttention
from lrgd_jax.dual.fast_weights import DescentDual, OnlineDual, RidgeDual
from lrgd_jax.dual.single_head import LinearDual, SoftmaxDual

__all__ = ["dual_of"]


@singledispatch
def dual_of(attention: Any, *arguments: Any) -> Any:
    """The dual of an attention: called on the same tokens, it returns what the attention returns.

    Args:
        attention: any form of one head, `MultiHeadAttention`, a `flax.nnx.MultiHeadAttention`,
            or a `flax.linen.MultiHeadDotProductAttention` followed by its variables.
        *arguments: the variables of a flax.linen module; nothing otherwise.

    Returns:
        `LinearDual`, `SoftmaxDual`, `OnlineDual`, `RidgeDual`, `DescentDual` or `MultiHeadDual`.

    Raises:
        TypeError: there is no dual for this kind of attention.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from lrgd_jax import SoftmaxAttention, dual_of
        >>> tokens = jax.random.normal(jax.random.key(0), (5, 3))
        >>> dual_of(SoftmaxAttention())(tokens, tokens, tokens, demonstrations=4).shape
        (5, 3)
    """
    kinds = (kind for kind in dual_of.registry if kind is not object)
    known = ", ".join(sorted(f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in kinds))
    raise TypeError(f"dual_of: no dual is registered for {type(attention).__name__}; known are {known}")


@dual_of.register
def _(attention: LinearAttention) -> LinearDual:
    return LinearDual(attention)


@dual_of.register
def _(attention: SoftmaxAttention) -> SoftmaxDual:
    return SoftmaxDual(attention)


@dual_of.register
def _(attention: FastWeightForm) -> OnlineDual:
    return OnlineDual(attention)


@dual_of.register
def _(attention: RidgeAttention) -> RidgeDual:
    return RidgeDual(attention)


@dual_of.register
def _(attention: DescentAttention) -> DescentDual:
    return DescentDual(attention)
