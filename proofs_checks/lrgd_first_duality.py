"""A linear layer trained by gradient descent is its initial weights plus linear attention over its error signals."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Mutant

LOSSES = {
    "alignment": lambda outputs, wanted: -jnp.sum(wanted * outputs),
    "squared error": lambda outputs, wanted: jnp.sum((wanted - outputs) ** 2) / 2,
    "quartic error": lambda outputs, wanted: jnp.sum((wanted - outputs) ** 4) / 4,
}
"""Of a layer's outputs: without curvature, with a constant one, and with one that changes."""


def trained_layer(query, inputs, wanted, start, rate, steps):
    """Full-batch descent on the weights, their gradient through the layer."""
    outputs = {}
    for name, loss in LOSSES.items():

        def of_weights(weights, loss=loss):
            return loss(inputs @ weights.T, wanted)

        weights = start
        for _ in range(steps):
            weights = weights - rate * jax.grad(of_weights)(weights)
        outputs[name] = weights @ query
    return outputs


def attend_to_errors(query, inputs, wanted, start, rate, steps, sign=-1, first_only=False):
    """No weights are trained: the outputs at the inputs move by attention, and their gradients become values."""
    points = jnp.concatenate([inputs, query[None]])
    n = inputs.shape[0]
    answers = {}
    for name, loss in LOSSES.items():
        signals = jnp.zeros((0, wanted.shape[1]), inputs.dtype)
        for step in range(steps):
            keys = jnp.tile(inputs, (step, 1))
            outputs = points @ start.T + linear_attention(points, keys, signals)
            at = points @ start.T if first_only else outputs
            errors = sign * rate * jax.grad(loss)(at[:n], wanted)
            signals = jnp.concatenate([signals, errors])
        outputs = points @ start.T + linear_attention(points, jnp.tile(inputs, (steps, 1)), signals)
        answers[name] = outputs[-1]
    return answers


def signals_of_the_start(query, inputs, wanted, start, rate, steps):
    """Every step's error signals are those at W_0."""
    return attend_to_errors(query, inputs, wanted, start, rate, steps, first_only=True)


def signals_uphill(query, inputs, wanted, start, rate, steps):
    return attend_to_errors(query, inputs, wanted, start, rate, steps, sign=1)


def start_left_out(query, inputs, wanted, start, rate, steps):
    """Attention alone, W_0 x' forgotten."""
    answers = attend_to_errors(query, inputs, wanted, start, rate, steps)
    return {name: answer - start @ query for name, answer in answers.items()}


def targets_as_values(query, inputs, wanted, start, rate, steps):
    """The values are what was wanted, whatever the loss, as they are for the alignment alone."""
    answer = start @ query + steps * rate * linear_attention(query[None], inputs, wanted)[0]
    return dict.fromkeys(LOSSES, answer)


claim = Claim(
    slug="lrgd-first-duality",
    title="A linear layer trained by gradient descent is its initial weights plus linear attention over its error signals",
    group="A",
    statement=r"""
Let a linear layer $f_W(x) = Wx$ take $T$ full-batch steps of size $\eta$ from $W_0$ on any differentiable loss $\ell$ of its outputs at the inputs $X = (x_1,\dots,x_n)$. With the
error signals $e_i^{(t)} = -\eta\,\partial\ell/\partial f(x_i)$ at $W_t$, columns of $E = (E^{(0)},\dots,E^{(T-1)})$, the trained layer is
$$f_{W_T}(x') = W_0x'+\mathrm{LA}(E,X,x'),\qquad \mathrm{LA}(E,X,x') = \sum_{t<T}\sum_ie_i^{(t)}\,x_i^\top x',$$
linear attention without a normaliser: $x'$ asks, the inputs are the keys (each once a step), and the error signals are the values. $E^{(t)}$ needs no weights either: the outputs
at $X$, where it is taken, are $W_0X$ plus linear attention over the signals before.
""",
    assumptions=("none on the loss but that it can be differentiated; $W_0$ is any matrix",),
    proof=r"""
By the chain rule $-\eta\nabla_W\ell = \sum_ie_i^{(t)}x_i^\top$ at $W_t$, so $W_T = W_0+\sum_{t<T}\sum_ie_i^{(t)}x_i^\top$; apply it to $x'$. The same with $t$ in the place of $T$ gives
the outputs $W_tx_i$ at which the next signals are taken. $\square$

For the alignment $\ell = -\frac1\eta\sum_i\langle v_i,f(x_i)\rangle$ one step has $e_i = v_i$ (claim `linear-attention`); only there are the values free of $W_0$ and of each other. For one
step on any other loss, the values are errors and not targets.
""",
    source="LRGD, arXiv 2504.04386, its first duality; Irie et al. 2022, arXiv 2202.05798, theorem 2; Aizerman et al. 1964",
    arguments={"query": "d", "inputs": "n d", "wanted": "n dv", "start": "dv d", "rate": ""},
    dimensions={"n": (1, 3), "d": (1, 3), "dv": (1, 2), "steps": (1, 2)},
    shapes=(
        {"n": 3, "d": 2, "dv": 2, "steps": 2},
        {"n": 2, "d": 3, "dv": 1, "steps": 1},
        {"n": 1, "d": 1, "dv": 2, "steps": 2},
    ),
    left=trained_layer,
    right=attend_to_errors,
    mutants=(
        Mutant("all error signals are those at W0", signals_of_the_start),
        Mutant("the signals point uphill", signals_uphill),
        Mutant("W0 is left out", start_left_out),
        Mutant("the values are the targets", targets_as_values),
    ),
)
