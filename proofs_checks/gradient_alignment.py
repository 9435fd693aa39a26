"""TracIn is the derivative of the test loss in a demonstration's rate at rate zero; for squared loss with its remainder."""

from dataclasses import replace

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel, squared_error
from lrgd_jax.effect import DualLoss, gradient_alignment

OBJECTIVES = {"alignment": None, "squared error": squared_error}


def losses(query, keys, values, start, target):
    """The test loss as a function of the rates, for two objectives of the step."""
    return {
        name: DualLoss(DualModel(start, keys, values, objective=objective, learning_rate=0.25), query, target)
        for name, objective in OBJECTIVES.items()
    }


def by_the_rates(query, keys, values, start, target):
    zero = jnp.zeros(keys.shape[:1], keys.dtype)
    named = losses(query, keys, values, start, target)
    return {
        name: {"derivative": -jax.grad(lambda rates, loss=loss: loss(rates))(zero), "fall": loss(zero) - loss(1 + zero)}
        for name, loss in named.items()
    }


def by_gradients(query, keys, values, start, target, remainder=0.5):
    found = {}
    for name, loss in losses(query, keys, values, start, target).items():
        aligned = gradient_alignment(loss)
        model = loss.model
        # the step times the query's features: what it moves the output by
        moved = model.learning_rate * (jax.grad(model.loss)(start, keys, values, jnp.ones_like(keys[:, 0])) @ query)
        found[name] = {"derivative": aligned, "fall": jnp.sum(aligned) - remainder * jnp.vdot(moved, moved)}
    return found


def at_the_trained_weights(query, keys, values, start, target):
    correct = by_gradients(query, keys, values, start, target)
    for name, loss in losses(query, keys, values, start, target).items():
        trained = replace(loss.model, initial_weights=loss.model.train())
        correct[name]["derivative"] = gradient_alignment(replace(loss, model=trained))
    return correct


def wrong_sign(query, keys, values, start, target):
    correct = by_gradients(query, keys, values, start, target)
    return {name: {**leaves, "derivative": -leaves["derivative"]} for name, leaves in correct.items()}


claim = Claim(
    slug="gradient-alignment",
    title="Gradient alignment (TracIn) is the derivative of the effect in a demonstration's rate, at rate zero",
    group="D",
    statement=r"""
Let $W(\eta) = W_0-\eta\sum_i\eta_i\nabla L_i(W_0)$. For differentiable $\ell$,
$$-\frac{\partial}{\partial\eta_i}\,\ell\big(f_{W(\eta)}(q),y\big)\Big|_{\eta=0} = \eta\,\langle\nabla L_i(W_0),\,\nabla\ell(f_{W_0}(q),y)\rangle =: A_i,$$
the gradient alignment of demonstration $i$. For $\ell = \frac12\|y-o\|^2$ the first-order value of the whole effect misses by exactly
$$\ell(f_{W_0})-\ell(f_{W_1}) = \sum_iA_i-\tfrac12\,\|(W_1-W_0)\phi(q)\|^2 .$$
Both hold for the objective that attention descends and for a squared error of the demonstrations.
""",
    assumptions=("one full-batch step",),
    proof=r"""
$W(\eta)$ is affine in $\eta$ with $\partial W/\partial\eta_i = -\eta\nabla L_i(W_0)$, whatever $L$ is; the chain rule gives the derivative at $\eta = 0$, where
$W(\eta) = W_0$. For the squared loss put $c = (W_1-W_0)\phi(q)$ and $e = y-f_{W_0}(q)$: $\ell(f_{W_0})-\ell(f_{W_1}) = \langle e,c\rangle-\frac12\|c\|^2$, and
$\sum_iA_i = \langle-\eta\nabla L(W_0),-\nabla\ell\rangle = \langle W_1-W_0,\,e\,\phi(q)^\top\rangle = \langle e,c\rangle$. $\square$
""",
    source="Pruthi et al. 2020, arXiv 2002.08484, eq. 1; the remainder is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "start": "dv d", "target": "dv"},
    dimensions={"n": (1, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 3, "dv": 2}, {"n": 2, "d": 2, "dv": 1}, {"n": 1, "d": 1, "dv": 2}),
    left=by_the_rates,
    right=by_gradients,
    mutants=(
        Mutant("the remainder is left out", alter(by_gradients, remainder=0)),
        Mutant("gradients at the trained weights", at_the_trained_weights),
        Mutant("alignment with the wrong sign", wrong_sign),
    ),
)
