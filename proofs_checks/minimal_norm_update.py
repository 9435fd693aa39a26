"""The rank-one update that stands for a context is the smallest of many, and it is another one at every position."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant


def away_from_zero(states):
    """No state without context is zero."""
    return {"states": states.at[:, 0].set(1 + states[:, 0] * states[:, 0])}


def rank_one(first, state, shift):
    return jnp.outer(first @ shift, state) / (state @ state)


def read(first, states, shifts, updates, other):
    """What each position reads after its update; the first position's update, and the price of another one."""
    direction = other - jnp.outer(other @ states[0], states[0]) / (states[0] @ states[0])
    return {
        "read": jnp.stack([(first + update) @ state for update, state in zip(updates, states, strict=True)]),
        "update": updates[0],
        "norm of another": jnp.sum((updates[0] + direction) ** 2),
    }


def by_rank_one_updates(first, states, shifts, other, n):
    updates = [rank_one(first, states[t], shifts[t]) for t in range(n)]
    return read(first, states, shifts, updates, other)


def by_least_norm(first, states, shifts, other):
    """The context itself; the smallest solution, from its conditions of optimality; and Pythagoras."""
    state, wanted = states[0], first @ shifts[0]
    d = state.shape[0]

    def lagrangian(unknown):
        """Half the squared norm of each row, and the multiplier of its constraint, which is the last column."""
        rows, multipliers = unknown[:, :d], unknown[:, d]
        return jnp.sum(rows * rows) / 2 + multipliers @ (rows @ state - wanted)

    zero = jnp.zeros((wanted.shape[0], d + 1), state.dtype)
    system = jnp.block([[jnp.eye(d, dtype=state.dtype), state[:, None]], [state[None], jnp.zeros((1, 1), state.dtype)]])
    # stationary where the gradient, which is affine, vanishes; the system is symmetric
    smallest = jnp.linalg.solve(system, -jax.grad(lagrangian)(zero).T).T[:, :d]
    direction = other - jnp.outer(other @ state, state) / (state @ state)
    return {
        "read": (states + shifts) @ first.T,
        "update": smallest,
        "norm of another": jnp.sum(smallest**2) + jnp.sum(direction**2),
    }


def one_update_for_all(first, states, shifts, other, n):
    return read(first, states, shifts, [rank_one(first, states[0], shifts[0])] * n, other)


def divided_by_the_norm(first, states, shifts, other, n):
    updates = [rank_one(first, states[t], shifts[t]) * jnp.sqrt(states[t] @ states[t]) for t in range(n)]
    return read(first, states, shifts, updates, other)


def along_the_context(first, states, shifts, other, n):
    updates = [jnp.outer(first @ shifts[t], shifts[t]) / (shifts[t] @ states[t]) for t in range(n)]
    return read(first, states, shifts, updates, other)


claim = Claim(
    slug="minimal-norm-update",
    title="The rank-one update of learning without training is the smallest of many, one for each position",
    group="A",
    statement=r"""
Let the context move the state $a_t$ of position $t$ by $\delta_t$ in front of a matrix $W$. Among all $X$ with $(W+X)\,a_t = W(a_t+\delta_t)$ the one of smallest Frobenius norm is
$$\Delta_t = \frac{(W\delta_t)\,a_t^\top}{\|a_t\|^2},\qquad \|\Delta_t+Z\|^2 = \|\Delta_t\|^2 + \|Z\|^2\ \text{ for every other solution } \Delta_t+Z .$$
It belongs to position $t$: with $\Delta_t$ in its own place, each position reads what the context gives it.
""",
    assumptions=("$a_t \\ne 0$",),
    proof=r"""
$\Delta_ta_t = W\delta_t$. Two solutions differ by $Z$ with $Za_t = 0$, and $\langle\Delta_t, Z\rangle_F = (W\delta_t)^\top Za_t/\|a_t\|^2 = 0$: Pythagoras, and uniqueness. $\square$

One update for all positions would have to solve $XA = W\Delta$ for the matrix $A$ of their states, at once; its rank is in general that of $\Delta$, not one. The right side solves the conditions of optimality (the gradient of a
Lagrangian by `jax.grad`) without the formula.
""",
    source="the update: Dherin et al. 2025, arXiv 2507.16003 (as commonly stated); that it is the smallest is elementary",
    arguments={"first": "f d", "states": "n d", "shifts": "n d", "other": "f d"},
    dimensions={"n": (2, 3), "d": (2, 3), "f": (1, 2)},
    shapes=({"n": 2, "d": 3, "f": 2}, {"n": 2, "d": 2, "f": 1}),
    given=away_from_zero,
    left=by_rank_one_updates,
    right=by_least_norm,
    mutants=(
        Mutant(
            "the first position's update is used at every position",
            one_update_for_all,
            "left",
            quoted=Misquotation(
                says="A context acts on a feed-forward block like one rank-one update of its weights.",
                source="commonly read into Dherin et al. 2025, arXiv 2507.16003, whose update is a function of the query",
                rather="Like one rank-one update for each position, which depends on the position's own state. It is the smallest of many that serve there; one matrix for all positions has in general a higher rank.",
            ),
        ),
        Mutant("divided by |a|, not |a|^2", divided_by_the_norm, "left"),
        Mutant("along the shift in place of the state", along_the_context, "left"),
    ),
)
