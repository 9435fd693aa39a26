"""`dual_of`: from an attention form to its dual, and the table of forms that every test walks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import singledispatch
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.forms import AttentionForm, LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.model import DualModel, projective_targets
from lrgd_jax.dual.roles import Roles, Segments, roles, segments_of
from lrgd_jax.features import DPFP, PositiveRandomFeatures, TaylorFeatures, elu_plus_one, identity, relu
from lrgd_jax.kernels import ExponentialKernel
from lrgd_jax.positions import alibi_bias

__all__ = ["FORMS", "HeadDual", "LinearDual", "SoftmaxDual", "dual_of"]


@dataclass(frozen=True)
class HeadDual:
    """The dual of an attention form of one head: a dual model for each query.

    Attributes:
        form: the attention.
    """

    form: Any

    def inputs(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n _"]:
        """Keys or queries, the first at position `first`, as training inputs or test points of the model."""
        raise NotImplementedError

    def build(
        self,
        inputs: Float[Array, "n _"],
        values: Float[Array, "n dv"],
        role: Roles,
        point: Float[Array, " _"] | None = None,
    ) -> Any:
        """The model of one query: W_0 from its context, the demonstrations as training set."""
        raise NotImplementedError

    def model(self, keys: Float[Array, "n d"], values: Float[Array, "n dv"], *, demonstrations: Segments) -> Any:
        """The dual model that a query at the last token meets.

        `model.train()` takes the step; `model.predict(trained, dual.inputs(query, n - 1))` is the test output.
        """
        role = self._roles(1, keys.shape[0], demonstrations, None, values.dtype)
        return self.build(self.inputs(keys), values, jax.tree.map(lambda x: x[0], role))

    def __call__(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | None = None,
    ) -> Float[Array, "t dv"]:
        """The test output of every query after the step: what the attention returns.

        Args:
            queries: the last t tokens where the form is causal.
            keys: demonstrations, then the query's own tokens.
            values: likewise.
            demonstrations: how many of the tokens are demonstrations, or one segment number a token.
            mask: which keys each query sees, in place of the form's own mask.
        """
        return self._each(lambda m, x: m.predict(m.train(), x), queries, keys, values, demonstrations, mask)

    def zero_shot(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | None = None,
    ) -> Float[Array, "t dv"]:
        """The test output of every query before the step; not a number where a ratio has no context yet."""
        return self._each(lambda m, x: m.zero_shot(x), queries, keys, values, demonstrations, mask)

    def _each(
        self,
        output: Callable[[Any, Float[Array, "1 _"]], Float[Array, "1 dv"]],
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        demonstrations: Segments,
        mask: Bool[Array, "t n"] | None,
    ) -> Float[Array, "t dv"]:
        t, n = queries.shape[0], keys.shape[0]
        inputs = self.inputs(keys)

        def one(point: Float[Array, " _"], role: Roles) -> Float[Array, " dv"]:
            return output(self.build(inputs, values, role, point), point[None])[0]

        role = self._roles(t, n, demonstrations, mask, values.dtype)
        return jax.vmap(one)(self.inputs(queries, n - t), role)

    def _roles(
        self, queries: int, keys: int, demonstrations: Segments, mask: Bool[Array, "t n"] | None, dtype: Any
    ) -> Roles:
        seen = self.form.mask(queries, keys) if mask is None else mask
        return roles(seen, segments_of(keys, demonstrations), ordered=self.form.is_causal, dtype=dtype)

    def _require_order(self) -> None:
        if not self.form.is_causal:
            raise ValueError("online training needs an order of the tokens: set causal=True on the form")


@dataclass(frozen=True)
class LinearDual(HeadDual):
    """The dual of linear attention: a `DualModel` for each query."""

    form: LinearAttention

    def inputs(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n _"]:
        """The rows themselves; with rotary positions, their rotated features R_i phi(k_i)."""
        if self.form.rotary is None:
            return x
        return self.form.rotary(jax.vmap(self.form.feature_map)(x), first)

    def build(
        self,
        inputs: Float[Array, "n _"],
        values: Float[Array, "n dv"],
        role: Roles,
        point: Float[Array, " _"] | None = None,
    ) -> DualModel:
        """The model of one query: W_0 by one step on its context, the demonstrations as training set."""
        untrained = self._untrained(inputs, values)
        context = replace(untrained, sample_weights=role.context)
        return replace(untrained, initial_weights=context.train(), sample_weights=role.demonstrations)

    def online(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The test output at every token of the dual trained online up to it; a window unlearns what leaves it.

        Raises:
            ValueError: the form is not causal: without an order there is nothing to train online.
        """
        self._require_order()
        model = self._untrained(self.inputs(keys), values)
        trajectory = model.train_online(window=self.form.window)
        return jax.vmap(lambda w, x: model.predict(w, x[None])[0])(trajectory, self.inputs(queries))

    def _untrained(self, inputs: Float[Array, "n _"], values: Float[Array, "n dv"]) -> DualModel:
        return DualModel.untrained(
            inputs,
            projective_targets(values) if self.form.normalised else values,
            feature_map=self.form.feature_map if self.form.rotary is None else identity,
            projective=self.form.normalised,
        )


