"""The derivative in the rates: first-order leave-one-out, and the whole effect when integrated along the path."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention, softmax_attention
from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_targets
from lrgd_jax.effect import DualLoss, contributions
from lrgd_jax.kernels import ExponentialKernel

BOOLE = (7, 32, 12, 32, 7)
"""Weights at 0, 1/4, 1/2, 3/4 and 1, over 90: exact for polynomials up to degree five."""


def positive_rates(rates):
    return {"rates": 0.25 + rates * rates}


def by_autodiff(query, keys, values, context_keys, context_values, target, rates, reparametrised=3, cube=3):
    """Gradients through the step, a model trained without the first demonstration, an integral over gradients."""
    f_0 = KernelExpansion(context_keys, projective_targets(context_values))
    softmax = DualLoss(FunctionalDual(f_0, keys, projective_targets(values)), query, target)
    context = DualModel.untrained(context_keys, context_values)
    linear = DualLoss(DualModel(context.train(), keys, values), query, target)
    one = jnp.ones_like(rates)
    total = sum(
        weight * reparametrised * s ** (cube - 1) * jnp.sum(jax.grad(lambda x: linear(x))(s**cube * one))
        for weight, s in zip(BOOLE, (0, 0.25, 0.5, 0.75, 1), strict=True)
    )

    def output(weights):
        model = FunctionalDual(f_0, keys, projective_targets(values), sample_weights=weights)
        return model.predict(model.train(), query[None])[0]

    return {
        "scores": -jax.grad(lambda x: softmax(x))(rates),
        "without the first": output(rates) - output(rates.at[0].set(0)),
        "whole": -total / 90,
    }


def half_square(error):
    return jnp.vdot(error, error) / 2


def in_closed_form(query, keys, values, context_keys, context_values, target, rates, removed=1, from_zero_shot=0):
    """Kernel entries and attention outputs alone."""
    entries = contributions(ExponentialKernel(), query, keys, jnp.ones_like(values[:, :1]))[:, 0]
    pairs = contributions(ExponentialKernel(), query, context_keys, projective_targets(context_values))
    numerator = (rates * entries) @ values + jnp.sum(pairs[:, :-1], axis=0)
    normaliser = jnp.vdot(rates, entries) + jnp.sum(pairs[:, -1])
    output = numerator / normaliser
    zero_shot = softmax_attention(query[None], context_keys, context_values)[0]
    centre = from_zero_shot * zero_shot + (1 - from_zero_shot) * output
    everything = jnp.concatenate([keys, context_keys]), jnp.concatenate([values, context_values])
    before = linear_attention(query[None], context_keys, context_values)[0]
    after = linear_attention(query[None], *everything)[0]
    weights = rates * entries / normaliser
    return {
        "scores": (entries / normaliser) * ((values - centre[None, :]) @ (target - output)),
        "without the first": weights[0] * (values[0] - output) / (1 - removed * weights[0]),
        "whole": half_square(target - before) - half_square(target - after),
    }


claim = Claim(
    slug="rate-gradient",
    title="The gradient in the rates: first-order leave-one-out, and complete along the path",
    group="D",
    statement=r"""
For softmax attention with rates, $b = \sum_i\eta_i\kappa_i+b_0$ and $a_i = \eta_i\kappa_i/b$,
$$\frac{\partial o}{\partial\eta_i} = \frac{\kappa_i}b\,(v_i-o),\qquad o-o^{-i} = \frac{a_i}{1-a_i}\,(v_i-o) = \frac{\eta_i}{1-a_i}\,\frac{\partial o}{\partial\eta_i}:$$
one backward pass gives $-\partial\ell/\partial\eta_i = -\langle\nabla\ell,\partial o/\partial\eta_i\rangle$ for all $i$, the first-order value of leaving $i$ out, which understates the change of the output by the factor $1-a_i$. For every $\ell$ that is continuously differentiable in the
rates and every increasing $g\in C^1$ with $g(0) = 0$, $g(1) = 1$,
$$-\int_0^1\sum_i\frac{\partial\ell}{\partial\eta_i}(g(s)1)\,g'(s)\,ds = \ell(0)-\ell(1).$$
""",
    assumptions=(
        "there is a zero-shot context, $b_0 > 0$",
        "the integral is evaluated for linear attention, a squared loss and $g(s) = s^3$, where Boole's rule is exact, so that no quadrature error hides in the check",
    ),
    proof=r"""
$o = (\sum_i\eta_i\kappa_iv_i+a_0)/b$; the quotient rule gives $(\kappa_iv_i-\kappa_io)/b$. Without $i$, $o^{-i} = (bo-\eta_i\kappa_iv_i)/(b-\eta_i\kappa_i) = (o-a_iv_i)/(1-a_i)$. The integrand is $-\frac{d}{ds}\ell(g(s)1)$ by the
chain rule. For linear attention and $\ell = \frac12\|y-o\|^2$ the derivative along the path is linear in $t = g(s)$, so with $g' = 3s^2$ the integrand has degree five in $s$. $\square$
""",
    source="derivative in a sample's weight: Koh & Liang 2017, arXiv 1703.04730, section 2; completeness: Sundararajan et al. 2017, arXiv 1703.01365",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "context_keys": "c d",
        "context_values": "c dv",
        "target": "dv",
        "rates": "n",
    },
    dimensions={"n": (1, 4), "c": (1, 3), "d": (1, 3), "dv": (1, 2)},
    shapes=(
        {"n": 4, "c": 2, "d": 3, "dv": 2},
        {"n": 2, "c": 1, "d": 2, "dv": 1},
        {"n": 1, "c": 3, "d": 1, "dv": 2},
    ),
    given=positive_rates,
    left=by_autodiff,
    right=in_closed_form,
    mutants=(
        Mutant("the first order taken for the removal", alter(in_closed_form, removed=0)),
        Mutant("the normaliser held fixed", alter(in_closed_form, from_zero_shot=1)),
        # nodes at s^3, weighted as if they were at s^2
        Mutant("the path without its speed", alter(by_autodiff, reparametrised=2), replaces="left"),
    ),
)
