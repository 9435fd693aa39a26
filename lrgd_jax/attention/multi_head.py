"""Multi-head and grouped-query attention around any form of one head."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.attention.forms import AttentionForm
from lrgd_jax.precision import narrow, widen

__all__ = ["HeadWeights", "MultiHeadAttention", "project"]

Weights = TypeVar("Weights", bound="HeadWeights")
"""A kind of head weights. `Self` says the same, but beartype takes it in classes that it decorates whole only."""


@struct.dataclass
class HeadWeights:
    """Projections of h query heads and g key-value groups, h a multiple of g; head j reads group j // (h / g).

    Attributes:
        query: W_Q, shape [h, m, d].
        key: W_K, shape [g, m, d].
        value: W_V, shape [g, m, dv].
        output: W_O, shape [h, dv, m].
        query_bias: shape [h, d], or None.
        key_bias: shape [g, d], or None.
        value_bias: shape [g, dv], or None.
        output_bias: shape [m], or None.

    Examples:
        >>> import jax.numpy as jnp
        >>> w = HeadWeights(jnp.ones((4, 8, 2)), jnp.ones((2, 8, 2)), jnp.ones((2, 8, 3)), jnp.ones((4, 3, 8)))
        >>> w.heads, w.groups
        (4, 2)
    """

    query: Float[Array, "h m d"]
    key: Float[Array, "g m d"]
    value: Float[Array, "g m dv"]
    output: Float[Array, "h dv m"]
    query_bias: Float[Array, "h d"] | None = None
    key_bias: Float[Array, "g d"] | None = None
    value_bias: Float[Array, "g dv"] | None = None
    output_bias: Float[Array, " m"] | None = None

    @property
    def heads(self) -> int:
        """Query heads h."""
        return self.query.shape[0]

    @property
    def groups(self) -> int:
        """Key-value heads g."""
        return self.key.shape[0]

    def with_tokens(
        self: Weights, queries: Float[Array, "t m"], tokens: Float[Array, "n m"]
    ) -> tuple[Weights, Float[Array, "t m"], Float[Array, "n m"]]:
        """The weights and the tokens in one format, float32 at least."""
        names = [field.name for field in fields(self)]
        queries, tokens, *wide = widen(queries, tokens, *(getattr(self, name) for name in names))
        return replace(self, **dict(zip(names, wide, strict=True))), queries, tokens

    def check(self) -> None:
        """Raises ValueError where the heads cannot be divided among the groups."""
        if self.groups == 0 or self.heads % self.groups:
            raise ValueError(
                f"HeadWeights: {self.heads} query heads cannot be divided among {self.groups} key-value heads; "
                "the first number must be a multiple of the second"
            )


def project(
    weights: Float[Array, "h m d"], bias: Float[Array, "h d"] | None, tokens: Float[Array, "n m"]
) -> Float[Array, "h n d"]:
    """One linear projection of the tokens for every head."""
    projected = jnp.einsum("nm,hmd->hnd", tokens, weights)
    return projected if bias is None else projected + bias[:, None, :]


@dataclass(frozen=True)
class MultiHeadAttention:
    r"""$\sum_h W_O^{h\top} o^h + b_O$, where head h is `form` on its own projections of the tokens.

    Attributes:
        weights: the projections.
        form: of every head, or one form a head (ALiBi slopes differ by head).

    Source: Vaswani et al. 2017, arXiv 1706.03762, section 3.2.2; grouped: Ainslie et al. 2023, arXiv 2305.13245.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.attention import LinearAttention
        >>> w = HeadWeights(jnp.ones((2, 1, 1)), jnp.ones((1, 1, 1)), jnp.ones((1, 1, 1)), jnp.ones((2, 1, 1)))
        >>> MultiHeadAttention(w, LinearAttention())(jnp.array([[1.0], [2.0]])).tolist()
        [[10.0], [20.0]]
    """

    weights: HeadWeights
    form: AttentionForm | Sequence[AttentionForm]

    def forms(self) -> tuple[AttentionForm, ...]:
        """One form a head."""
        h = self.weights.heads
        if not isinstance(self.form, Sequence):
            return (self.form,) * h
        if len(self.form) != h:
            raise ValueError(f"MultiHeadAttention: {h} heads need one form or {h} forms, got {len(self.form)}")
        return tuple(self.form)

    def __call__(self, queries: Float[Array, "t m"], tokens: Float[Array, "n m"] | None = None) -> Float[Array, "t m"]:
        """Attends from `queries` to `tokens` (to the queries themselves unless given)."""
        self.weights.check()
        w, x, seen = self.weights.with_tokens(queries, queries if tokens is None else tokens)
        q = project(w.query, w.query_bias, x)
        k = jnp.repeat(project(w.key, w.key_bias, seen), w.heads // w.groups, axis=0)
        v = jnp.repeat(project(w.value, w.value_bias, seen), w.heads // w.groups, axis=0)
        forms = self.forms()
        if len(set(map(id, forms))) == 1:
            heads = jax.vmap(forms[0])(q, k, v)
        else:
            heads = jnp.stack([form(*qkv) for form, *qkv in zip(forms, q, k, v, strict=True)])
        outputs = jnp.einsum("htd,hdm->tm", heads, w.output)
        outputs = outputs if w.output_bias is None else outputs + w.output_bias[None, :]
        return narrow(outputs, queries, *jax.tree.leaves(self.weights))
