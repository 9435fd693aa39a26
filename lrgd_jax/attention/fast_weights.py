"""Forms whose memory is a fast weight matrix that the tokens train one after another; all of them are causal.

What they need beside queries, keys and values (write strengths, decays, inner learning rates) is a field of the form:
one number, or one a token. The same names at a call replace the fields, so that a layer can compute them from tokens.
"""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.checks import check_choice, check_decay, check_not_negative, check_sizes
from lrgd_jax.attention.chunked import chunked_linear_attention
from lrgd_jax.attention.chunks import cut
from lrgd_jax.attention.delta import chunked_delta_rule, recurrent_delta_rule
from lrgd_jax.attention.gated import chunked_gated_linear_attention, recurrent_gated_linear_attention, retention
from lrgd_jax.attention.momentum import momentum_attention
from lrgd_jax.attention.per_token import FormField, PerFeature, PerToken, every_token, tokens_before
from lrgd_jax.attention.stability import largest_curvature, warn_beyond_limit
from lrgd_jax.attention.ttt import ttt_linear
from lrgd_jax.features import feature_count, identity
from lrgd_jax.positions import visible
from lrgd_jax.precision import narrow, wide_format, widen
from lrgd_jax.types import FeatureMap

__all__ = ["DeltaRule", "FastWeightForm", "GatedLinearAttention", "MomentumAttention", "Retention", "TTTLinear"]

Form = TypeVar("Form", bound="FastWeightForm")
"""A kind of form. `Self` says the same, but beartype takes it in classes that it decorates whole only."""


