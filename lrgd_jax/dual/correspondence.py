"""`dual_of`: from an attention to its dual. The one module in which the two sides know each other's names."""

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import TypeAlias, overload

import flax.linen
import flax.nnx
from jaxtyping import Array

from lrgd_jax.attention.fast_weights import FastWeightForm
from lrgd_jax.attention.forms import AttentionForm, LinearAttention, SoftmaxAttention
from lrgd_jax.attention.least_squares import DescentAttention, RidgeAttention
from lrgd_jax.attention.multi_head import MultiHeadAttention
from lrgd_jax.dual.fast_weights import OnlineDual
from lrgd_jax.dual.flax_modules import attention_of_linen, attention_of_nnx
from lrgd_jax.dual.least_squares import DescentDual, RidgeDual
from lrgd_jax.dual.multi_head import MultiHeadDual, SingleHeadDual
from lrgd_jax.dual.one_step import LinearDual, SoftmaxDual

__all__ = ["dual_of", "known_attentions", "register_dual"]

LinenVariables: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Array]]]
"""What the `init` of a flax.linen module returned."""

AttentionDual: TypeAlias = SingleHeadDual | MultiHeadDual
"""The dual of any attention."""


@overload
def dual_of(attention: LinearAttention) -> LinearDual: ...
@overload
def dual_of(attention: SoftmaxAttention) -> SoftmaxDual: ...
@overload
def dual_of(attention: FastWeightForm) -> OnlineDual: ...
@overload
def dual_of(attention: RidgeAttention) -> RidgeDual: ...
@overload
def dual_of(attention: DescentAttention) -> DescentDual: ...
@overload
def dual_of(attention: MultiHeadAttention | flax.nnx.MultiHeadAttention) -> MultiHeadDual: ...
@overload
def dual_of(attention: flax.linen.MultiHeadDotProductAttention, *variables: LinenVariables) -> MultiHeadDual: ...
@overload
def dual_of(attention: AttentionForm) -> SingleHeadDual: ...
def dual_of(attention: object, *variables: LinenVariables) -> AttentionDual:
    """The dual of an attention: called on the same tokens, it returns what the attention returns.

    Args:
        attention: a form of one head, `MultiHeadAttention`, a `flax.nnx.MultiHeadAttention`, or a
            `flax.linen.MultiHeadDotProductAttention` followed by its variables; `known_attentions()` lists all kinds.
        *variables: the variables of a flax.linen module; nothing otherwise.

    Returns:
        `LinearDual`, `SoftmaxDual`, `OnlineDual`, `RidgeDual`, `DescentDual` or `MultiHeadDual`.

    Raises:
        TypeError: there is no dual for this kind of attention; `register_dual` adds one.
        ValueError: a flax module does what its dual does not, or a flax.linen module comes without its variables.

    Examples:
        >>> import jax
        >>> from lrgd_jax import SoftmaxAttention, dual_of
        >>> tokens = jax.random.normal(jax.random.key(0), (5, 3))
        >>> dual_of(SoftmaxAttention())(tokens, tokens, tokens, demonstrations=4).shape
        (5, 3)
    """
    return _build(attention, *variables)


def register_dual(kind: type[object]) -> Callable[[Callable[..., AttentionDual]], Callable[..., AttentionDual]]:
    """Decorates the function that builds the dual of a kind of attention, so that `dual_of` knows it.

    Args:
        kind: the class of the attention; its subclasses have the same dual unless they register another.

    Examples:
        >>> class Doubled:
        ...     pass
        >>> @register_dual(Doubled)
        ... def _(attention):
        ...     return "the dual of Doubled"
        >>> dual_of(Doubled())
        'the dual of Doubled'
    """
    return _build.register(kind)


def known_attentions() -> tuple[str, ...]:
    """The kinds of attention that have a dual, as package and class.

    Examples:
        >>> known_attentions()[:2]
        ('flax.MultiHeadAttention', 'flax.MultiHeadDotProductAttention')
    """
    kinds = (kind for kind in _build.registry if kind is not object)
    return tuple(sorted(f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in kinds))


@singledispatch
def _build(attention: object, *_: LinenVariables) -> AttentionDual:
    known = ", ".join(known_attentions())
    raise TypeError(f"dual_of: no dual is registered for {type(attention).__name__}; known are {known}")


register_dual(LinearAttention)(LinearDual)
register_dual(SoftmaxAttention)(SoftmaxDual)
register_dual(FastWeightForm)(OnlineDual)
register_dual(RidgeAttention)(RidgeDual)
register_dual(DescentAttention)(DescentDual)


@register_dual(MultiHeadAttention)
def _(attention: MultiHeadAttention) -> MultiHeadDual:
    return MultiHeadDual(attention, tuple(dual_of(form) for form in attention.forms()))


@register_dual(flax.nnx.MultiHeadAttention)
def _(attention: flax.nnx.MultiHeadAttention) -> MultiHeadDual:
    return dual_of(attention_of_nnx(attention))


@register_dual(flax.linen.MultiHeadDotProductAttention)
def _(attention: flax.linen.MultiHeadDotProductAttention, *variables: LinenVariables) -> MultiHeadDual:
    return dual_of(attention_of_linen(attention, *variables))
