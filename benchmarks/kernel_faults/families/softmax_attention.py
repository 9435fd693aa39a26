"""Softmax attention: its mask, its logits, and its running maximum."""

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.kernel_faults.fault import KIND, Fault, Setting, filled, github

WINDOW = 2
LONG = {"n": 64, "d": 32, "e": 32}


def weighed(scores, kept, v):
    weights = kept * jnp.exp(scores)
    return weights @ v / jnp.sum(weights, axis=-1, keepdims=True)


def distances(n):
    return jnp.arange(n)[:, None] - jnp.arange(n)[None, :]


def window_of_itself_and_before(q, k, v):
    far = distances(q.shape[0])
    return weighed(q @ k.T, (far >= 0) & (far < WINDOW), v)  # here


def window_of_one_more(q, k, v):
    far = distances(q.shape[0])
    return weighed(q @ k.T, (far >= 0) & (far <= WINDOW), v)  # here


def queries_are_the_last(q, k, v):
    if q.shape[0] > k.shape[0]:
        raise ValueError(f"{q.shape[0]} queries cannot be the last of {k.shape[0]} tokens")
    kept = jnp.tril(jnp.ones((q.shape[0], k.shape[0])), k.shape[0] - q.shape[0])
    return weighed(q @ k.T, kept, v)  # here


def queries_are_the_first(q, k, v):
    kept = jnp.tril(jnp.ones((q.shape[0], k.shape[0])))
    return weighed(q @ k.T, kept, v)  # here


def capped(q, k, v, cap):
    return jax.nn.softmax(cap * jnp.tanh(q @ k.T / cap), axis=-1) @ v  # here


def not_capped(q, k, v, cap):
    return jax.nn.softmax(q @ k.T, axis=-1) @ v  # here


def but_the_first(present):
    """The first token is always there, so that there is something to attend to."""
    return jnp.where(jnp.arange(present.shape[0]) == 0, 1, present)


def without_padding(q, k, v, present):
    return weighed(q @ k.T, but_the_first(present), v)  # here


def with_padding(q, k, v, present):
    return weighed(q @ k.T, jnp.ones_like(present), v)  # here


def state_without_padding(q, k, v, present):
    return jnp.tril(q @ (k * present[:, None]).T) @ v  # here


def state_with_padding(q, k, v, present):
    return jnp.tril(q @ k.T) @ v  # here


def softmax(q, k, v):
    return jax.nn.softmax(k @ q) @ v


def over_keys(step, q, k, v):
    scores = k @ q
    (_, total, output), _ = lax.scan(step, (scores[0], jnp.ones((), v.dtype), v[0]), (scores[1:], v[1:]))
    return output / total


def rescaled(q, k, v):
    def step(carry, token):
        (highest, total, output), (score, value) = carry, token
        higher = jnp.maximum(highest, score)
        before, now = jnp.exp(highest - higher), jnp.exp(score - higher)  # here
        return (higher, total * before + now, output * before + now * value), None  # here

    return over_keys(step, q, k, v)


def not_rescaled(q, k, v):
    def step(carry, token):
        (highest, total, output), (score, value) = carry, token
        higher = jnp.maximum(highest, score)
        now = jnp.exp(score - higher)
        return (higher, total + now, output + now * value), None  # here

    return over_keys(step, q, k, v)


def divided_at_every_key(q, k, v):
    def step(carry, token):
        (highest, total, output), (score, value) = carry, token
        higher = jnp.maximum(highest, score)
        before, now = jnp.exp(highest - higher), jnp.exp(score - higher)
        total = total * before + now
        return (higher, total, (output * before + now * value) / total), None  # here

    return over_keys(step, q, k, v)


def scaled(q, k, v, scale):
    return jax.nn.softmax(q @ k.T * scale, axis=-1) @ v  # here


def not_scaled(q, k, v, scale):
    return jax.nn.softmax(q @ k.T, axis=-1) @ v  # here


SELF = "q:n=3,d=1; k:n,d; v:n,e=1"
ONE_QUERY = "q:d=1; k:n=2,d; v:n,e=1"


def small_logits(point):
    """Scores of about one, as after the division by the root of the head's size."""
    return point | {"q": point["q"] / point["q"].shape[-1] ** 0.5}


def capped_at_fifty(point):
    return filled(cap=50.0)(small_logits(point))


def tenth_of_a_logit(point):
    return capped_at_fifty(point | {"q": point["q"] / 10})


FAULTS = (
    Fault(
        "window off by one",
        github("huggingface/transformers", "issue", 39408),
        "The bound of the window is counted inclusively, so that a query sees one token more.",
        window_of_itself_and_before,
        window_of_one_more,
        SELF,
        Setting(LONG, small_logits),
        Setting(LONG | {"n": 2}, small_logits, "no more tokens than the window holds"),
    ),
    Fault(
        "causal mask at the wrong corner",
        github("Dao-AILab/flash-attention", "issue", 282),
        "Fewer queries than keys are taken for the first tokens, not for the last.",
        queries_are_the_last,
        queries_are_the_first,
        "q:m=2,d=1; k:n=3,d; v:n,e=1",
        Setting({"m": 32, **LONG}, small_logits),
        Setting({"m": 64, **LONG}, small_logits, "as many queries as keys"),
    ),
    Fault(
        "soft cap left out",
        github("vllm-project/vllm", "pull request", 5908),
        "Logits are not capped, as a stopgap for kernels without it.",
        capped,
        not_capped,
        "q:n=1,d=1; k:m=2,d; v:m,e=1; cap: above 0",
        Setting({"n": 64, "m": 64, "d": 32, "e": 32}, capped_at_fifty, "cap 50, logits of about one"),
        Setting(
            {"n": 64, "m": 64, "d": 32, "e": 32},
            tenth_of_a_logit,
            "cap 50, logits of about a tenth, as before training",
        ),
    ),
    Fault(
        "padding attended to",
        github("ml-explore/mlx-lm", "issue", 1906),
        "The mask of left padding never reaches attention.",
        without_padding,
        with_padding,
        f"{SELF}; present:n below 2",
        Setting(LONG, small_logits),
        Setting(LONG, lambda point: filled(present=1)(small_logits(point)), "no padding"),
    ),
    Fault(
        "padding written into the state",
        github("huggingface/transformers", "pull request", 46773),
        "In a batch of one, padding is not masked, and the recurrence carries it into the tokens after it.",
        state_without_padding,
        state_with_padding,
        f"{SELF}; present:n below 2",
        Setting(LONG),
        Setting(LONG, filled(present=1), "no padding"),
    ),
    Fault(
        "running maximum not rescaled",
        github("paiml/aprender", "issue", 2753),
        "Where a later key raises the maximum, what was summed before keeps its weight.",
        rescaled,
        not_rescaled,
        ONE_QUERY,
        Setting(LONG, small_logits),
        definition=softmax,
    ),
    Fault(
        "divided at every key",
        github("1bit-MONSTER/1bit-MONSTER", "pull request", 495),
        "The running output is divided by the running total at every step, and again at the end.",
        rescaled,
        divided_at_every_key,
        ONE_QUERY,
        Setting(LONG, small_logits),
        definition=softmax,
    ),
    Fault(
        "scale left out",
        KIND,
        "Logits are not divided by the root of the head's size.",
        scaled,
        not_scaled,
        f"{SELF}; scale: above 0",
        Setting(LONG, filled(scale=32**-0.5)),
        Setting(LONG, filled(scale=1.0), "the scale is one"),
    ),
)
