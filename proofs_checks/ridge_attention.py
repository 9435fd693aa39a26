"""Ridge attention is the test output after one Newton step, from anywhere, on the penalised squared error."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import ridge_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant
from lrgd_jax.dual import DualModel, FullBatchDescent, inverse_moment, squared_error


def positive_ridge(ridge):
    return {"ridge": 0.25 + ridge * ridge}


def kernel_form(queries, keys, values, ridge, start):
    return {"outputs": ridge_attention(queries, keys, values, ridge), "gradient there": jnp.zeros_like(start)}


def descent(keys, values, ridge, start, metric_ridge):
    model = DualModel(start, keys, values, objective=squared_error)
    return FullBatchDescent(model, ridge=ridge, preconditioner=inverse_moment(keys, metric_ridge))


def results(model, weights, queries):
    return {"outputs": model.predict(weights, queries), "gradient there": jax.grad(model.loss)(weights)}


def newton_step(queries, keys, values, ridge, start):
    model = descent(keys, values, ridge, start, ridge)
    return results(model, model.train(), queries)


def ridge_not_in_the_loss(queries, keys, values, ridge, start):
    model = descent(keys, values, None, start, ridge)
    return results(model, model.train(), queries)


def plain_gradient(queries, keys, values, ridge, start):
    model = FullBatchDescent(DualModel(start, keys, values, objective=squared_error), ridge=ridge)
    return results(model, model.train(), queries)


def ridge_counted_twice(queries, keys, values, ridge, start):
    model = descent(keys, values, ridge, start, 2 * ridge)
    return results(model, model.train(), queries)


claim = Claim(
    slug="ridge-attention",
    title="Ridge attention is one Newton step",
    group="B",
    statement=r"""
For $\lambda > 0$, keys $K = [k_1,\dots,k_n]^\top$ and values $V$, ridge attention in its kernel form is
$$V^\top(KK^\top + \lambda I)^{-1}Kq = f_{W_1}(q),\qquad W_1 = W_0 - \nabla L(W_0)\,(K^\top K + \lambda I)^{-1},$$
$$L(W) = \tfrac12\sum_i\|Wk_i - v_i\|^2 + \tfrac\lambda2\|W\|^2,$$
from *any* $W_0$, and $\nabla L(W_1) = 0$: the step ends at the minimum.
""",
    assumptions=("$\\lambda > 0$", "keys may repeat and be more or fewer than their width"),
    proof=r"""
$\nabla L(W) = (WK^\top - V^\top)K + \lambda W = WH - V^\top K$ with $H = K^\top K + \lambda I$, positive definite. So
$W_1 = W_0 - (W_0H - V^\top K)H^{-1} = V^\top KH^{-1}$ and $\nabla L(W_1) = 0$. From
$K(K^\top K+\lambda I) = (KK^\top+\lambda I)K$ follows $KH^{-1} = (KK^\top+\lambda I)^{-1}K$. $\square$

The left side solves the $n\times n$ system by elimination, the right side takes `jax.grad` of the loss and inverts $H$ ($d\times d$) by Sherman-Morrison.
""",
    source="Saunders et al. 1998 (kernel ridge regression); as attention von Oswald et al. 2023, arXiv 2309.05858, section 4",
    arguments={"queries": "t d", "keys": "n d", "values": "n dv", "ridge": "", "start": "dv d"},
    dimensions={"n": (1, 4), "t": (1, 2), "d": (1, 3), "dv": (1, 2)},
    shapes=(
        {"n": 4, "t": 2, "d": 3, "dv": 2},
        {"n": 2, "t": 1, "d": 3, "dv": 1},
        {"n": 1, "t": 1, "d": 1, "dv": 1},
    ),
    given=positive_ridge,
    left=kernel_form,
    right=newton_step,
    mutants=(
        Mutant("the ridge is in the metric but not in the loss", ridge_not_in_the_loss),
        Mutant(
            "a plain gradient step in place of Newton's",
            plain_gradient,
            quoted=Misquotation(
                says="Weight decay is ridge: one gradient step with decay is what ridge regression on the demonstrations predicts.",
                source="commonly read into von Oswald et al. 2023, arXiv 2309.05858 (mesa layer), beside layers with decay",
                rather="The ridge solution is one Newton step on the loss with the ridge, from any weights. One gradient step on that loss decays and learns, and does not reach it.",
            ),
        ),
        Mutant("the metric has twice the ridge", ridge_counted_twice),
    ),
)
