"""Attention forms: a form names everything that an attention layer of one head does with q, k and v.

A form is called on (queries, keys, values). Where order matters (causal, window, positions), the queries are the
last t of the n tokens, as in generation with a cache. `lrgd_jax.dual.dual_of` gives the dual model of a form.

Queries, keys and values may have different floating formats; a form computes in the widest of them, float32 at least
(`lrgd_jax.precision`), and its outputs are rounded once where all three are bfloat16, or all three float16.
"""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.checks import check_choice, check_sizes
from lrgd_jax.attention.chunked import chunked_linear_attention
from lrgd_jax.attention.denominators import warn_of_dead_denominators
from lrgd_jax.attention.linear import linear_attention, recurrent_linear_attention
from lrgd_jax.attention.softmax import softmax_attention
from lrgd_jax.attention.streaming import streaming_softmax_attention
from lrgd_jax.features import identity
from lrgd_jax.positions import (
    RotaryLayout,
    RotaryScaling,
    alibi_bias,
    rotary_frequencies,
    rotate,
    visible,
)
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = ["AttentionForm", "LinearAttention", "Rotary", "SoftmaxAttention"]


@runtime_checkable
class AttentionForm(Protocol):
    """Any attention of one head: what a multi-head layer and the table of forms need of it.

    Examples:
        >>> isinstance(SoftmaxAttention(causal=True), AttentionForm)
        True
    """

    @property
    def is_causal(self) -> bool:
        """Whether order matters."""
        ...

    def mask(self, queries: int, keys: int) -> Bool[Array, "t n"]:
        """Which keys each query sees."""
        ...

    def __call__(
        self, queries: Float[Array, "t d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "t dv"]:
        """The outputs of the queries."""
        ...


@dataclass(frozen=True)
class Rotary:
    """Rotary positions of a form.

    Attributes:
        theta: base of the frequencies.
        layout: which coordinates form a pair.
        offset: the position of the first token.
        scaling: a stretch of the slow frequencies.

    Examples:
        >>> import jax.numpy as jnp
        >>> rows = Rotary()(jnp.ones((2, 2)))
        >>> rows[0].tolist()  # position 0 is not rotated
        [1.0, 1.0]
        >>> float(jnp.sum(rows[1] ** 2).round(4))  # a rotation keeps lengths
        2.0
    """

    theta: float = 10_000.0
    layout: RotaryLayout = "half"
    offset: int = 0
    scaling: RotaryScaling | None = None

    def __call__(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n d"]:
        """Rotates the rows, which stand at the positions offset + first, offset + first + 1, …"""
        frequencies = rotary_frequencies(x.shape[1], self.theta, self.scaling)
        return rotate(x, self.offset + first + jnp.arange(x.shape[0]), frequencies, self.layout)


@dataclass(frozen=True)
class LinearAttention:
    r"""Linear attention, $o_t = \sum_i v_i \langle\phi(k_i), \phi(q_t)\rangle$.

    Attributes:
        feature_map: phi.
        causal: a query sees no later token.
        window: a query sees the last `window` tokens; implies causal.
        normalised: divide by the sum of the weights.
        rotary: features are rotated after phi, R_i phi(k_i); not with `normalised`, where a rotated weight
            may be zero or negative.
        algorithm: "parallel" (all pairs), "recurrent" (a state, token by token), "chunked" (a state between chunks).
        chunk: tokens in a chunk.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones, values = jnp.ones((3, 1)), jnp.array([[1.0], [2.0], [4.0]])
        >>> LinearAttention()(ones[:1], ones, values).tolist()
        [[7.0]]
        >>> LinearAttention(causal=True)(ones, ones, values).ravel().tolist()
        [1.0, 3.0, 7.0]
        >>> LinearAttention(window=2, algorithm="recurrent")(ones, ones, values).ravel().tolist()
        [1.0, 3.0, 6.0]
    """

    feature_map: FeatureMap = field(default=identity)
    causal: bool = False
    window: int | None = None
    normalised: bool = False
    rotary: Rotary | None = None
    algorithm: Literal["parallel", "recurrent", "chunked"] = "parallel"
    chunk: int = 64

    def __post_init__(self) -> None:
        if not callable(self.feature_map):
            raise ValueError(f"LinearAttention: feature_map must be a function of a vector, got {self.feature_map!r}")
        check_choice("LinearAttention", "algorithm", self.algorithm, ("parallel", "recurrent", "chunked"))
        check_sizes("LinearAttention", window=self.window, chunk=self.chunk)
        if self.normalised and self.rotary is not None:
            raise ValueError(
                "LinearAttention: rotated features give weights that may be zero or negative, so they cannot be "
                "normalised; choose normalised=False or rotary=None"
            )
        if self.algorithm != "parallel" and not self.is_causal:
            raise ValueError(
                f'LinearAttention: the {self.algorithm} algorithm is causal; set causal=True or "parallel"'
            )
        if self.algorithm == "chunked" and self.window is not None:
            raise ValueError('LinearAttention: a window has no chunked algorithm; choose "parallel" or "recurrent"')

    @property
    def is_causal(self) -> bool:
        """Whether order matters."""
        return self.causal or self.window is not None

    def mask(self, queries: int, keys: int) -> Bool[Array, "t n"]:
        """Which keys each query sees."""
        return visible(queries, keys, causal=self.causal, window=self.window)

    def __call__(
        self, queries: Float[Array, "t d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "t dv"]:
        """The outputs of the queries; warns of a query whose weights sum to zero, where their mean is asked for."""
        outputs = narrow(self._outputs(*widen(queries, keys, values)), queries, keys, values)
        if self.normalised:
            warn_of_dead_denominators("LinearAttention", outputs)
        return outputs

    def _outputs(
        self, queries: Float[Array, "t d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "t dv"]:
        t, n = queries.shape[0], keys.shape[0]
        feature_map = self.feature_map
        if self.rotary is not None:
            # rotation acts on features and depends on the token, so it cannot be part of phi
            queries = self.rotary(jax.vmap(self.feature_map)(queries), n - t)
            keys = self.rotary(jax.vmap(self.feature_map)(keys))
            feature_map = identity
        if self.algorithm == "parallel":
            mask = self.mask(t, n)
            return linear_attention(
                queries, keys, values, feature_map=feature_map, mask=mask, normalised=self.normalised
            )
        # the other two read every token, so tokens before the first query get a query whose output is dropped
        queries = jnp.concatenate([jnp.ones_like(keys[: n - t]), queries])
        if self.algorithm == "recurrent":
            outputs, _ = recurrent_linear_attention(
                queries, keys, values, feature_map=feature_map, normalised=self.normalised, window=self.window
            )
        else:
            outputs = chunked_linear_attention(
                queries, keys, values, feature_map=feature_map, normalised=self.normalised, chunk=self.chunk
            )
        return outputs[n - t :]


@dataclass(frozen=True)
class SoftmaxAttention:
    r"""Softmax attention, $o_t = \sum_i \mathrm{softmax}_i(s\,q_t^\top k_i + b_{ti})\, v_i$.

    Attributes:
        scale: s, 1/sqrt(d) unless given.
        causal: a query sees no later token.
        window: a query sees the last `window` tokens; implies causal.
        rotary: keys and queries are rotated.
        alibi_slope: m of the bias b = -m (p_t - p_i); implies causal.
        algorithm: "parallel" or "streaming" over blocks of keys.
        block: keys in a block.

    Examples:
        >>> import jax.numpy as jnp
        >>> zeros, values = jnp.zeros((2, 3)), jnp.array([[1.0], [5.0]])
        >>> SoftmaxAttention()(zeros, zeros, values).ravel().tolist()
        [3.0, 3.0]
        >>> SoftmaxAttention(causal=True)(zeros, zeros, values).ravel().tolist()
        [1.0, 3.0]
    """

    scale: float | None = None
    causal: bool = False
    window: int | None = None
    rotary: Rotary | None = None
    alibi_slope: float | None = None
    algorithm: Literal["parallel", "streaming"] = "parallel"
    block: int = 64

    def __post_init__(self) -> None:
        check_choice("SoftmaxAttention", "algorithm", self.algorithm, ("parallel", "streaming"))
        check_sizes("SoftmaxAttention", window=self.window, block=self.block)
        if self.alibi_slope is not None and not self.alibi_slope >= 0:
            raise ValueError(f"SoftmaxAttention: an ALiBi slope is not negative, got {self.alibi_slope}")

    @property
    def is_causal(self) -> bool:
        """Whether order matters."""
        return self.causal or self.window is not None or self.alibi_slope is not None

    def mask(self, queries: int, keys: int) -> Bool[Array, "t n"]:
        """Which keys each query sees."""
        return visible(queries, keys, causal=self.is_causal, window=self.window)

    def __call__(
        self, queries: Float[Array, "t d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "t dv"]:
        """The outputs of the queries."""
        t, n = queries.shape[0], keys.shape[0]
        q, k, v = widen(queries, keys, values)
        if self.rotary is not None:
            q, k = self.rotary(q, n - t), self.rotary(k)
        if self.algorithm == "streaming":
            outputs = streaming_softmax_attention(
                q,
                k,
                v,
                scale=self.scale,
                causal=self.is_causal,
                window=self.window,
                alibi_slope=self.alibi_slope,
                block=self.block,
            )
        else:
            bias = None if self.alibi_slope is None else alibi_bias(t, n, self.alibi_slope, k.dtype)
            outputs = softmax_attention(q, k, v, scale=self.scale, bias=bias, mask=self.mask(t, n))
        return narrow(outputs, queries, keys, values)
