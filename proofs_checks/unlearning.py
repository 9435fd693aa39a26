"""Leaving a demonstration out is one negative step; for ridge attention a Sherman-Morrison downdate."""

import jax.numpy as jnp

from lrgd_jax.attention import linear_attention, ridge_attention, softmax_attention
from lrgd_jax.claims import Claim, Mutant, alter, alter_results
from lrgd_jax.dual import DualModel, FunctionalDual, inverse_moment, projective_targets
from lrgd_jax.effect import contributions
from lrgd_jax.kernels import ExponentialKernel


def positive_ridge(ridge):
    return {"ridge": 0.25 + ridge * ridge}


def retrained(query, keys, values, ridge):
    """Attention over the prompt without the first demonstration."""
    rest = query[None], keys[1:], values[1:]
    return {
        "linear": linear_attention(*rest)[0],
        "softmax": softmax_attention(*rest)[0],
        "ridge": ridge_attention(*rest, ridge)[0],
    }


def one_step_back(query, keys, values, sign=-1):
    """Train on all, then take one step on the first demonstration with a negative weight."""
    minus = sign * jnp.ones((1,), keys.dtype)
    linear = DualModel.untrained(keys, values, learning_rate=0.25)
    back = DualModel(linear.train(), keys[:1], values[:1], sample_weights=minus, learning_rate=0.25)
    targets = projective_targets(values)
    functional = FunctionalDual.untrained(keys, targets, learning_rate=0.25)
    undo = FunctionalDual(functional.train(), keys[:1], targets[:1], sample_weights=minus, learning_rate=0.25)
    return {
        "linear": back.predict(back.train(), query[None])[0],
        "softmax": undo.predict(undo.train(), query[None])[0],
    }


def downdate(query, keys, values, ridge, sign=-1, error_weight=1):
    """The ridge solution of all demonstrations, and what the first one's removal changes."""
    inverse = inverse_moment(keys, ridge)
    weights = values.T @ keys @ inverse
    image = inverse @ keys[0]
    error = error_weight * values[0] - weights @ keys[0]
    return (weights - jnp.outer(error, image) / (1 + sign * jnp.vdot(keys[0], image))) @ query


def unlearned(query, keys, values, ridge):
    return {**one_step_back(query, keys, values), "ridge": downdate(query, keys, values, ridge)}


def a_second_step_forward(query, keys, values, ridge):
    return {**unlearned(query, keys, values, ridge), **one_step_back(query, keys, values, sign=1)}


def normaliser_not_unlearned(query, keys, values, ridge):
    correct = unlearned(query, keys, values, ridge)
    pairs = contributions(ExponentialKernel(), query, keys, projective_targets(values))
    return {**correct, "softmax": jnp.sum(pairs[1:, :-1], axis=0) / jnp.sum(pairs[:, -1])}


claim = Claim(
    slug="unlearning",
    title="Leaving a demonstration out is one negative step; for ridge attention a downdate",
    group="D",
    statement=r"""
Let $W_1$ be trained on all demonstrations. Then the dual trained without demonstration $i$ is
$$W_1^{-i} = W_1+\eta\nabla L_i(W_1)$$
for the objective of linear attention, and likewise $f_1^{-i}$ for softmax attention, numerator and normaliser both: one step with the sample weight $-1$. For ridge attention, with
$P = (\sum_jk_jk_j^\top+\lambda I)^{-1}$ and $W = V^\top KP$,
$$W^{-i} = W-\frac{(v_i-Wk_i)\,(Pk_i)^\top}{1-k_i^\top Pk_i},\qquad P^{-i} = P+\frac{Pk_ik_i^\top P}{1-k_i^\top Pk_i}.$$
""",
    assumptions=("$\\lambda > 0$", "softmax: one token at least remains", "tokens keep their positions"),
    proof=r"""
$L = \sum_jL_j$ is linear in the model, so $\nabla L_i$ is the same at $W_0$ and $W_1$ and the steps cancel. Ridge: with $H = P^{-1}$ the solution without $i$ satisfies
$W^{-i}(H-k_ik_i^\top) = WH-v_ik_i^\top$. Sherman-Morrison gives $P^{-i}$, hence $P^{-i}k_i = Pk_i/(1-k_i^\top Pk_i)$, and
$$W^{-i} = \big(W(H-k_ik_i^\top)+(Wk_i-v_i)k_i^\top\big)P^{-i} = W+(Wk_i-v_i)\,(P^{-i}k_i)^\top .$$
$k_i^\top Pk_i < 1$, for $H-k_ik_i^\top\succeq\lambda I\succ0$ and $\det(H-k_ik_i^\top) = \det H\,(1-k_i^\top Pk_i)$. $\square$
""",
    source="Sherman and Morrison 1950; leave-one-out of least squares: Cook 1977; the reading as unlearning is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "ridge": ""},
    dimensions={"n": (2, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 2, "d": 1, "dv": 2}),
    given=positive_ridge,
    left=retrained,
    right=unlearned,
    mutants=(
        Mutant("a second step forward", a_second_step_forward),
        Mutant(
            "the leverage is added in the denominator", alter_results(unlearned, {"ridge": alter(downdate, sign=1)})
        ),
        Mutant(
            "the prediction in the place of the error",
            alter_results(unlearned, {"ridge": alter(downdate, error_weight=0)}),
        ),
        Mutant("the normaliser is not unlearned", normaliser_not_unlearned),
    ),
)
