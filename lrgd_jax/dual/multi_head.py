"""The dual of multi-head attention: one dual a head."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.multi_head import HeadWeights, MultiHeadAttention, project
from lrgd_jax.dual.base import Dual
from lrgd_jax.dual.single_head import HeadDual
from lrgd_jax.dual.token_roles import Segments
from lrgd_jax.precision import narrow

__all__ = ["MultiHeadDual", "SingleHeadDual"]

SingleHeadDual: TypeAlias = HeadDual[Any, Any, Any]
"""The dual of any form of one head; heads of one layer may have different forms."""

_HeadOutput: TypeAlias = Callable[
    [SingleHeadDual, Float[Array, "t d"], Float[Array, "n d"], Float[Array, "n dv"], Bool[Array, "t n"] | None],
    Float[Array, "t dv"],
]
"""(dual, test points, keys, values, mask) -> the head's outputs."""


@dataclass(frozen=True)
class MultiHeadDual:
    r"""The dual of multi-head attention: one dual a head, read out through W_O.

    Heads of one group share keys and values, hence one training set and one dual; they differ in the test point.

    Attributes:
        attention: the layer.
        heads: the dual of each head's form.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import LinearAttention, dual_of
        >>> from lrgd_jax.attention import HeadWeights, MultiHeadAttention
        >>> w = HeadWeights(jnp.ones((2, 1, 1)), jnp.ones((1, 1, 1)), jnp.ones((1, 1, 1)), jnp.ones((2, 1, 1)))
        >>> dual_of(MultiHeadAttention(w, LinearAttention()))(jnp.array([[1.0], [2.0]]), demonstrations=1).tolist()
        [[10.0], [20.0]]
    """

    attention: MultiHeadAttention
    heads: tuple[SingleHeadDual, ...]

    def __call__(
        self,
        queries: Float[Array, "t m"],
        tokens: Float[Array, "n m"] | None = None,
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | Bool[Array, "h t n"] | None = None,
    ) -> Float[Array, "t m"]:
        """The sum over the heads of W_O' f_1(q), plus the output's bias.

        Args:
            queries: tokens that attend.
            tokens: tokens that are attended to; the queries themselves unless given.
            demonstrations: how many of the tokens are demonstrations, or one segment number a token.
            mask: which tokens each query sees, for all heads or for each.
        """

        def trained(
            dual: SingleHeadDual,
            points: Float[Array, "t d"],
            keys: Float[Array, "n d"],
            values: Float[Array, "n dv"],
            seen: Bool[Array, "t n"] | None,
        ) -> Float[Array, "t dv"]:
            return dual(points, keys, values, demonstrations=demonstrations, mask=seen)

        return self._read_out(trained, queries, tokens, mask)

    def zero_shot(
        self,
        queries: Float[Array, "t m"],
        tokens: Float[Array, "n m"] | None = None,
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | Bool[Array, "h t n"] | None = None,
    ) -> Float[Array, "t m"]:
        """The same before the steps: the sum over the heads of W_O' f_0(q), plus the output's bias."""

        def untrained(
            dual: SingleHeadDual,
            points: Float[Array, "t d"],
            keys: Float[Array, "n d"],
            values: Float[Array, "n dv"],
            seen: Bool[Array, "t n"] | None,
        ) -> Float[Array, "t dv"]:
            return dual.zero_shot(points, keys, values, demonstrations=demonstrations, mask=seen)

        return self._read_out(untrained, queries, tokens, mask)

    def models(self, tokens: Float[Array, "n m"], *, demonstrations: Segments) -> tuple[Dual[Any], ...]:
        """The dual model of each head that a query at the last token meets."""
        w, _, wide = self.attention.weights.with_tokens(tokens, tokens)
        keys, values = _keys_and_values(w, wide)
        share = self.attention.weights.heads // self.attention.weights.groups
        return tuple(
            dual.model(keys[head // share], values[head // share], demonstrations=demonstrations)
            for head, dual in enumerate(self.heads)
        )

    def _read_out(
        self,
        head_output: _HeadOutput,
        queries: Float[Array, "t m"],
        tokens: Float[Array, "n m"] | None,
        mask: Bool[Array, "t n"] | Bool[Array, "h t n"] | None,
    ) -> Float[Array, "t m"]:
        self.attention.weights.check()
        w, x, seen_tokens = self.attention.weights.with_tokens(queries, queries if tokens is None else tokens)
        test_points = project(w.query, w.query_bias, x)
        keys, values = _keys_and_values(w, seen_tokens)
        share = w.heads // w.groups
        outputs = jnp.zeros((x.shape[0], w.output.shape[2]), x.dtype)
        for head, dual in enumerate(self.heads):
            seen = mask[head] if mask is not None and mask.ndim == 3 else mask
            prediction = head_output(dual, test_points[head], keys[head // share], values[head // share], seen)
            outputs = outputs + prediction @ w.output[head]
        outputs = outputs if w.output_bias is None else outputs + w.output_bias[None, :]
        return narrow(outputs, queries, *jax.tree.leaves(self.attention.weights))


def _keys_and_values(
    w: HeadWeights, tokens: Float[Array, "n m"]
) -> tuple[Float[Array, "g n d"], Float[Array, "g n dv"]]:
    return project(w.key, w.key_bias, tokens), project(w.value, w.value_bias, tokens)
