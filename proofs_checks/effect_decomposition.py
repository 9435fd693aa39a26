"""The demonstrations' effect on the output is the sum of their contributions."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_targets
from lrgd_jax.effect import contributions, linear_contributions, normalised_contributions
from lrgd_jax.kernels import ExponentialKernel

KERNEL = ExponentialKernel()


def positive_rates(rates):
    return {"rates": 0.25 + rates * rates}


def movement(query, keys, values, context_keys, context_values, start, rates):
    """How far one step moves the predictions of three duals."""
    linear = DualModel(start, keys, values, sample_weights=rates, learning_rate=0.25)
    f_0 = KernelExpansion(context_keys, projective_targets(context_values), KERNEL)
    functional = FunctionalDual(f_0, keys, projective_targets(values), sample_weights=rates, learning_rate=0.25)
    trained = functional.train()
    point = query[None]
    return {
        "linear": (linear.predict(linear.train(), point) - linear.zero_shot(point))[0],
        "projective": (trained(point) - f_0(point))[0],
        "ratio": (functional.predict(trained, point) - functional.zero_shot(point))[0],
    }


def sums(query, keys, values, context_keys, context_values, rates):
    ratio = normalised_contributions(KERNEL, query, keys, values, context_keys, context_values, rates)
    return {
        "linear": jnp.sum(linear_contributions(query, keys, values, rates=rates), axis=0),
        "projective": jnp.sum(contributions(KERNEL, query, keys, projective_targets(values), rates), axis=0),
        "ratio": jnp.sum(ratio, axis=0),
    }


def zero_shot_output_not_subtracted(query, keys, values, context_keys, context_values, rates):
    correct = sums(query, keys, values, context_keys, context_values, rates)
    a, b = correct["projective"][:-1], correct["projective"][-1]
    own = jnp.sum(contributions(KERNEL, query, context_keys, jnp.ones_like(context_values[:, :1])))
    return {**correct, "ratio": a / (b + own)}


def normaliser_of_the_context(query, keys, values, context_keys, context_values, rates):
    """Weights that the context's own kernel entries divide, as if the step left the normaliser alone."""
    correct = sums(query, keys, values, context_keys, context_values, rates)
    own = contributions(KERNEL, query, context_keys, projective_targets(context_values))
    zero_shot, normaliser = jnp.sum(own[:, :-1], axis=0) / jnp.sum(own[:, -1]), jnp.sum(own[:, -1])
    part = contributions(KERNEL, query, keys, values - zero_shot[None, :], rates)
    return {**correct, "ratio": jnp.sum(part, axis=0) / normaliser}


claim = Claim(
    slug="effect-decomposition",
    title="The effect on the output is the sum of the demonstrations' contributions",
    group="D",
    statement=r"""
With rates $\eta_i$ (weights of the samples in the loss) let $C_i = \eta_i\,v_i\,\kappa(k_i,q)$. One step on the demonstrations moves the test output by
$$f_{W_1}(q)-f_{W_0}(q) = \sum_iC_i .$$
For normalised attention this holds for the projective output $(a;b)$, with $[v_i;1]$ in the place of $v_i$. Its ratio $o = a/b$ moves by a sum too,
$$o_1-o_0 = \sum_iC_i^{\rm ratio},\qquad C_i^{\rm ratio} = a_i\,(v_i-o_0),\qquad a_i = \frac{\eta_i\kappa(k_i,q)}{b_1},$$
where each term depends, through the few-shot normaliser $b_1$, on all demonstrations.
""",
    assumptions=("for the ratio the zero-shot context is not empty, and $b_0, b_1\\ne0$",),
    proof=r"""
$L(W) = -\frac1\eta\sum_i\eta_i\langle v_i,W\phi(k_i)\rangle$ is linear, so $W_1-W_0 = \sum_i\eta_iv_i\phi(k_i)^\top$; apply it to $\phi(q)$. The functional
step is the same in the RKHS (claim `softmax-attention`). For the ratio: with $a_1 = a_0+\sum_i\eta_i\kappa_iv_i$, $b_1 = b_0+\sum_i\eta_i\kappa_i$ and $a_0 = b_0o_0$,
$$b_1(o_1-o_0) = a_1-b_1o_0 = \sum_i\eta_i\kappa_i(v_i-o_0).\qquad\square$$
""",
    source="sum: Irie et al. 2022, arXiv 2202.05798, section 3; the ratio's form is ours",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "context_keys": "c d",
        "context_values": "c dv",
        "start": "dv d",
        "rates": "n",
    },
    dimensions={"n": (1, 5), "c": (1, 3), "d": (1, 3), "dv": (1, 2)},
    shapes=(
        {"n": 5, "c": 2, "d": 3, "dv": 2},
        {"n": 2, "c": 1, "d": 2, "dv": 1},
        {"n": 1, "c": 3, "d": 1, "dv": 2},
    ),
    given=positive_rates,
    left=movement,
    right=sums,
    mutants=(
        Mutant("the rates are forgotten", alter(sums, rates=jnp.ones_like)),
        Mutant("the zero-shot output is not subtracted from the values", zero_shot_output_not_subtracted),
        Mutant("the normaliser takes no step", normaliser_of_the_context),
    ),
)
