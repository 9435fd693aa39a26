"""The first-order effects of all demonstrations on validation queries are one contraction."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel
from lrgd_jax.recommend.forms.dense_reference import rate_values

RATE = 0.25


def residuals(queries, wanted, keys, targets, rates, start):
    """T - P at the scores that linear attention gives."""
    logits = queries @ start.T + ((queries @ keys.T) * rates[None, :]) @ targets
    weights = jnp.exp(logits)
    shares = weights / jnp.sum(weights, axis=1, keepdims=True)
    return wanted - jnp.sum(wanted, axis=1, keepdims=True) * shares


def both(values, rates):
    return {"each": values, "all together": rates @ values}


def contraction(queries, wanted, keys, targets, rates, start):
    missing = residuals(queries, wanted, keys, targets, rates, start)
    return both(rate_values(queries, keys, targets, missing), rates)


def by_autodiff(queries, wanted, keys, targets, rates, start):
    """The loss through the dual and its step, differentiated by the rates; and along all of them."""

    def loss(eta):
        model = DualModel(start, keys, targets, sample_weights=eta, learning_rate=RATE)
        logits = model.predict(model.train(), queries)
        normalisers = jnp.log(jnp.sum(jnp.exp(logits), axis=1))
        return jnp.mean(jnp.sum(wanted, axis=1) * normalisers - jnp.sum(wanted * logits, axis=1))

    return {"each": -jax.grad(loss)(rates), "all together": -jax.jvp(loss, (rates,), (rates,))[1]}


def predictions_left_out(queries, wanted, keys, targets, rates, start):
    """How well demonstrations agree with what is wanted, whatever is predicted already."""
    return both(rate_values(queries, keys, targets, wanted), rates)


def at_the_zero_shot_scores(queries, wanted, keys, targets, rates, start):
    missing = residuals(queries, wanted, keys, targets, 0 * rates, start)
    return both(rate_values(queries, keys, targets, missing), rates)


def sum_in_place_of_mean(queries, wanted, keys, targets, rates, start, u):
    missing = residuals(queries, wanted, keys, targets, rates, start)
    return both(u * rate_values(queries, keys, targets, missing), rates)


claim = Claim(
    slug="effect-is-data-value",
    title="The effects of all demonstrations are one contraction",
    group="F",
    statement=r"""
Let Q hold the validation queries, T what they want (a row sums to the weight of its query), $P$ the softmax of their scores after the step at rates $\eta$, and $\ell$
the mean cross-entropy. Then the first-order effect of every demonstration, the fall of the loss per unit of its rate, is
$$-\frac{\partial\ell}{\partial\eta_i} = \frac1{|U|}\,\langle x_i,\;Q^\top(T-\bar P)\,y_i\rangle,\qquad \bar P_u = \big(\textstyle\sum_jT_{uj}\big)P_u,$$
so one matrix $Q^\top(T-\bar P)$ values all demonstrations, and any group of them by a sum. All together, weighted by their rates, it is the derivative of $\ell$ along the
step.
""",
    assumptions=("none: $\\ell$ is smooth in the rates, and the scores are linear in them",),
    proof=r"""
$s_u = W_0q_u+\sum_i\eta_i\,y_i\langle x_i,q_u\rangle$ (claim `linear-attention`), so $\partial s_u/\partial\eta_i = y_i\langle x_i,q_u\rangle$. With
$-\partial\ell/\partial s_u = (T_u-\bar P_u)/|U|$ the chain rule gives
$\frac1{|U|}\sum_u\langle x_i,q_u\rangle\langle T_u-\bar P_u,y_i\rangle$, which is the contraction. $\square$

The left side never differentiates; the right side takes `jax.grad` through the dual's loss, its gradient step and the cross-entropy.
""",
    source="data values by gradients: Pruthi et al. 2020, arXiv 2002.08484, eq. 1; Koh & Liang 2017, arXiv 1703.04730; the contraction is ours",
    arguments={
        "queries": "u f",
        "wanted": "u m",
        "keys": "n f",
        "targets": "n m",
        "rates": "n",
        "start": "m f",
    },
    dimensions={"u": (2, 4), "n": (1, 5), "f": (1, 3), "m": (2, 3)},
    shapes=(
        {"u": 3, "n": 4, "f": 3, "m": 3},
        {"u": 2, "n": 2, "f": 2, "m": 2},
        {"u": 4, "n": 1, "f": 1, "m": 3},
    ),
    left=contraction,
    right=by_autodiff,
    mutants=(
        Mutant("what is predicted already is left out", predictions_left_out, replaces="left"),
        Mutant("values at the zero-shot scores", at_the_zero_shot_scores, replaces="left"),
        Mutant("the sum over queries in place of the mean", sum_in_place_of_mean, replaces="left"),
    ),
)
