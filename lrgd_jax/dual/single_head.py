"""The duals of attention forms of one head: for each query a model, its training set and its test point."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.forms import LinearAttention, SoftmaxAttention
from lrgd_jax.dual.finite import DualModel, projective_targets
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.token_roles import Segments, TokenRoles, segments_of, token_roles
from lrgd_jax.features import identity
from lrgd_jax.kernels import ExponentialKernel
from lrgd_jax.positions import alibi_bias

__all__ = ["HeadDual", "LinearDual", "SoftmaxDual"]


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

    def build(self, inputs: Float[Array, "n _"], values: Float[Array, "n dv"], role: TokenRoles) -> Any:
        """The model of one query: W_0 from its context, the demonstrations as training set."""
        raise NotImplementedError

    def initial(self, model: Any) -> Any:
        """W_0 or f_0 of a model: what predicts before the step."""
        raise NotImplementedError

    def predict(self, model: Any, trained: Any, role: TokenRoles, point: Float[Array, " _"]) -> Float[Array, " dv"]:
        """The output of a trained (or initial) model at one test point of its query."""
        return model.predict(trained, point[None])[0]

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
        return self._each(lambda model: model.train(), queries, keys, values, demonstrations, mask)

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
        return self._each(self.initial, queries, keys, values, demonstrations, mask)

    def _each(
        self,
        trained: Callable[[Any], Any],
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        demonstrations: Segments,
        mask: Bool[Array, "t n"] | None,
    ) -> Float[Array, "t dv"]:
        t, n = queries.shape[0], keys.shape[0]
        inputs = self.inputs(keys)

        def one(point: Float[Array, " _"], role: TokenRoles) -> Float[Array, " dv"]:
            model = self.build(inputs, values, role)
            return self.predict(model, trained(model), role, point)

        role = self._roles(t, n, demonstrations, mask, values.dtype)
        return jax.vmap(one)(self.inputs(queries, n - t), role)

    def _roles(
        self, queries: int, keys: int, demonstrations: Segments, mask: Bool[Array, "t n"] | None, dtype: Any
    ) -> TokenRoles:
        seen = self.form.mask(queries, keys) if mask is None else mask
        return token_roles(seen, segments_of(keys, demonstrations), ordered=self.form.is_causal, dtype=dtype)

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

    def build(self, inputs: Float[Array, "n _"], values: Float[Array, "n dv"], role: TokenRoles) -> DualModel:
        """The model of one query: W_0 by one step on its context, the demonstrations as training set."""
        untrained = self._untrained(inputs, values)
        context = replace(untrained, sample_weights=role.context)
        return replace(untrained, initial_weights=context.train(), sample_weights=role.demonstrations)

    def initial(self, model: DualModel) -> Float[Array, "dv r"]:
        """W_0."""
        return model.initial_weights

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

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> FunctionalDual:
        """The model of one query: f_0 by one step on its context, the demonstrations as training set."""
        kernel = ExponentialKernel(self.form.scale)
        untrained = FunctionalDual.untrained(inputs, projective_targets(values), kernel=kernel)
        context = replace(untrained, sample_weights=role.context)
        return replace(untrained, initial_function=context.train(), sample_weights=role.demonstrations)

    def initial(self, model: FunctionalDual) -> KernelExpansion:
        """f_0."""
        return model.initial_function

    def predict(
        self, model: FunctionalDual, trained: KernelExpansion, role: TokenRoles, point: Float[Array, " d"]
    ) -> Float[Array, " dv"]:
        """The ratio at a test point, the kernel shifted so that no value exceeds one (claim `softmax-stability`)."""
        kernel = ExponentialKernel(self.form.scale, capped=True)
        exponents = jax.vmap(lambda x: kernel.exponent(x, point))(model.inputs)
        lowest = jnp.asarray(jnp.finfo(exponents.dtype).min, exponents.dtype)
        counted = jnp.where(role.context + role.demonstrations > 0, exponents, lowest)
        shifted = replace(kernel, shift=jax.lax.stop_gradient(jnp.max(counted)))
        return super().predict(model, replace(trained, kernel=shifted), role, point)

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
    ) -> TokenRoles:
        plain = super()._roles(queries, keys, demonstrations, mask, dtype)
        if self.form.alibi_slope is None:
            return plain
        # e^{-m age} on a sample's loss is what weight decay leaves of its step after `age` further steps
        recency = jnp.exp(alibi_bias(queries, keys, self.form.alibi_slope, dtype))
        return jax.tree.map(lambda seen: jnp.where(seen > 0, recency, seen), plain)
