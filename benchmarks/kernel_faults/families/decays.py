"""Decay: within a chunk, between chunks, of what came before, and in which space it is given."""

import jax.numpy as jnp
from jax import lax

from benchmarks.kernel_faults.families.linear_states import FLA, LONG, TOKENS, in_chunks
from benchmarks.kernel_faults.fault import KIND, Fault, Setting, filled, gates, github


def within(q, k, v, rho):
    return (q @ k.T * jnp.array([[1, 0], [0, 1]]) + rho * q @ k.T * jnp.array([[0, 0], [1, 0]])) @ v


def retention(q, k, v, rho):
    def step(state, token):
        q, k, v = token
        state = rho * state + jnp.outer(k, v)
        return state, q @ state

    return lax.scan(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), (q, k, v))[1]


def decayed_to_the_end(q, k, v, rho):
    to_query, to_end = jnp.stack([rho, rho * rho]), jnp.stack([rho, rho / rho])

    def step(state, tokens):
        q, k, v = tokens
        output = within(q, k, v, rho) + q @ state * to_query[:, None]
        return rho * rho * state + k.T @ (v * to_end[:, None]), output  # here

    return in_chunks(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), q, k, v)


def not_decayed_to_the_end(q, k, v, rho):
    to_query = jnp.stack([rho, rho * rho])

    def step(state, tokens):
        q, k, v = tokens
        output = within(q, k, v, rho) + q @ state * to_query[:, None]
        return rho * rho * state + k.T @ v, output  # here

    return in_chunks(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), q, k, v)


def off_by_one(q, k, v, rho):
    to_query, to_end = jnp.stack([rho / rho, rho]), jnp.stack([rho, rho / rho])  # here

    def step(state, tokens):
        q, k, v = tokens
        output = within(q, k, v, rho) + q @ state * to_query[:, None]  # here
        return rho * rho * state + k.T @ (v * to_end[:, None]), output

    return in_chunks(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), q, k, v)


def right_to_the_query(q, k, v, rho):
    to_query, to_end = jnp.stack([rho, rho * rho]), jnp.stack([rho, rho / rho])  # here

    def step(state, tokens):
        q, k, v = tokens
        output = within(q, k, v, rho) + q @ state * to_query[:, None]  # here
        return rho * rho * state + k.T @ (v * to_end[:, None]), output

    return in_chunks(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), q, k, v)


def of_log_decays(q, k, v, log_decay):
    def step(state, token):
        q, k, v, log_decay = token
        state = jnp.exp(log_decay) * state + jnp.outer(k, v)  # here
        return state, q @ state

    return lax.scan(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), (q, k, v, log_decay))[1]


def given_the_logarithm(q, k, v, a):
    return of_log_decays(q, k, v, jnp.log(a))  # here


def given_the_decay(q, k, v, a):
    return of_log_decays(q, k, v, a)  # here


def from_its_start(q, state, log_decay, start):
    total = jnp.cumsum(log_decay)
    before = jnp.concatenate([jnp.zeros(1, total.dtype), total])[start]
    inside = jnp.arange(q.shape[0]) >= start
    return (inside * jnp.exp(total - before))[:, None] * (q @ state)  # here


def from_the_chunk(q, state, log_decay, start):
    total = jnp.cumsum(log_decay)
    inside = jnp.arange(q.shape[0]) >= start
    return (inside * jnp.exp(total))[:, None] * (q @ state)  # here


def strictly_below(x):
    return jnp.tril(x, -1)


def plain_exponential(q, k, v, fading):
    total = jnp.cumsum(-fading * fading)
    decay = strictly_below(jnp.exp(total[:, None] - total[None, :]))  # here
    return (q @ k.T * decay) @ v


def exponential_of_what_is_not_positive(q, k, v, fading):
    total = jnp.cumsum(-fading * fading)
    between = total[:, None] - total[None, :]
    decay = strictly_below(jnp.where(between <= 0, jnp.exp(between), 0))  # here
    return (q @ k.T * decay) @ v


def within_a_chunk(point):
    """Decays near one, and a sequence that begins with the third token."""
    return point | {"log_decay": -abs(point["log_decay"]) / 8, "start": point["start"] * 0 + 2}


PAIRS = "q:n=4,d=1; k:n,d; v:n,e=1; rho: above 0"
SLOW = Setting(LONG, filled(rho=1 - 2.0**-12), "the slowest decay of RetNet's eight heads, 1 - 2^-12")

FAULTS = (
    Fault(
        "chunk not decayed to its end",
        github("Jamie-Stirling/RetNet", "issue", 10),
        "The tokens of a chunk enter the state as if each were the last (equation 7 of RetNet as it was read).",
        decayed_to_the_end,
        not_decayed_to_the_end,
        PAIRS,
        Setting(LONG, gates("rho")),
        SLOW,
        definition=retention,
    ),
    Fault(
        "chunk boundary off by one",
        KIND,
        "What the state gives to the tokens of the next chunk decays once too little.",
        right_to_the_query,
        off_by_one,
        PAIRS,
        Setting(LONG, gates("rho")),
        SLOW,
        definition=retention,
    ),
    Fault(
        "decay in place of its logarithm",
        github(FLA, "issue", 11),
        "The kernel takes logarithms of decays and is given the decays, so that the state grows.",
        given_the_logarithm,
        given_the_decay,
        f"{TOKENS}; a:n above 0",
        Setting(LONG, gates("a")),
    ),
    Fault(
        "initial state decays from the chunk's start",
        github("vllm-project/vllm", "pull request", 23279),
        "A sequence that begins within a chunk takes the decay of the tokens before it for its own.",
        from_its_start,
        from_the_chunk,
        "q:n=3,d=2; state:d,e=2; log_decay:n; start: below 3",
        Setting(LONG, within_a_chunk),
        Setting(LONG, filled(start=0), "the sequence begins with the chunk"),
    ),
    Fault(
        "exponential of rounded differences",
        github(FLA, "issue", 461),
        "Decays between tokens are set to zero where their logarithm is positive, which rounding alone can make it.",
        plain_exponential,
        exponential_of_what_is_not_positive,
        f"{TOKENS}; fading:n",
        Setting(LONG),
        no_fault="sums of squares are not negative, so in real arithmetic nothing is set to zero: a fault of rounding",
    ),
)
