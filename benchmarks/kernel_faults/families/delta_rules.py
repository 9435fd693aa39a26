"""The delta rule with and without a gate: which error, which strength, and the chunked form of it."""

import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import solve_triangular

from benchmarks.kernel_faults.families.linear_states import FLA, LONG
from benchmarks.kernel_faults.fault import KIND, Fault, Setting, github, unit_keys


def over_tokens(step, state, *tokens):
    return lax.scan(step, state, tokens)[1]


def error_of_the_value(q, k, v, b, state):
    def step(state, token):
        q, k, v, b = token
        error = b * (v - k @ state)  # here
        state = state + jnp.outer(k, error)  # here
        return state, q @ state

    return over_tokens(step, state, q, k, v, b)


def error_of_the_key(q, k, v, b, state):
    def step(state, token):
        q, k, v, b = token
        error = b * (k - state @ v)  # here
        state = state + jnp.outer(error, v)  # here
        return state, q @ state

    return over_tokens(step, state, q, k, v, b)


def error_after_the_decay(q, k, v, a, b, state):
    def step(state, token):
        q, k, v, a, b = token
        state = a * state
        state = state + jnp.outer(k, b * (v - k @ state))  # here
        return state, q @ state

    return over_tokens(step, state, q, k, v, a, b)


def error_before_the_decay(q, k, v, a, b, state):
    def step(state, token):
        q, k, v, a, b = token
        state = a * state + jnp.outer(k, b * (v - k @ state))  # here
        return state, q @ state

    return over_tokens(step, state, q, k, v, a, b)


def strength_once(q, k, v, b, state):
    def step(state, token):
        q, k, v, b = token
        state = state + jnp.outer(k, b * (v - k @ state))  # here
        return state, q @ state

    return over_tokens(step, state, q, k, v, b)


def strength_twice(q, k, v, b, state):
    def step(state, token):
        q, k, v, b = token
        state = state + jnp.outer(b * k, b * (v - k @ state))  # here
        return state, q @ state

    return over_tokens(step, state, q, k, v, b)


def strength_of_writing_only(q, k, v, b, state):
    def step(state, token):
        q, k, v, b = token
        state = state + jnp.outer(k, b * v - k @ state)  # here
        return state, q @ state

    return over_tokens(step, state, q, k, v, b)


def below(x):
    return jnp.tril(x, -1)


def solved(lower, right):
    return solve_triangular(jnp.eye(lower.shape[0], dtype=lower.dtype) + lower, right, lower=True)


def one_chunk(q, k, v, a, b, state):
    total = jnp.cumprod(a)
    decay = total[:, None] / total[None, :]
    values = solved(below(b[:, None] * decay * (k @ k.T)), b[:, None] * v)
    keys = solved(below(b[:, None] * (k @ k.T)), b[:, None] * k)  # here
    written = values - total[:, None] * (keys @ state)
    return total[:, None] * (q @ state) + jnp.tril(decay * (q @ k.T)) @ written  # here


def gate_in_both_systems(q, k, v, a, b, state):
    total = jnp.cumprod(a)
    decay = total[:, None] / total[None, :]
    values = solved(below(b[:, None] * decay * (k @ k.T)), b[:, None] * v)
    keys = solved(below(b[:, None] * decay * (k @ k.T)), b[:, None] * k)  # here
    written = values - total[:, None] * (keys @ state)
    return total[:, None] * (q @ state) + jnp.tril(decay * (q @ k.T)) @ written


def mask_without_decay(q, k, v, a, b, state):
    total = jnp.cumprod(a)
    decay = total[:, None] / total[None, :]
    values = solved(below(b[:, None] * decay * (k @ k.T)), b[:, None] * v)
    keys = solved(below(b[:, None] * (k @ k.T)), b[:, None] * k)
    written = values - total[:, None] * (keys @ state)
    return total[:, None] * (q @ state) + jnp.tril(q @ k.T) @ written  # here


RULE = "q:n=2,d=2; k:n,d; v:n,e=2; b:n; state:d,e"
GATED = "q:n=2,d=2; k:n,d; v:n,e=2; a:n above 0; b:n; state:d,e"
ONE_CHUNK = LONG | {"n": 16}
TESTED = Setting(LONG, unit_keys)
NO_GATE = Setting(LONG, lambda point: unit_keys(point) | {"a": point["a"] * 0 + 1}, "no decay")
CHUNKED = github("NeuraLegion/shainet", "pull request", 170)

FAULTS = (
    Fault(
        "key and value exchanged",
        github(FLA, "issue", 623),
        "With a gate for each value, the error is that of the key beside what the value reads: roles are exchanged.",
        error_of_the_value,
        error_of_the_key,
        RULE,
        TESTED,
    ),
    Fault(
        "error before the decay",
        github(FLA, "issue", 885),
        "The error is read from the state before it decays, which the question calls the traditional form.",
        error_after_the_decay,
        error_before_the_decay,
        GATED,
        TESTED,
        NO_GATE,
    ),
    Fault(
        "strength applied twice",
        KIND,
        "Keys come multiplied with the strength, and the error is multiplied with it again.",
        strength_once,
        strength_twice,
        RULE,
        TESTED,
        Setting(LONG, lambda point: unit_keys(point) | {"b": point["b"] * 0 + 1}, "the strength is one"),
    ),
    Fault(
        "strength of writing only",
        KIND,
        "The strength multiplies the value that is written and not what is taken away.",
        strength_once,
        strength_of_writing_only,
        RULE,
        TESTED,
        Setting(LONG, lambda point: unit_keys(point) | {"b": point["b"] * 0 + 1}, "the strength is one"),
    ),
    Fault(
        "decay in both systems of a chunk",
        CHUNKED,
        "Both triangular systems of the chunk carry the decay; the one for the keys must not.",
        one_chunk,
        gate_in_both_systems,
        GATED,
        Setting(ONE_CHUNK, unit_keys),
        Setting(ONE_CHUNK, lambda point: unit_keys(point) | {"state": point["state"] * 0}, "no state"),
        definition=error_after_the_decay,
    ),
    Fault(
        "causal mask without decay",
        CHUNKED,
        "The queries of a chunk see its tokens through the causal mask alone, as the formula is printed.",
        one_chunk,
        mask_without_decay,
        GATED,
        Setting(ONE_CHUNK, unit_keys),
        Setting(ONE_CHUNK, NO_GATE.change, "no decay"),
        definition=error_after_the_decay,
    ),
)
