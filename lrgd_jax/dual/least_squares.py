"""The duals of forms that solve a least-squares problem: full-batch descent, and Newton's step."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.least_squares import DescentAttention, RidgeAttention
from lrgd_jax.dual.descent import recursive_least_squares, step
from lrgd_jax.dual.finite import DualModel, OnlineState
from lrgd_jax.dual.full_batch import FullBatchDescent, inverse_moment
from lrgd_jax.dual.objectives import squared_error
from lrgd_jax.dual.single_head import HeadDual, OrderedHeadDual
from lrgd_jax.dual.token_roles import Segments, TokenRoles
from lrgd_jax.precision import narrow, wide_format, widen

__all__ = ["DescentDual", "RidgeDual"]


@dataclass(frozen=True)
class DescentDual(HeadDual[DescentAttention, FullBatchDescent, Float[Array, "dv r"]]):
    """The dual of `DescentAttention`: a `FullBatchDescent` for each query, over all tokens that it sees.

    It has no online training: every query has its own T steps, each over all tokens that it sees. `DeltaRule` and
    `TTTLinear` take online steps.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.attention import DescentAttention
        >>> key = jnp.ones((1, 1))
        >>> DescentDual(DescentAttention(steps=3, learning_rate=0.5))(key, key, jnp.array([[8.0]])).tolist()
        [[7.0]]
    """

    def __call__(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | None = None,
    ) -> Float[Array, "t dv"]:
        """The test output of every query after the steps; warns beyond the stability limit."""
        self.form.warn(keys)
        return super().__call__(queries, keys, values, demonstrations=demonstrations, mask=mask)

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> FullBatchDescent:
        """The model of one query."""
        form, seen = self.form, role.context + role.demonstrations
        metric = form.preconditioner
        model = DualModel.untrained(
            inputs, values, feature_map=form.feature_map, objective=squared_error, sample_weights=seen
        )
        return FullBatchDescent(
            model,
            ridge=form.ridge,
            preconditioner=None if metric is None else jnp.asarray(metric, wide_format(inputs, values)),
            steps=form.steps,
            learning_rate=form.learning_rate,
            momentum=form.momentum,
            nesterov=form.nesterov,
            context=role.context,
        )


@dataclass(frozen=True)
class RidgeDual(OrderedHeadDual[RidgeAttention, FullBatchDescent, Float[Array, "dv r"]]):
    r"""The dual of ridge attention: one Newton step on the demonstrations from the zero-shot solution.

    $$W_0 = \text{ridge solution on the context},\qquad
    W_1 = W_0 - \nabla L_D(W_0)\Big(\lambda I + \sum_{D\cup T}\phi(k_i)\phi(k_i)^\top\Big)^{-1}$$

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.attention import RidgeAttention
        >>> key = jnp.ones((1, 1))
        >>> RidgeDual(RidgeAttention(ridge=1.0))(key, key, jnp.array([[8.0]]), demonstrations=1).tolist()
        [[4.0]]
    """

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> FullBatchDescent:
        """The model of one query: W_0 by Newton's step on its context, the demonstrations as training set."""
        features = jax.vmap(self.form.feature_map)(*widen(inputs))

        def newton(start: DualModel, counted: Float[Array, " n"], known: Float[Array, " n"]) -> FullBatchDescent:
            metric = inverse_moment(features, self.form.ridge, known)
            return FullBatchDescent(replace(start, sample_weights=counted), preconditioner=metric)

        untrained = self._untrained(inputs, values)
        zero_shot = newton(untrained, role.context, role.context).train()
        start = replace(untrained, initial_weights=zero_shot)
        return newton(start, role.demonstrations, role.context + role.demonstrations)

    def initial(self, model: FullBatchDescent) -> Float[Array, "dv r"]:
        """W_0, the ridge solution on the context."""
        return model.initial

    def online(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The test output at every token of the dual trained online by recursive least squares.

        Raises:
            ValueError: the form is not causal: without an order there is nothing to train online.
        """
        self._require_order()
        points, inputs, targets = widen(queries, keys, values)
        model = self._untrained(inputs, targets)
        optimiser = recursive_least_squares(self.form.ridge)

        def token(
            carry: OnlineState, sample: tuple[Float[Array, " d"], Float[Array, " dv"]]
        ) -> tuple[OnlineState, Float[Array, "dv r"]]:
            key, value = sample
            features = self.form.feature_map(key)
            one = jnp.ones((1,), value.dtype)
            carry = step(model.loss, carry[0], optimiser, carry[1], key[None], value[None], one, features=features)
            return carry, carry[0]

        start = model.initial_weights, optimiser.init(model.initial_weights)
        trajectory = jnp.asarray(jax.lax.scan(token, start, (inputs, targets))[1])
        outputs = jax.vmap(lambda w, x: model.predict(w, x[None])[0])(trajectory, points)
        return narrow(outputs, queries, keys, values)

    def _untrained(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> DualModel:
        return DualModel.untrained(inputs, values, feature_map=self.form.feature_map, objective=squared_error)
