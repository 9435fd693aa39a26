"""Linear attention: its normaliser, its state, and what the state begins with."""

import jax.numpy as jnp
from jax import lax

from benchmarks.kernel_faults.fault import KIND, Fault, Setting, filled, gates, github

CHUNK = 2
LONG = {"n": 64, "d": 32, "e": 32}


def of_each_head(q, k, v):
    return jnp.einsum("hts,she->the", jnp.tril(jnp.einsum("thd,shd->hts", q, k)), v)


def normalised_in_time(q, k, v):
    keys = jnp.cumsum(k, axis=0)  # here
    return of_each_head(q, k, v) / jnp.sum(q * keys, axis=-1, keepdims=True)


def normalised_over_heads(q, k, v):
    keys = jnp.cumsum(k, axis=1)  # here
    return of_each_head(q, k, v) / jnp.sum(q * keys, axis=-1, keepdims=True)


def divided(q, k, v):
    total = jnp.sum(q * jnp.cumsum(k, axis=0), axis=-1, keepdims=True)
    return jnp.tril(q @ k.T) @ v / total  # here


def multiplied(q, k, v):
    total = jnp.sum(q * jnp.cumsum(k, axis=0), axis=-1, keepdims=True)
    return jnp.tril(q @ k.T) @ v * total  # here


def divided_after_the_query(q, k, v):
    keys = jnp.cumsum(k, axis=0)
    context = jnp.cumsum(k[:, :, None] * v[:, None, :], axis=0)
    return jnp.einsum("td,tde->te", q, context) / jnp.sum(q * keys, axis=-1)[:, None]  # here


def divided_by_feature(q, k, v):
    keys = jnp.cumsum(k, axis=0)
    context = jnp.cumsum(k[:, :, None] * v[:, None, :], axis=0)
    return jnp.einsum("td,tde->te", q, context / keys[:, :, None])  # here


def in_chunks(step, start, *tokens):
    parts = tuple(x.reshape(-1, CHUNK, *x.shape[1:]) for x in tokens)
    return lax.scan(step, start, parts)[1].reshape(-1, tokens[-1].shape[-1])


def scaled_in_both_parts(q, k, v, scale):
    def step(state, tokens):
        q, k, v = tokens
        within = jnp.tril(q @ k.T) @ v * scale
        return state + k.T @ v, within + q @ state * scale  # here

    return in_chunks(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), q, k, v)


def scaled_within_the_chunk(q, k, v, scale):
    def step(state, tokens):
        q, k, v = tokens
        within = jnp.tril(q @ k.T) @ v * scale
        return state + k.T @ v, within + q @ state  # here

    return in_chunks(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), q, k, v)


def scaled_causal_attention(q, k, v, scale):
    return scale * jnp.tril(q @ k.T) @ v


def recurrent(q, k, v, state):
    def step(state, token):
        q, k, v = token
        state = state + jnp.outer(k, v)
        return state, q @ state

    return lax.scan(step, state, (q, k, v))[1]


def from_the_state(q, k, v, state):
    return recurrent(q, k, v, state)  # here


def from_zero(q, k, v, state):
    return recurrent(q, k, v, jnp.zeros_like(state))  # here


def reset_at_starts(q, k, v, starts):
    def step(state, token):
        q, k, v, start = token
        state = state * (1 - start) + jnp.outer(k, v)  # here
        return state, q @ state

    return lax.scan(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), (q, k, v, starts))[1]


def never_reset(q, k, v, starts):
    def step(state, token):
        q, k, v, _ = token
        state = state + jnp.outer(k, v)  # here
        return state, q @ state

    return lax.scan(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), (q, k, v, starts))[1]


def both_decay(q, k, v, a):
    def step(carry, token):
        state, keys = carry
        q, k, v, a = token
        state, keys = a * state + jnp.outer(k, v), a * keys + k  # here
        return (state, keys), q @ state / (q @ keys)

    start = jnp.zeros((k.shape[1], v.shape[1]), v.dtype), jnp.zeros(k.shape[1], v.dtype)
    return lax.scan(step, start, (q, k, v, a))[1]