@dataclass(frozen=True)
class SoftmaxDual(HeadDual):
    """The dual of softmax attention: a `FunctionalDual` for each query, in the RKHS of the exponential kernel."""

    form: SoftmaxAttention

    def inputs(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n d"]:
        """The rows, rotated where the form has rotary positions."""
        return x if self.form.rotary is None else self.form.rotary(x, first)

    def build(
        self,
        inputs: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        role: Roles,
        point: Float[Array, " d"] | None = None,
    ) -> FunctionalDual:
        """The model of one query: f_0 by one step on its context, the demonstrations as training set."""
        seen = role.context + role.demonstrations > 0
        # a token that is not seen counts nothing, but its kernel value might overflow: it stands where a seen one does
        inputs = jnp.where(seen[:, None], inputs, inputs[jnp.argmax(seen)][None, :])
        shift = 0.0 if point is None else self.largest_exponent(inputs, point)
        untrained = FunctionalDual.untrained(
            inputs, projective_targets(values), kernel=ExponentialKernel(self.form.scale, shift)
        )
        context = replace(untrained, sample_weights=role.context)
        return replace(untrained, initial_function=context.train(), sample_weights=role.demonstrations)

    def online(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The test output at every token of the dual trained online up to it.

        ALiBi's bias is the weight decay of the steps, a window the unlearning of the token that leaves it. One
        function serves all test points, so no shift keeps its kernel in range: logits must stay below exp's overflow.

        Raises:
            ValueError: the form is not causal: without an order there is nothing to train online.
        """
        self._require_order()
        inputs, slope = self.inputs(keys), self.form.alibi_slope
        kernel = ExponentialKernel(self.form.scale)
        model = FunctionalDual.untrained(inputs, projective_targets(values), kernel=kernel)
        retention = None if slope is None else jnp.exp(-jnp.asarray(slope, values.dtype))
        trajectory = model.train_online(retention=retention, window=self.form.window)

        def one(coefficients: Float[Array, "n u"], point: Float[Array, " d"]) -> Float[Array, " dv"]:
            return model.predict(KernelExpansion(inputs, coefficients, kernel), point[None])[0]

        return jax.vmap(one)(trajectory, self.inputs(queries))

    def _roles(
        self, queries: int, keys: int, demonstrations: Segments, mask: Bool[Array, "t n"] | None, dtype: Any
    ) -> Roles:
        plain = super()._roles(queries, keys, demonstrations, mask, dtype)
        if self.form.alibi_slope is None:
            return plain
        # e^{-m age} on a sample's loss is what weight decay leaves of its step after `age` further steps
        recency = jnp.exp(alibi_bias(queries, keys, self.form.alibi_slope, dtype))
        return jax.tree.map(lambda seen: jnp.where(seen > 0, recency, seen), plain)

    def largest_exponent(self, inputs: Float[Array, "n d"], point: Float[Array, " d"]) -> Float[Array, ""]:
        """The shift that keeps the kernel values between the model's inputs and a test point at or below one."""
        exponents = jax.vmap(lambda x: ExponentialKernel(self.form.scale).exponent(x, point))(inputs)
        return jax.lax.stop_gradient(jnp.max(exponents))


@singledispatch
def dual_of(attention: Any, *arguments: Any) -> Any:
    """The dual of an attention: called on the same tokens, it returns what the attention returns.

    Args:
        attention: a `LinearAttention`, `SoftmaxAttention` or `MultiHeadAttention`, a
            `flax.nnx.MultiHeadAttention`, or a `flax.linen.MultiHeadDotProductAttention` followed by its variables.
        *arguments: the variables of a flax.linen module; nothing otherwise.

    Returns:
        `LinearDual`, `SoftmaxDual` or `MultiHeadDual`.

    Raises:
        TypeError: there is no dual for this kind of attention.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from lrgd_jax import SoftmaxAttention, dual_of
        >>> tokens = jax.random.normal(jax.random.key(0), (5, 3))
        >>> dual_of(SoftmaxAttention())(tokens, tokens, tokens, demonstrations=4).shape
        (5, 3)
    """
    known = ", ".join(sorted(kind.__name__ for kind in dual_of.registry if kind is not object))
    raise TypeError(f"dual_of: no dual is registered for {type(attention).__name__}; known are {known}")


@dual_of.register
def _(attention: LinearAttention) -> LinearDual:
    return LinearDual(attention)


@dual_of.register
def _(attention: SoftmaxAttention) -> SoftmaxDual:
    return SoftmaxDual(attention)


def _fixed_random_features(width: int = 4, features: int = 6) -> PositiveRandomFeatures:
    # a fixed draw: the table names forms, and a form with random features is one draw of them
    return PositiveRandomFeatures(np.random.default_rng(0).standard_normal((features, width)))


FORMS: Mapping[str, AttentionForm] = MappingProxyType(
    {
        "linear": LinearAttention(),
        "linear elu+1": LinearAttention(elu_plus_one),
        "linear relu": LinearAttention(relu),
        "linear taylor": LinearAttention(TaylorFeatures(2), normalised=True),
        "linear random features": LinearAttention(_fixed_random_features(), normalised=True),
        "linear dpfp": LinearAttention(DPFP(2)),
        "linear normalised": LinearAttention(elu_plus_one, normalised=True),
        "linear causal": LinearAttention(causal=True),
        "linear causal normalised": LinearAttention(elu_plus_one, causal=True, normalised=True),
        "linear recurrent": LinearAttention(causal=True, algorithm="recurrent"),
        "linear recurrent normalised": LinearAttention(
            elu_plus_one, causal=True, normalised=True, algorithm="recurrent"
        ),
        "linear chunked": LinearAttention(causal=True, algorithm="chunked", chunk=3),
        "linear chunked normalised": LinearAttention(
            elu_plus_one, causal=True, normalised=True, algorithm="chunked", chunk=3
        ),
        "linear window": LinearAttention(window=3),
        "linear window recurrent": LinearAttention(window=3, algorithm="recurrent"),
        "linear rotary": LinearAttention(causal=True, rotary=Rotary()),
        "linear rotary interleaved": LinearAttention(elu_plus_one, rotary=Rotary(layout="interleaved")),
        "softmax": SoftmaxAttention(),
        "softmax scaled": SoftmaxAttention(scale=1.0),
        "softmax causal": SoftmaxAttention(causal=True),
        "softmax streaming": SoftmaxAttention(algorithm="streaming", block=3),
        "softmax streaming causal": SoftmaxAttention(causal=True, algorithm="streaming", block=3),
        "softmax window": SoftmaxAttention(window=3),
        "softmax rotary": SoftmaxAttention(causal=True, rotary=Rotary()),
        "softmax rotary interleaved": SoftmaxAttention(rotary=Rotary(layout="interleaved", offset=2)),
        "softmax alibi": SoftmaxAttention(alibi_slope=0.5),
        "softmax alibi window": SoftmaxAttention(alibi_slope=0.25, window=3),
    }
)
"""A representative of every registered form of one head (random features: width 4); every test walks this table."""