class FastWeightForm(ABC):
    """What the forms of this module share; each is a frozen dataclass.

    Attributes:
        feature_map: phi.
    """

    feature_map: FeatureMap

    @property
    def is_causal(self) -> bool:
        """Whether order matters: always."""
        return True

    def mask(self, queries: int, keys: int) -> Bool[Array, "t n"]:
        """Which keys each query sees: those up to its own token."""
        return visible(queries, keys, causal=True)

    def warn(self, keys: Float[Array, "n d"]) -> None:  # noqa: B027 (most forms descend no squared error)
        """Warns of a step beyond the stability limit, where the form descends a squared error."""

    @abstractmethod
    def outputs(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The outputs, one query a token, of tokens in float32 at least."""

    def at(self: Form, **per_token: FormField) -> Form:
        """The form with other fields, such as write strengths that a layer computes from its tokens."""
        return replace(self, **per_token) if per_token else self  # pyright: ignore[reportArgumentType]

    def __call__(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        **per_token: FormField,
    ) -> Float[Array, "t dv"]:
        """The outputs of the queries, which are the last t of the n tokens; `per_token` replaces fields of the form."""
        form = self.at(**per_token)
        form.warn(keys)
        before = tokens_before(type(form).__name__, queries.shape[0], keys.shape[0])
        q, k, v = widen(queries, keys, values)
        # every token is read, so tokens before the first query get a query whose output is dropped
        q = jnp.concatenate([jnp.zeros_like(k[:before]), q])
        return narrow(form.outputs(q, k, v)[before:], queries, keys, values)


@dataclass(frozen=True, eq=False)
class DeltaRule(FastWeightForm):
    r"""The delta rule, gated where there is a decay, $S_t = a_t S_{t-1}(I - b_t k_tk_t^\top) + b_t v_t k_t^\top$.

    Attributes:
        strength: b, the write strength; not negative, and at most 2 / |phi(k)|^2 if errors are to shrink.
        decay: a in [0, 1], what is kept of the memory before each write; all unless given.
        feature_map: phi.
        algorithm: "recurrent" or "chunked" (WY form).
        chunk: tokens in a chunk.

    Examples:
        >>> import jax.numpy as jnp
        >>> key, values = jnp.ones((2, 1)), jnp.array([[3.0], [7.0]])
        >>> DeltaRule()(key, key, values).ravel().tolist()
        [3.0, 7.0]
        >>> DeltaRule()(key, key, values, strength=jnp.array([1.0, 0.5])).ravel().tolist()  # strengths from the tokens
        [3.0, 5.0]
    """

    strength: PerToken = 1.0
    decay: PerToken | None = None
    feature_map: FeatureMap = field(default=identity)
    algorithm: Literal["recurrent", "chunked"] = "recurrent"
    chunk: int = 16

    def __post_init__(self) -> None:
        check_choice("DeltaRule", "algorithm", self.algorithm, ("recurrent", "chunked"))
        check_sizes("DeltaRule", chunk=self.chunk)
        check_not_negative("DeltaRule", strength=self.strength)
        check_decay("DeltaRule", self.decay)

    def warn(self, keys: Float[Array, "n d"]) -> None:
        """Warns where one token's step exceeds 2 / |phi(k)|^2."""
        _warn_of_batches("DeltaRule", self.feature_map, keys, self.strength, 1)

    def outputs(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The outputs, one query a token."""
        strengths = every_token(self.strength, values)
        decays = None if self.decay is None else every_token(self.decay, values)
        tokens = queries, keys, values, strengths, decays
        if self.algorithm == "chunked":
            return chunked_delta_rule(*tokens, feature_map=self.feature_map, chunk=self.chunk)
        return recurrent_delta_rule(*tokens, feature_map=self.feature_map)[0]


@dataclass(frozen=True, eq=False)
class Retention(FastWeightForm):
    r"""Retention, $S_t = a_t S_{t-1} + v_t\phi(k_t)^\top$: linear attention with a decay.

    Attributes:
        decay: a in [0, 1]; gamma of RetNet where it is one number.
        feature_map: phi.
        algorithm: "parallel", "recurrent" or "chunked".
        chunk: tokens in a chunk.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((3, 1))
        >>> Retention(decay=0.5)(ones, ones, jnp.array([[8.0], [0.0], [0.0]])).ravel().tolist()
        [8.0, 4.0, 2.0]
    """

    decay: PerToken = 1 - 2.0**-5
    feature_map: FeatureMap = field(default=identity)
    algorithm: Literal["parallel", "recurrent", "chunked"] = "parallel"
    chunk: int = 16

    def __post_init__(self) -> None:
        check_choice("Retention", "algorithm", self.algorithm, ("parallel", "recurrent", "chunked"))
        check_sizes("Retention", chunk=self.chunk)
        check_decay("Retention", self.decay)

    def outputs(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The outputs, one query a token."""
        decays = every_token(self.decay, values)
        if self.algorithm == "parallel":
            return retention(queries, keys, values, decays, feature_map=self.feature_map)
        if self.algorithm == "chunked":
            tokens = queries, keys, values, decays
            return chunked_linear_attention(*tokens, feature_map=self.feature_map, chunk=self.chunk)
        return _gated(self, queries, keys, values, decays[:, None])


@dataclass(frozen=True, eq=False)
class GatedLinearAttention(FastWeightForm):
    r"""Gated linear attention, $S_t = S_{t-1}\,\mathrm{diag}(g_t) + v_t\phi(k_t)^\top$.

    Attributes:
        decay: g in [0, 1]: one number, one a feature [r], or one a token and feature [n, r].
        feature_map: phi.
        algorithm: "recurrent" or "chunked".
        chunk: tokens in a chunk.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((2, 2))
        >>> gates = jnp.array([0.5, 0.0])  # one a feature
        >>> GatedLinearAttention(gates)(ones, ones, jnp.array([[8.0], [0.0]])).ravel().tolist()
        [16.0, 4.0]
    """

    decay: PerFeature = 1.0
    feature_map: FeatureMap = field(default=identity)
    algorithm: Literal["recurrent", "chunked"] = "recurrent"
    chunk: int = 16

    def __post_init__(self) -> None:
        check_choice("GatedLinearAttention", "algorithm", self.algorithm, ("recurrent", "chunked"))
        check_sizes("GatedLinearAttention", chunk=self.chunk)
        check_decay("GatedLinearAttention", self.decay)

    def gates(self, tokens: int, dtype: jax.typing.DTypeLike) -> Float[Array, "n _"]:
        """One row a token: of r gates, or of one for all features; in float32 at least."""
        gates = jnp.atleast_1d(jnp.asarray(self.decay, wide_format(dtype)))
        return jnp.broadcast_to(gates, (tokens, gates.shape[-1])) if gates.ndim == 1 else gates

    def outputs(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The outputs, one query a token."""
        return _gated(self, queries, keys, values, self.gates(keys.shape[0], values.dtype))


@dataclass(frozen=True, eq=False)
class TTTLinear(FastWeightForm):
    r"""Test-time training of a linear memory by inner minibatches (TTT-Linear).

    Attributes:
        learning_rate: eta, the inner rate; not negative.
        feature_map: phi.
        chunk: tokens in an inner minibatch.

    Examples:
        >>> import jax.numpy as jnp
        >>> key, values = jnp.ones((2, 1)), jnp.array([[4.0], [8.0]])
        >>> TTTLinear(learning_rate=0.5, chunk=2)(key, key, values).ravel().tolist()
        [2.0, 6.0]
    """

    learning_rate: PerToken = 1.0
    feature_map: FeatureMap = field(default=identity)
    chunk: int = 16

    def __post_init__(self) -> None:
        check_sizes("TTTLinear", chunk=self.chunk)
        check_not_negative("TTTLinear", learning_rate=self.learning_rate)

    def warn(self, keys: Float[Array, "n d"]) -> None:
        """Warns where the step of one minibatch exceeds 2 over its largest curvature."""
        _warn_of_batches("TTTLinear", self.feature_map, keys, self.learning_rate, self.chunk)

    def outputs(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The outputs, one query a token."""
        rates = every_token(self.learning_rate, values)
        return ttt_linear(queries, keys, values, rates, feature_map=self.feature_map, chunk=self.chunk)


@dataclass(frozen=True, eq=False)
class MomentumAttention(FastWeightForm):
    r"""Linear attention with the weights $(1-\mu^{a+1})/(1-\mu)$ of momentum, a the age of a token.

    Attributes:
        momentum: mu in [0, 1].
        nesterov: Nesterov's momentum in place of the heavy ball.
        feature_map: phi.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((3, 1))
        >>> MomentumAttention(momentum=0.5)(ones, ones, jnp.array([[4.0], [0.0], [0.0]])).ravel().tolist()
        [4.0, 6.0, 7.0]
    """

    momentum: float | Float[Array, ""] = 0.9
    nesterov: bool = False
    feature_map: FeatureMap = field(default=identity)

    def __post_init__(self) -> None:
        check_decay("MomentumAttention", self.momentum, name="momentum")

    def outputs(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The outputs, one query a token."""
        return momentum_attention(
            queries, keys, values, self.momentum, nesterov=self.nesterov, feature_map=self.feature_map
        )


def _gated(
    form: Retention | GatedLinearAttention,
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    gates: Float[Array, "n _"],
) -> Float[Array, "n dv"]:
    features = feature_count(form.feature_map, keys)
    if gates.shape[0] != keys.shape[0] or gates.shape[1] not in (1, features):
        raise ValueError(
            f"{type(form).__name__}: {keys.shape[0]} tokens of {features} features need one decay, one a feature, or "
            f"one a token and feature; got gates of shape {gates.shape}"
        )
    gates = jnp.broadcast_to(gates, (keys.shape[0], features))
    if form.algorithm == "chunked":
        return chunked_gated_linear_attention(
            queries, keys, values, gates, feature_map=form.feature_map, chunk=form.chunk
        )
    return recurrent_gated_linear_attention(queries, keys, values, gates, feature_map=form.feature_map)[0]


def _warn_of_batches(form: str, feature_map: FeatureMap, keys: Float[Array, "n d"], rate: PerToken, size: int) -> None:
    """Warns at the minibatch of the largest curvature, whose samples weigh as much as their rates."""
    if any(isinstance(x, Tracer) for x in (keys, rate)):
        return
    # a step weighs a sample by its rate, hence a row of features by its root
    (k,) = widen(keys)
    rows = cut(jnp.sqrt(every_token(rate, k))[:, None] * jax.vmap(feature_map)(k), size)
    warn_beyond_limit(form, 1.0, largest_curvature(rows))
