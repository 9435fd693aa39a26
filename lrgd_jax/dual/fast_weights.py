"""The duals of fast-weight forms, whose tokens train a matrix one after another: online descent."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from dataclasses import dataclass, replace
from functools import singledispatch

import jax
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.fast_weights import (
    DeltaRule,
    FastWeightForm,
    GatedLinearAttention,
    MomentumAttention,
    Retention,
    TTTLinear,
)
from lrgd_jax.attention.per_token import FormField, PerToken, every_token
from lrgd_jax.dual.finite import DualModel
from lrgd_jax.dual.objectives import squared_error
from lrgd_jax.dual.online import OnlineDescent
from lrgd_jax.dual.single_head import OrderedHeadDual
from lrgd_jax.dual.token_roles import Segments, TokenRoles
from lrgd_jax.precision import narrow, widen

__all__ = ["OnlineDual", "online_descent"]


@dataclass(frozen=True)
class OnlineDual(OrderedHeadDual[FastWeightForm, OnlineDescent, Float[Array, "dv r"]]):
    """The dual of a fast-weight form: an `OnlineDescent` for each query, over the tokens that it sees in their order.

    | form | objective of a token | what else |
    |---|---|---|
    | `DeltaRule` | strength/2 squared error | its decay is a step on a ridge penalty before |
    | `Retention`, `GatedLinearAttention` | alignment | the same |
    | `TTTLinear` | rate/2 squared error | gradients at the start of a minibatch |
    | `MomentumAttention` | alignment | heavy ball or Nesterov |

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.attention import DeltaRule
        >>> key, values = jnp.ones((2, 1)), jnp.array([[3.0], [7.0]])
        >>> OnlineDual(DeltaRule())(key, key, values, demonstrations=1).ravel().tolist()
        [3.0, 7.0]
    """

    def __call__(
        self,
        queries: Float[Array, "t d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | None = None,
        **per_token: FormField,
    ) -> Float[Array, "t dv"]:
        """The test output of every query; `per_token` replaces fields of the form, as at a call of the form."""
        dual = self.at(**per_token)
        dual.form.warn(keys)
        return dual._each(lambda model: model.train(), queries, keys, values, demonstrations, mask)

    def at(self, **per_token: FormField) -> "OnlineDual":
        """The dual of the form with other write strengths, decays or rates."""
        return replace(self, form=self.form.at(**per_token)) if per_token else self

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> OnlineDescent:
        """The model of one query."""
        model = online_descent(self.form, inputs, values)
        return replace(model, seen=role.context + role.demonstrations, context=role.context)

    def online(
        self,
        queries: Float[Array, "n d"],
        keys: Float[Array, "n d"],
        values: Float[Array, "n dv"],
        **per_token: FormField,
    ) -> Float[Array, "n dv"]:
        """The test output at every token of the dual trained online up to it: one pass for all queries."""
        points, inputs, targets = widen(queries, keys, values)
        model = online_descent(self.at(**per_token).form, inputs, targets)
        outputs = jax.vmap(lambda w, x: model.predict(w, x[None])[0])(model.trajectory(), points)
        return narrow(outputs, queries, keys, values)


@singledispatch
def online_descent(form: FastWeightForm, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
    """How the tokens of a fast-weight form train its matrix. A form of your own registers its training here.

    Args:
        form: the form.
        inputs: the keys of all tokens.
        values: likewise.

    Raises:
        TypeError: no training is known for this form.
    """
    raise TypeError(f"OnlineDual: no training is known for {type(form).__name__}")


@online_descent.register
def _(form: DeltaRule, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
    model = _squared_error_model(form, inputs, values, form.strength)
    return OnlineDescent(model, None if form.decay is None else every_token(form.decay, values))


@online_descent.register
def _(form: TTTLinear, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
    return OnlineDescent(_squared_error_model(form, inputs, values, form.learning_rate), batch=form.chunk)


@online_descent.register
def _(form: Retention, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
    return OnlineDescent(_alignment_model(form, inputs, values), every_token(form.decay, values))


@online_descent.register
def _(form: GatedLinearAttention, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
    return OnlineDescent(_alignment_model(form, inputs, values), form.gates(values.shape[0], values.dtype))


@online_descent.register
def _(form: MomentumAttention, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> OnlineDescent:
    return OnlineDescent(_alignment_model(form, inputs, values), momentum=form.momentum, nesterov=form.nesterov)


def _alignment_model(form: FastWeightForm, inputs: Float[Array, "n d"], values: Float[Array, "n dv"]) -> DualModel:
    return DualModel.untrained(inputs, values, feature_map=form.feature_map)


def _squared_error_model(
    form: FastWeightForm, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], strength: PerToken
) -> DualModel:
    strengths = every_token(strength, values)
    return DualModel.untrained(
        inputs, values, feature_map=form.feature_map, objective=squared_error, sample_weights=strengths
    )