def the_state_decays(q, k, v, a):
    def step(carry, token):
        state, keys = carry
        q, k, v, a = token
        state, keys = a * state + jnp.outer(k, v), keys + k  # here
        return (state, keys), q @ state / (q @ keys)

    start = jnp.zeros((k.shape[1], v.shape[1]), v.dtype), jnp.zeros(k.shape[1], v.dtype)
    return lax.scan(step, start, (q, k, v, a))[1]


def read_then_write(q, k, v, a):
    def step(state, token):
        q, k, v, a = token
        return a * state + jnp.outer(k, v), q @ state  # here

    return lax.scan(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), (q, k, v, a))[1]


def write_then_read(q, k, v, a):
    def step(state, token):
        q, k, v, a = token
        state = a * state + jnp.outer(k, v)
        return state, q @ state  # here

    return lax.scan(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), (q, k, v, a))[1]


TOKENS = "q:n=3,d=2; k:n,d; v:n,e=2"
POSITIVE = "q:n=3,d=2 above 0; k:n,d above 0; v:n,e=2"
FLA = "fla-org/flash-linear-attention"
PERFORMER = "lucidrains/performer-pytorch"

FAULTS = (
    Fault(
        "normaliser summed over heads",
        github(FLA, "issue", 850),
        "The keys that normalise are summed over the heads, not over the time.",
        normalised_in_time,
        normalised_over_heads,
        "q:n=2,h=2,d=2 above 0; k:n,h,d above 0; v:n,h,e=2",
        Setting({"n": 64, "h": 4, "d": 32, "e": 32}),
    ),
    Fault(
        "normaliser not inverted",
        github(PERFORMER, "issue", 40),
        "The output is multiplied by the sum of similarities, not divided by it.",
        divided,
        multiplied,
        POSITIVE,
        Setting(LONG),
    ),
    Fault(
        "normaliser of each feature",
        github(PERFORMER, "issue", 21),
        "Each feature of the context is divided by the sum of that feature, before the query is multiplied with it.",
        divided_after_the_query,
        divided_by_feature,
        POSITIVE,
        Setting(LONG),
    ),
    Fault(
        "state of a chunk not scaled",
        github(FLA, "issue", 47),
        "With a scale other than one the chunked kernel gives another output than the plain one; here it scales what "
        "is within the chunk, and not what the state gives.",
        scaled_in_both_parts,
        scaled_within_the_chunk,
        "q:n=4,d=1; k:n,d; v:n,e=1; scale:",
        Setting(LONG),
        Setting(LONG, filled(scale=1.0), "the scale is one"),
        definition=scaled_causal_attention,
    ),
    Fault(
        "initial state left out",
        github("tile-ai/TileOPs", "pull request", 1557),
        "An initial state that is handed over is dropped without a word.",
        from_the_state,
        from_zero,
        f"{TOKENS}; state:d,e",
        Setting(LONG),
        Setting(LONG, filled(state=0.0), "the initial state is zero"),
    ),
    Fault(
        "state carried into the next sequence",
        github("THUDM/slime", "pull request", 1686),
        "Sequences packed into one row are one sequence to the recurrence, since it is not told where they begin.",
        reset_at_starts,
        never_reset,
        f"{TOKENS}; starts:n below 2",
        Setting(LONG),
        Setting(LONG, filled(starts=0), "one sequence in a row"),
    ),
    Fault(
        "normaliser not decayed",
        KIND,
        "The state decays and the sum of keys that normalises does not.",
        both_decay,
        the_state_decays,
        f"{POSITIVE}; a:n above 0",
        Setting(LONG, gates("a")),
        Setting(LONG, filled(a=1.0), "no decay"),
    ),
    Fault(
        "written before it is read",
        github(FLA, "issue", 16),
        "RWKV reads the state before the token is written into it; a kernel of gated linear attention reads it after.",
        read_then_write,
        write_then_read,
        f"{TOKENS}; a:n",
        Setting(LONG, gates("a")),
    ),
)
