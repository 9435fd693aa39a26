from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.decoder import apply, empty_cache, generate, read

from .helpers import TINY, TOKENS, agree, decoder

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
            logits, cache = read(params, config, cache, piece)
        return logits

    agree(in_pieces, lambda p: apply(p, config, TOKENS)[-1], params)


@KINDS
def test_after_the_stop_only_the_stop_follows(config):
    params = decoder(config)
    free = generate(params, config, TOKENS[:2], 8).tolist()
    stop = free[3]
    first = free.index(stop)
    stopped = generate(params, config, TOKENS[:2], 8, stop=stop).tolist()
    assert stopped == free[: first + 1] + [stop] * (7 - first)


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
