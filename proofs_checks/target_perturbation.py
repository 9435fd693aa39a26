"""Perturbed targets move the output by the kernel-weighted sum of the perturbations; the worst case is attained."""

import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Mutant, alter_results
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_targets
from lrgd_jax.kernels import ExponentialKernel

RATE = 0.25
KERNEL = ExponentialKernel()


def linear_output(query, keys, values, initial):
    model = DualModel(initial, keys, values, learning_rate=RATE)
    return model.predict(model.train(), query[None])[0]


def softmax_output(query, keys, values, context_keys, context_values):
    start = KernelExpansion(context_keys, projective_targets(context_values), KERNEL)
    model = FunctionalDual(start, keys, projective_targets(values), learning_rate=RATE)
    return model.predict(model.train(), query[None])[0]


def measured(query, keys, values, initial, context_keys, context_values, changes, direction, radius):
    """The dual trained on perturbed targets, less the dual trained on the true ones."""
    worst = radius * jnp.sign(keys @ query)[:, None] * direction[None, :]
    everywhere = jnp.broadcast_to(radius * direction[None, :], values.shape)

    def linear(moved):
        plain = linear_output(query, keys, values, initial)
        return linear_output(query, keys, values + moved, initial) - plain

    def softmax(moved):
        context = context_keys, context_values
        return softmax_output(query, keys, values + moved, *context) - softmax_output(query, keys, values, *context)

    return {
        "linear": linear(changes),
        "linear, worst": linear(worst),
        "softmax": softmax(changes),
        "softmax, worst": softmax(everywhere),
    }


def shares(query, keys, context_keys):
    """Softmax weights of the demonstrations among all tokens."""
    n = keys.shape[0]
    everything = jnp.concatenate([keys, context_keys])
    return softmax_attention(query[None], everything, jnp.eye(everything.shape[0], dtype=keys.dtype))[0, :n]


def predicted(query, keys, context_keys, changes, direction, radius):
    near, weights = keys @ query, shares(query, keys, context_keys)
    return {
        "linear": near @ changes,
        "linear, worst": radius * jnp.sum(jnp.abs(near)) * direction,
        "softmax": weights @ changes,
        "softmax, worst": radius * jnp.sum(weights) * direction,
    }


def worst_without_signs(query, keys, direction, radius):
    return radius * jnp.sum(keys @ query) * direction


def opposite_shift(query, keys, changes):
    return -(keys @ query) @ changes


def shift_without_context(query, keys, context_keys, changes):
    return shares(query, keys, context_keys[:0]) @ changes


def shift_times_rate(query, keys, changes):
    return RATE * (keys @ query) @ changes


def with_unit_direction(direction, radius):
    """A direction of length at most one; the radius is not negative."""
    return {
        "direction": direction / jnp.sqrt(1 + jnp.vdot(direction, direction)),
        "radius": radius * radius,
    }


claim = Claim(
    slug="target-perturbation",
    title="Perturbed targets move the output by a kernel-weighted sum, and the worst case is attained",
    group="C",
    statement=r"""
If the targets change by $\delta_i$, the dual's test output changes by
$$\Delta o = \sum_i \delta_i\,\kappa(k_i,q)\quad\text{(linear attention)},\qquad
\Delta o = \sum_{i\in D} p_i\,\delta_i,\quad p_i = \frac{\kappa(k_i,q)}{\sum_{j\in D\cup T}\kappa(k_j,q)}\quad\text{(softmax attention)},$$
exactly. Over $\|\delta_i\|\le\varepsilon$ the largest change is $\varepsilon\sum_i|\kappa(k_i,q)|$, attained by
$\delta_i = \varepsilon\operatorname{sign}(\kappa_i)\,u$ for any unit vector $u$; for softmax it is $\varepsilon\sum_D p_i\le\varepsilon$, attained by one
shift $\delta_i = \varepsilon u$ of all targets.
""",
    assumptions=("the keys and the zero-shot context stay as they are",),
    proof=r"""
The step is linear in the targets: $W_1 = W_0 + \sum_i v_i\phi(k_i)^\top$, so $\Delta W_1 = \sum_i\delta_i\phi(k_i)^\top$ and
$\Delta o = \Delta W_1\phi(q)$. For softmax the targets are $[v_i;1]$; the last component, hence the denominator $b$ of $a/b$,
does not move, and $\Delta a/b = \sum_D\delta_i\kappa_i/b$. The triangle inequality gives
$\|\Delta o\|\le\sum_i|\kappa_i|\,\|\delta_i\|\le\varepsilon\sum_i|\kappa_i|$; with $\delta_i = \varepsilon\operatorname{sign}(\kappa_i)u$ every term is
$\varepsilon|\kappa_i|u$ and they add up to it. Softmax weights are positive, so all signs are one. $\square$

Softmax attention without context moves by at most $\varepsilon$ however many demonstrations are corrupted; linear attention by an amount
that grows with their number. The inequality itself is checked in `perturbation-bound`.
""",
    source="from the linearity of the step (Irie et al. 2022, arXiv 2202.05798, theorem 2); the worst case is ours",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "initial": "dv d",
        "context_keys": "c d",
        "context_values": "c dv",
        "changes": "n dv",
        "direction": "dv",
        "radius": "",
    },
    dimensions={"n": (1, 5), "c": (0, 2), "d": (1, 3), "dv": (1, 2)},
    shapes=(
        {"n": 5, "c": 2, "d": 3, "dv": 2},
        {"n": 3, "c": 1, "d": 2, "dv": 1},
        {"n": 2, "c": 0, "d": 1, "dv": 2},
    ),
    given=with_unit_direction,
    left=measured,
    right=predicted,
    mutants=(
        Mutant("the worst case without the signs", alter_results(predicted, {"linear, worst": worst_without_signs})),
        Mutant("the shift has the opposite sign", alter_results(predicted, {"linear": opposite_shift})),
        Mutant(
            "the context is left out of the normaliser", alter_results(predicted, {"softmax": shift_without_context})
        ),
        Mutant("the learning rate does not cancel", alter_results(predicted, {"linear": shift_times_rate})),
    ),
)
