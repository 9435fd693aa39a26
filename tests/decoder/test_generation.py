from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify.rounding.running_error import running_error
from lrgd_jax.decoder import DemonstrationGates, apply, empty_cache, gate_demonstrations, generate, read_tokens
from proofs_checks._prompts import on_tokens

from .helpers import TINY, TOKENS, agree, decoder

SEGMENTS = jnp.asarray([0, 0, 1, 1, 1, 2, 2, 2])
BY_HEAD = jnp.arange(16.0).reshape(2, 4, 2) / 8
KINDS = pytest.mark.parametrize("config", [TINY, replace(TINY, attention="linear")], ids=lambda c: c.attention)


@KINDS
@pytest.mark.parametrize("prompt", [TOKENS[:1], TOKENS])
def test_each_token_is_the_largest_logit_of_the_growing_sequence(config, prompt):
    params = decoder(config)
    generated = generate(params, config, prompt, 6)
    whole = jnp.concatenate([prompt, generated])
    largest = jnp.argmax(jax.jit(apply, static_argnums=1)(params, config, whole), axis=1)
    assert generated.tolist() == largest[len(prompt) - 1 : -1].tolist()
    assert generated.dtype == prompt.dtype


@KINDS
def test_reading_in_pieces_is_reading_at_once(config):
    config = replace(config, layers=1)
    params = decoder(config)

    def in_pieces(params):
        cache = empty_cache(config, 10, jnp.float64)
        for piece in (TOKENS[:3], TOKENS[3:4], TOKENS[4:]):
            logits, cache = read_tokens(params, config, cache, piece)
        return logits

    agree(in_pieces, lambda p: apply(p, config, TOKENS)[-1], params)


@KINDS
def test_after_the_stop_only_the_stop_follows(config):
    params = decoder(config)
    free = generate(params, config, TOKENS[:2], 8).tolist()
    stop = int(free[3])
    first = free.index(stop)
    stopped = generate(params, config, TOKENS[:2], 8, stop=stop).tolist()
    assert stopped == free[: first + 1] + [stop] * (7 - first)


@KINDS
@pytest.mark.parametrize("control", ["rates", "contributions"])
def test_what_is_generated_under_rates_belongs_to_the_query(config, control):
    params = decoder(config)
    gates: dict[str, Any] = {control: BY_HEAD}
    generated = generate(params, config, TOKENS, 6, segments=SEGMENTS, **gates)
    whole = jnp.concatenate([TOKENS, generated])
    continued = jnp.concatenate([SEGMENTS, jnp.full(6, 2)])
    logits = jax.jit(apply, static_argnums=1)(params, config, whole, segments=continued, **gates)
    assert generated.tolist() == jnp.argmax(logits, axis=1)[len(TOKENS) - 1 : -1].tolist()


@pytest.mark.parametrize(
    "config",
    [replace(TINY, window=4, attention_soft_cap=2.0), replace(TINY, attention="linear")],
    ids=lambda c: c.attention,
)
def test_reading_in_pieces_under_rates_and_gates_is_reading_at_once(config):
    """The first piece ends within a demonstration."""
    params, contributions = decoder(config), jnp.asarray([0.5, -1.0])
    gates = gate_demonstrations(config, len(TOKENS), SEGMENTS, BY_HEAD, contributions)
    assert gates is not None

    def in_pieces(params):
        cache = empty_cache(config, 10, jnp.float64, keys=True)
        for piece in (TOKENS[:3], TOKENS[3:4], TOKENS[4:]):
            logits, cache = read_tokens(params, config, cache, piece, gates.followed_by(2))
        return logits

    def at_once(params):
        return apply(params, config, TOKENS, rates=BY_HEAD, contributions=contributions, segments=SEGMENTS)[-1]

    agree(in_pieces, at_once, params)


def test_a_rate_of_zero_is_the_cached_prompt_without_the_demonstration():
    """The others keep their positions; the bound tells both from the whole prompt."""
    params, kept = decoder(TINY), np.asarray([0, 1, 5, 6, 7])
    tokens = np.asarray(TOKENS)

    def left_out(p):
        cache = empty_cache(TINY, len(TOKENS), jnp.float64)
        gates = DemonstrationGates(SEGMENTS, jnp.asarray([1.0, 0.0]))
        _, cache = read_tokens(p, TINY, cache, TOKENS[:6], gates)
        return read_tokens(p, TINY, cache, TOKENS[6:], gates)[0]

    agree(left_out, lambda p: on_tokens(p, TINY, tokens, kept, kept)[-1], params)
    whole = jax.jit(apply, static_argnums=1)(params, TINY, TOKENS)[-1]
    assert (jnp.abs(whole - jax.jit(left_out)(params)) > running_error(left_out, params).error).all()


def test_a_cache_that_does_not_fit_the_rates_is_refused():
    linear, gates = replace(TINY, attention="linear"), DemonstrationGates(SEGMENTS, jnp.ones(2))
    with pytest.raises(ValueError, match=r"empty_cache\(\.\.\., keys=True\)"):
        read_tokens(decoder(linear), linear, empty_cache(linear, 8, float), TOKENS, gates)
    with pytest.raises(ValueError, match="room for 9 tokens, but segments were given for 8"):
        read_tokens(decoder(TINY), TINY, empty_cache(TINY, 9, float), TOKENS, gates)
    with pytest.raises(ValueError, match="give the segment of each token"):
        generate(decoder(TINY), TINY, TOKENS, 2, rates=jnp.ones(2))


@pytest.mark.parametrize(
    ("prompt", "steps", "message"),
    [
        (TOKENS[:0], 3, "the prompt is empty"),
        (TOKENS, 9, "8 tokens and 9 steps make 17 tokens: .* holds 16; .* at most 8 tokens"),
        (TOKENS, 0, "steps must be at least 1, got 0"),
        (jnp.zeros(17, int), 1, "17 tokens are too many"),
    ],
)
def test_what_cannot_be_generated_is_refused(prompt, steps, message):
    with pytest.raises(ValueError, match=message):
        generate(decoder(TINY), TINY, prompt, steps)
