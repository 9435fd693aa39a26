"""The duals of forms on a squared error or with a decay: online descent, full-batch descent, Newton's step."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.fast_weights import (
    DeltaRule,
    FastWeightForm,
    GatedLinearAttention,
    MomentumAttention,
    Retention,
    TTTLinear,
)
from lrgd_jax.attention.least_squares import DescentAttention, RidgeAttention
from lrgd_jax.attention.per_token import every_token
from lrgd_jax.dual.descent import recursive_least_squares, step
from lrgd_jax.dual.finite import DualModel
from lrgd_jax.dual.full_batch import FullBatchDescent, inverse_moment
from lrgd_jax.dual.objectives import squared_error
from lrgd_jax.dual.online import OnlineDescent
from lrgd_jax.dual.single_head import HeadDual
from lrgd_jax.dual.token_roles import Segments, TokenRoles

__all__ = ["DescentDual", "OnlineDual", "RidgeDual"]


@dataclass(frozen=True)
class _LeastSquaresDual(HeadDual):
    """What the duals of this module share: tokens as they are, models that know their zero-shot weights."""

    def inputs(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n d"]:
        """The rows themselves."""
        return x

    def initial(self, model: Any) -> Float[Array, "dv r"]:
        """The zero-shot weights."""
        return model.train_zero_shot()

    def _untrained(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], **options: Any) -> DualModel:
        return DualModel.untrained(inputs, values, feature_map=self.form.feature_map, **options)


@dataclass(frozen=True)
class OnlineDual(_LeastSquaresDual):
    """The dual of a fast-weight form: an `OnlineDescent` for each query, over the tokens that it sees in their order.

    | form | objective of a token | what else |
    |---|---|---|
    | `DeltaRule` | strength/2 squared error | its decay is a step on a ridge penalty before |
    | `Retention`, `GatedLinearAttention` | alignment | the same |
    | `TTTLinear` | rate/2 squared error | gradients at the start of a minibatch |
    | `MomentumAttention` | alignment | heavy ball or Nesterov |
    """

    form: FastWeightForm

    def __call__(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | None = None,
        **per_token: Any,
    ) -> Float[Array, "t dv"]:
        """The test output of every query; `per_token` replaces fields of the form, as at a call of the form."""
        dual = self.at(**per_token)
        dual.form.warn(keys)
        return dual._each(lambda model: model.train(), queries, keys, values, demonstrations, mask)

    def at(self, **per_token: Any) -> "OnlineDual":
        """The dual of the form with other write strengths, decays or rates."""
        if not per_token:
            return self
        return replace(self, form=replace(self.form, **per_token))  # pyright: ignore[reportArgumentType]

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> OnlineDescent:
        """The model of one query."""
        return replace(self._descent(inputs, values), seen=role.context + role.demonstrations, context=role.context)

    def online(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"], **per_token: Any
    ) -> Float[Array, "n dv"]:
        """The test output at every token of the dual trained online up to it: one pass for all queries."""
        model = self.at(**per_token)._descent(keys, values)
        return jax.vmap(lambda w, x: model.predict(w, x[None])[0])(model.trajectory(), queries)

    def _descent(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
        form = self.form
        if isinstance(form, DeltaRule):
            model = self._squared(inputs, values, form.strength)
            return OnlineDescent(model, None if form.decay is None else every_token(form.decay, values))
        if isinstance(form, TTTLinear):
            return OnlineDescent(self._squared(inputs, values, form.learning_rate), batch=form.chunk)
        model = self._untrained(inputs, values)
        if isinstance(form, Retention):
            return OnlineDescent(model, every_token(form.decay, values))
        if isinstance(form, GatedLinearAttention):
            return OnlineDescent(model, form.gates(values.shape[0], values.dtype))
        if isinstance(form, MomentumAttention):
            return OnlineDescent(model, momentum=form.momentum, nesterov=form.nesterov)
        raise TypeError(f"OnlineDual: no training is known for {type(form).__name__}")

    def _squared(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], strength: Any) -> DualModel:
        strengths = every_token(strength, values)
        return self._untrained(inputs, values, objective=squared_error, sample_weights=strengths)


@dataclass(frozen=True)
class DescentDual(_LeastSquaresDual):
    """The dual of `DescentAttention`: a `FullBatchDescent` for each query, over all tokens that it sees."""

    form: DescentAttention

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
        given = form.preconditioner
        return FullBatchDescent(
            self._untrained(inputs, values, objective=squared_error, sample_weights=seen),
            ridge=form.ridge,
            preconditioner=None if given is None else jnp.asarray(given, values.dtype),
            steps=form.steps,
            learning_rate=form.learning_rate,
            momentum=form.momentum,
            nesterov=form.nesterov,
            context=role.context,
        )

    def online(self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]) -> Any:
        """There is none.

        Raises:
            ValueError: always: every query has its own T steps, each over all tokens that it sees.
        """
        raise ValueError(
            "DescentAttention takes full-batch steps, which have no online training; call the dual itself, or use "
            "DeltaRule or TTTLinear, whose steps are online"
        )


@dataclass(frozen=True)
class RidgeDual(_LeastSquaresDual):
    r"""The dual of ridge attention: one Newton step on the demonstrations from the zero-shot solution.

    $$W_0 = \text{ridge solution on the context},\qquad
    W_1 = W_0 - \nabla L_D(W_0)\Big(\lambda I + \sum_{D\cup T}\phi(k_i)\phi(k_i)^\top\Big)^{-1}$$
    """

    form: RidgeAttention

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> FullBatchDescent:
        """The model of one query: W_0 by Newton's step on its context, the demonstrations as training set."""
        features = jax.vmap(self.form.feature_map)(inputs)

        def newton(start: DualModel, counted: Float[Array, " n"], known: Float[Array, " n"]) -> FullBatchDescent:
            metric = inverse_moment(features, self.form.ridge, known)
            return FullBatchDescent(replace(start, sample_weights=counted), preconditioner=metric)

        untrained = self._untrained(inputs, values, objective=squared_error)
        zero_shot = newton(untrained, role.context, role.context).train()
        start = replace(untrained, initial_weights=zero_shot)
        return newton(start, role.demonstrations, role.context + role.demonstrations)

    def initial(self, model: FullBatchDescent) -> Float[Array, "dv r"]:
        """W_0."""
        return model.initial_weights

    def online(
        self, queries: Float[Array, "n d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "n dv"]:
        """The test output at every token of the dual trained online by recursive least squares.

        Raises:
            ValueError: the form is not causal: without an order there is nothing to train online.
        """
        self._require_order()
        model = self._untrained(keys, values, objective=squared_error)
        optimiser = recursive_least_squares(self.form.ridge)

        def token(carry, sample):
            key, value = sample
            features = self.form.feature_map(key)
            one = jnp.ones((1,), value.dtype)
            carry = step(model.loss, *carry[:1], optimiser, carry[1], key[None], value[None], one, features=features)
            return carry, carry[0]

        start = model.initial_weights, optimiser.init(model.initial_weights)
        trajectory = jnp.asarray(jax.lax.scan(token, start, (keys, values))[1])
        return jax.vmap(lambda w, x: model.predict(w, x[None])[0])(trajectory, queries)
