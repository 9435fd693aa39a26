"""Any sequence of matrices is gradient descent on losses that are chosen for it afterwards."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def positive_rate(rate):
    return {"rate": 0.25 + rate * rate}


def squared_error(weights, key, value):
    error = weights @ key - value
    return error @ error / 2


def uphill(start, keys, values, n):
    """Weights that climb the squared error, token by token."""
    weights = [start]
    for t in range(n):
        weights.append(weights[-1] + jax.grad(squared_error)(weights[-1], keys[t], values[t]))
    return jnp.stack(weights)


def sequences(start, anything, keys, values, n):
    everything = jnp.concatenate([start[None], anything])
    return {"any weights": everything, "weights that climb a loss": uphill(start, keys, values, n)}


def descended(sequence, rate, n, ahead=0, sign=1):
    """Descent from the first matrix on losses that are linear, with the differences of the sequence as slopes."""
    weights = [sequence[0]]
    for t in range(n):
        here = min(t + ahead, n - 1)
        slope = sign * (sequence[here] - sequence[here + 1]) / rate
        weights.append(weights[-1] - rate * jax.grad(lambda w, slope=slope: jnp.sum(slope * w))(weights[-1]))
    return jnp.stack(weights)


def implicit(start, anything, keys, values, rate, n, ahead=0, sign=1):
    named = sequences(start, anything, keys, values, n)
    return {name: descended(sequence, rate, n, ahead, sign) for name, sequence in named.items()}


def downhill_on_the_error(start, anything, keys, values, n):
    weights = [start]
    for t in range(n):
        weights.append(weights[-1] - jax.grad(squared_error)(weights[-1], keys[t], values[t]))
    return {**sequences(start, anything, keys, values, n), "weights that climb a loss": jnp.stack(weights)}


claim = Claim(
    slug="implicit-descent",
    title="Every sequence of weights is implicit gradient descent, whatever it does",
    group="B",
    statement=r"""
For *any* matrices $W_0,\dots,W_n$ and any rate $h > 0$,
$$W_t = W_{t-1} - h\,\nabla L_t(W_{t-1}),\qquad L_t(W) = \langle\Delta_t, W\rangle_F,\qquad \Delta_t = \tfrac1h(W_{t-1}-W_t) .$$
It holds for the implicit weights of a context that is read token by token, for drawn numbers, and for weights that climb the squared error of the tokens.
""",
    assumptions=("$h > 0$; nothing else",),
    proof=r"""
$\nabla L_t = \Delta_t$ at every $W$, and $W_{t-1}-h\Delta_t = W_t$. $\square$

So the form alone says nothing of learning: $L_t$ is linear, has no minimum, and is made from the step that it is to explain. A statement of content names a loss of the *demonstrations* beforehand, as `delta-rule` and `linear-attention` do.
""",
    source="the form: Dherin et al. 2025, arXiv 2507.16003, on the implicit learning dynamics of prompt tokens; that it holds for any sequence is elementary",
    arguments={"start": "dv d", "anything": "n dv d", "keys": "n d", "values": "n dv", "rate": ""},
    dimensions={"n": (2, 3), "d": (1, 2), "dv": (1, 2)},
    shapes=({"n": 2, "d": 2, "dv": 2}, {"n": 3, "d": 1, "dv": 1}),
    given=positive_rate,
    left=sequences,
    right=implicit,
    mutants=(
        Mutant(
            "the implicit steps descend on the tokens' squared error",
            downhill_on_the_error,
            quoted=Misquotation(
                says="The implicit weight updates of a context, token by token, are gradient descent: so the block learns the context's task.",
                source="commonly read into Dherin et al. 2025, arXiv 2507.16003, and summaries of it",
                rather="Any sequence of matrices is such a descent, on linear losses chosen from its own differences; also one that climbs the squared error of the tokens. What learns is a matter of a loss named beforehand.",
            ),
        ),
        Mutant("the slopes of the next step", alter(implicit, ahead=1)),
        Mutant("the sign of the slopes", alter(implicit, sign=-1)),
    ),
)
