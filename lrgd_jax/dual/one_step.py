"""The duals of linear and of softmax attention: one gradient step of a matrix, one of a function."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.denominators import check_seen
from lrgd_jax.attention.forms import LinearAttention, SoftmaxAttention
from lrgd_jax.dual.finite import DualModel
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.projective import projective_targets
from lrgd_jax.dual.single_head import OrderedHeadDual
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.features import identity
from lrgd_jax.kernels import ExponentialKernel
from lrgd_jax.positions import alibi_bias
from lrgd_jax.precision import narrow, widen

__all__ = ["LinearDual", "SoftmaxDual"]


@dataclass(frozen=True)
class LinearDual(OrderedHeadDual[LinearAttention, DualModel, Float[Array, "dv r"]]):
    """The dual of linear attention: a `DualModel` for each query.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import LinearAttention
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> LinearDual(LinearAttention())(jnp.array([[1.0, 2.0]]), keys, values, demonstrations=2).tolist()
        [[18.0]]
    """

    def inputs(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n _"]:
        """The rows themselves; with rotary positions, their rotated features R_i phi(k_i)."""
        if self.form.rotary is None:
            return x
        return self.form.rotary(jax.vmap(self.form.feature_map)(x), first)

    def check(self, mask: Bool[Array, "t n"] | None) -> None:
        """Raises ValueError where the form is normalised and a mask hides every key from a query."""
        if self.form.normalised:
            check_seen("LinearDual", mask)

    def build(self, inputs: Float[Array, "n _"], values: Float[Array, "n dv"], role: TokenRoles) -> DualModel:
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
        q, k, v = widen(queries, keys, values)
        model = self._untrained(self.inputs(k), v)
        trajectory = model.train_online(window=self.form.window)
        outputs = jax.vmap(lambda w, x: model.predict(w, x[None])[0])(trajectory, self.inputs(q))
        return narrow(outputs, queries, keys, values)

    def _untrained(self, inputs: Float[Array, "n _"], values: Float[Array, "n dv"]) -> DualModel:
        return DualModel.untrained(
            inputs,
            projective_targets(values) if self.form.normalised else values,
            feature_map=self.form.feature_map if self.form.rotary is None else identity,
            projective=self.form.normalised,
        )


@dataclass(frozen=True)
class SoftmaxDual(OrderedHeadDual[SoftmaxAttention, FunctionalDual, KernelExpansion]):
    """The dual of softmax attention: a `FunctionalDual` for each query, in the RKHS of the exponential kernel.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import SoftmaxAttention
        >>> keys, values = jnp.zeros((2, 3)), jnp.array([[1.0], [5.0]])
        >>> SoftmaxDual(SoftmaxAttention())(jnp.ones((1, 3)), keys, values, demonstrations=1).tolist()
        [[3.0]]
    """

    def inputs(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n d"]:
        """The rows, rotated where the form has rotary positions."""
        return x if self.form.rotary is None else self.form.rotary(x, first)

    def check(self, mask: Bool[Array, "t n"] | None) -> None:
        """Raises ValueError where a mask hides every key from a query."""
        check_seen("SoftmaxDual", mask)

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> FunctionalDual:
        """The model of one query: f_0 by one step on its context, the demonstrations as training set."""
        kernel = ExponentialKernel(self.form.scale)
        untrained = FunctionalDual.untrained(inputs, projective_targets(values), kernel=kernel)
        context = replace(untrained, sample_weights=role.context)
        return replace(untrained, initial_function=context.train(), sample_weights=role.demonstrations)

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
        q, k, v = widen(queries, keys, values)
        inputs, slope = self.inputs(k), self.form.alibi_slope
        kernel = ExponentialKernel(self.form.scale)
        model = FunctionalDual.untrained(inputs, projective_targets(v), kernel=kernel)
        retention = None if slope is None else jnp.exp(-jnp.asarray(slope, v.dtype))
        trajectory = model.train_online(retention=retention, window=self.form.window)

        def one(coefficients: Float[Array, "n u"], point: Float[Array, " d"]) -> Float[Array, " dv"]:
            return model.predict(KernelExpansion(inputs, coefficients, kernel), point[None])[0]

        return narrow(jax.vmap(one)(trajectory, self.inputs(q)), queries, keys, values)

    def recency(self, queries: int, keys: int, dtype: jnp.dtype) -> Float[Array, "t n"] | None:
        r"""ALiBi's $e^{-m\,\text{age}}$: what weight decay leaves of a sample's step after `age` further steps."""
        slope = self.form.alibi_slope
        return None if slope is None else jnp.exp(alibi_bias(queries, keys, slope, dtype))
