"""Backward passes: a term that is missing, a sign, an index."""

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.kernel_faults.families.linear_states import FLA, LONG, TOKENS
from benchmarks.kernel_faults.fault import KIND, Fault, Setting, filled, gates, github

WIDTH = 4


def pairing(x, y):
    return jnp.sum(x * y)


def normalised(q, k, v, keys):
    return jnp.tril(q @ k.T) @ v / jnp.sum(q * keys, axis=-1, keepdims=True)


def through_the_normaliser(q, k, v, seen):
    def loss(k):
        return pairing(normalised(q, k, v, jnp.cumsum(k, axis=0)), seen)  # here

    return jax.grad(loss)(k)  # here


def past_the_normaliser(q, k, v, seen):
    def loss(k):
        return pairing(normalised(q, k, v, lax.stop_gradient(jnp.cumsum(k, axis=0))), seen)  # here

    return jax.grad(loss)(k)  # here


def decays(a):
    total = jnp.cumprod(a)
    return jnp.tril(total[:, None] / total[None, :])


def gradient_of_values(q, k, v, a, seen):
    return (jnp.tril(q @ k.T) * decays(a)).T @ seen  # here


def gradient_of_values_without_gates(q, k, v, a, seen):
    return jnp.tril(q @ k.T).T @ seen  # here


def gradient_by_jax(q, k, v, a, seen):
    return jax.grad(lambda v: pairing((q @ k.T * decays(a)) @ v, seen))(v)


def with_its_state(q, k, v, a):
    def step(state, token):
        q, k, v, a = token
        state = a * state + jnp.outer(k, v)
        return state, q @ state

    return lax.scan(step, jnp.zeros((k.shape[1], v.shape[1]), v.dtype), (q, k, v, a))


def gradient_of_both_results(q, k, v, a, seen, seen_state):
    def loss(a):
        state, output = with_its_state(q, k, v, a)
        return pairing(output, seen) + pairing(state, seen_state)  # here

    return jax.grad(loss)(a)  # here


def gradient_of_outputs(q, k, v, a, seen, seen_state):
    def loss(a):
        _, output = with_its_state(q, k, v, a)
        return pairing(output, seen)  # here

    return jax.grad(loss)(a)  # here


def slots(tokens, seen_state, first):
    """Each of the last tokens receives the gradient of its place in the state that a convolution hands on."""
    places = jnp.arange(tokens) - first + 1
    kept = (places >= 1) & (places < WIDTH)
    return jnp.where(kept, seen_state[jnp.clip(places, 0, WIDTH - 1)], 0)


def slot_of_the_token(seen, seen_state):
    return seen + slots(seen.shape[0], seen_state, seen.shape[0] - (WIDTH - 1))  # here


def slot_from_zero(seen, seen_state):
    return seen + slots(seen.shape[0], seen_state, max(0, seen.shape[0] - (WIDTH - 1)))  # here


def turned(x, cos, sin):
    first, second = jnp.split(x, 2)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin])


def turned_back(seen, cos, sin):
    return turned(seen, cos, -sin)  # here


def turned_again(seen, cos, sin):
    return turned(seen, cos, sin)  # here


def rotation_by_jax(seen, cos, sin):
    return jax.grad(lambda x: pairing(turned(x, cos, sin), seen))(jnp.zeros_like(seen))


FAULTS = (
    Fault(
        "no gradient through the normaliser",
        github(FLA, "pull request", 875),
        "The sum of keys that normalises is computed where no gradient is recorded.",
        through_the_normaliser,
        past_the_normaliser,
        "q:n=2,d=1 above 0; k:n,d above 0; v:n,e=1; seen:n,e",
        Setting(LONG),
    ),
    Fault(
        "gradient of values without gates",
        github(FLA, "pull request", 6),
        "The gradient of the values leaves out the decay between tokens.",
        gradient_of_values,
        gradient_of_values_without_gates,
        f"{TOKENS}; a:n above 0; seen:n,e",
        Setting(LONG, gates("a")),
        Setting(LONG, filled(a=1.0), "no decay"),
        definition=gradient_by_jax,
    ),
    Fault(
        "gradient of decays without the last state",
        github(FLA, "pull request", 459),
        "The gradient of the decays counts the outputs and not the state that is handed on.",
        gradient_of_both_results,
        gradient_of_outputs,
        "q:n=2,d=1; k:n,d; v:n,e=1; a:n; seen:n,e; seen_state:d,e",
        Setting(LONG, gates("a")),
        Setting(LONG, lambda point: gates("a")(filled(seen_state=0.0)(point)), "the last state is not used"),
    ),
    Fault(
        "index of a short chunk",
        github(FLA, "issue", 1140),
        "In a chunk shorter than the convolution, gradients of the state that is handed on go to other tokens.",
        slot_of_the_token,
        slot_from_zero,
        "seen:n=2; seen_state:4",
        Setting({"n": 2}, note="two tokens"),
        Setting({"n": 64}, note="64 tokens"),
    ),
    Fault(
        "rotation not reversed",
        KIND,
        "The backward pass of a rotation turns forward once more.",
        turned_back,
        turned_again,
        "seen:2; cos:; sin:",
        Setting(),
        definition=rotation_by_jax,
    ),
)
