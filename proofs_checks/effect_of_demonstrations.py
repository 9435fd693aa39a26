"""Effect_D, the relative fall of the test loss by the step, from attention outputs alone."""

import jax.numpy as jnp

from lrgd_jax.attention import linear_attention, softmax_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_targets
from lrgd_jax.effect import DualLoss


def away_from_zero(error):
    """The zero-shot loss is not zero: the first component of its error is at least a quarter."""
    return {"error": error.at[0].set(0.25 + error[0] * error[0])}


def of_the_duals(query, keys, values, context_keys, context_values, error):
    """The losses at rates zero and one, in the dual models that take the step."""
    context = DualModel.untrained(context_keys, context_values)
    f_0 = KernelExpansion(context_keys, projective_targets(context_values))
    models = {
        "linear": DualModel(context.train(), keys, values),
        "softmax": FunctionalDual(f_0, keys, projective_targets(values)),
    }
    found = {}
    for name, model in models.items():
        loss = DualLoss(model, query, model.zero_shot(query[None])[0] + error)
        zero_shot, few_shot = (loss(rate * jnp.ones(keys.shape[:1], keys.dtype)) for rate in (0, 1))
        found[name] = (zero_shot - few_shot) / zero_shot
    return found


def changes(query, keys, values, context_keys, context_values):
    """How far attention to all tokens is from attention to the query's own."""
    everything = jnp.concatenate([keys, context_keys]), jnp.concatenate([values, context_values])
    forms = {"linear": linear_attention, "softmax": softmax_attention}
    return {
        name: form(query[None], *everything)[0] - form(query[None], context_keys, context_values)[0]
        for name, form in forms.items()
    }


def effect(error, change, half=1):
    return (2 * jnp.vdot(error, change) - half * jnp.vdot(change, change)) / jnp.vdot(error, error)


def of_attention(query, keys, values, context_keys, context_values, error):
    moved = changes(query, keys, values, context_keys, context_values)
    return {name: effect(error, change) for name, change in moved.items()}


def first_order_only(query, keys, values, context_keys, context_values, error):
    moved = changes(query, keys, values, context_keys, context_values)
    return {name: effect(error, change, half=0) for name, change in moved.items()}


def relative_to_the_few_shot_loss(query, keys, values, context_keys, context_values, error):
    moved = changes(query, keys, values, context_keys, context_values)
    return {name: -effect(error - change, -change) for name, change in moved.items()}


def harm_counted_as_help(query, keys, values, context_keys, context_values, error):
    correct = of_attention(query, keys, values, context_keys, context_values, error)
    return {name: -value for name, value in correct.items()}


claim = Claim(
    slug="effect-of-demonstrations",
    title="Effect_D: the relative fall of the test loss by the step that the demonstrations induce",
    group="D",
    statement=r"""
Let $\mathrm{Effect}_D = \dfrac{\ell(f_{W_0}(q),y)-\ell(f_{W_1}(q),y)}{\ell(f_{W_0}(q),y)}$. For $\ell(o,y) = \frac12\|y-o\|^2$ it is a
function of two attention outputs, $o_0$ over the query's own tokens and $o_1$ over all,
$$\mathrm{Effect}_D = \frac{2\langle y-o_0,\,o_1-o_0\rangle-\|o_1-o_0\|^2}{\|y-o_0\|^2}\;\le\;1 .$$
The target is written as $y = o_0+e$ with $e\ne0$, so that the loss before the step is not zero. Effect_D is positive iff $\|o_1-o_0\|^2 < 2\langle y-o_0,o_1-o_0\rangle$: the step must point to the target and must not overshoot it twice.
""",
    assumptions=("$\\ell(f_{W_0}(q),y) > 0$", "for softmax attention the query has a token of its own"),
    proof=r"""
$f_{W_0}(q) = o_0$ and $f_{W_1}(q) = o_1$ by `linear-attention` and `softmax-attention`. With $e = y-o_0$ and $c = o_1-o_0$,
$\|e\|^2-\|e-c\|^2 = 2\langle e,c\rangle-\|c\|^2$; at rate zero no step is taken. The bound is $\ell\ge0$. $\square$
""",
    source="LRGD, arXiv 2504.04386, names the measure in its abstract; the definition here is ours",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "context_keys": "c d",
        "context_values": "c dv",
        "error": "dv",
    },
    dimensions={"n": (1, 5), "c": (1, 3), "d": (1, 3), "dv": (1, 2)},
    shapes=(
        {"n": 5, "c": 2, "d": 3, "dv": 2},
        {"n": 2, "c": 1, "d": 2, "dv": 1},
        {"n": 1, "c": 3, "d": 1, "dv": 2},
    ),
    given=away_from_zero,
    left=of_the_duals,
    right=of_attention,
    mutants=(
        Mutant("first order only", first_order_only),
        Mutant("relative to the loss after the step", relative_to_the_few_shot_loss),
        Mutant("harm is counted as help", harm_counted_as_help),
    ),
)
