"""A checkpoint as a chain of duals: tiny ones written here, and the real one."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import adjoint_bound, trace
from lrgd_jax.claims import decoder_check
from lrgd_jax.claims.decoder_bound import compare_stretches, head_bounds, hidden_bound, local_errors, sum_of_losses
from lrgd_jax.claims.decoder_check import verify_decoder
from lrgd_jax.claims.decoder_prompt import split_prompt
from lrgd_jax.decoder import DecoderConfig, LoadedDecoder, dual_layer, head, hidden_states, init, layer, split_tokens
from lrgd_jax.decoder.norms import rms_norm

TINY = DecoderConfig(
    vocab_size=11, width=6, layers=2, heads=4, kv_heads=2, head_width=2, hidden_width=5, context_length=20
)
TOKENS = jnp.array([1, 5, 3, 3, 7, 10, 0, 4, 9], jnp.int32)
SEGMENTS = split_tokens(9, [(0, 3), (3, 6)])
CEILING = 1e-8
"""Of the bound on the logits of the real checkpoint: above it the check would be vacuous."""


@pytest.fixture(scope="module")
def params():
    return init(jax.random.key(0), TINY, jnp.float64)


@pytest.fixture
def loaded(params, monkeypatch):
    """Puts the tiny decoder, without a tokenizer, in the place of a directory."""
    decoder = LoadedDecoder(TINY, params, None)
    monkeypatch.setattr(decoder_check, "load_decoder", lambda directory, dtype: decoder)
    return decoder


def losses_of(params, right):
    """Local errors of the ordinary layers, and of the other way, at the ordinary states."""
    x, losses = params.embedding[TOKENS], []
    for weights in params.layers:
        ways = [trace(way, weights, x) for way in (lambda w, x: layer(w, TINY, x), right)]
        losses.append(sum_of_losses(*(local_errors(way, weights, x) for way in ways)))
        x = layer(weights, TINY, x)
    norm = trace(lambda gain, x: rms_norm(gain, x, TINY.norm_epsilon), params.final_norm, x)
    return [*losses, sum_of_losses(*[local_errors(norm, params.final_norm, x)] * 2)]


@pytest.mark.parametrize("block", [4, 9])
def test_the_bound_is_that_of_the_certifier(params, block):
    """Twice the ordinary way, at the same cuts: the certifier's bound of two such ways, but for rounding."""
    ours = hidden_bound(params, TINY, TOKENS, losses_of(params, lambda w, x: layer(w, TINY, x)), block=block)
    theirs = 2 * adjoint_bound(lambda tokens: hidden_states(params, TINY, tokens), TOKENS, cuts="names").worst
    assert (2 * ours >= theirs).all()
    assert (ours <= 2 * theirs).all()


def test_the_bound_is_causal(params):
    losses = losses_of(params, lambda w, x: dual_layer(w, TINY, x, SEGMENTS))
    whole, blocks = (hidden_bound(params, TINY, TOKENS, losses, block=block) for block in (9, 2))
    assert (blocks <= 2 * whole).all()
    assert (whole <= 2 * blocks).all()


def test_the_head_adds_its_own_rounding(params):
    hidden = hidden_states(params, TINY, TOKENS)
    bound = np.full(hidden.shape, np.finfo(np.float64).eps)
    first, second = head_bounds(params, TINY, hidden, bound)
    assert first.shape == head(params, hidden).shape
    assert (first > second).all()
    assert (second > 0).all()


def test_different_marks_do_not_add():
    marks = ["residual"], [np.zeros((2, 3))]
    with pytest.raises(ValueError, match="mark different tensors"):
        sum_of_losses(marks, (["normed"], [np.zeros((2, 3))]))


def test_a_random_decoder_is_a_chain_of_duals(loaded):
    stages = []
    verdict = verify_decoder("tiny", TOKENS.tolist(), [(0, 3), (3, 6)], progress=lambda stage, _: stages.append(stage))
    assert verdict.holds
    assert (verdict.prompt_tokens, verdict.demonstrations) == (9, 2)
    assert len(verdict.layers) == TINY.layers + 1
    assert len(verdict.greedy.tokens) == 11
    assert verdict.notes == ("200 greedy steps cut to 11: the context has room for no more",)
    assert set(stages) == set(verdict.seconds)
    assert verdict.greedy.text is None


def test_a_chain_that_errs_falls_with_layer_and_token(loaded, monkeypatch):
    def flipped(weights, config, x, segments):
        return dual_layer(weights, config, x, segments) * -1

    def wrong_chain(params, config, tokens, segments):
        return -decoder_check.apply(params, config, tokens)

    monkeypatch.setattr(decoder_check, "dual_layer", flipped)
    monkeypatch.setattr(decoder_check, "dual_chain", wrong_chain)
    verdict = verify_decoder("tiny", TOKENS.tolist(), [(0, 3)], steps=4)
    assert not verdict.holds
    assert not verdict.logits.holds
    assert [one.holds for one in verdict.layers] == [False, False, True]
    assert not verdict.greedy.identical
    assert verdict.greedy.first_difference is not None


def test_a_layer_in_bfloat16_is_bounded_between_marks_and_an_error_in_it_seen(params):
    """Rounding of a whole layer may reach what its second norm divides by; from one marked tensor to the next not."""
    tokens, segments = TOKENS[:4], SEGMENTS[:4]
    own = jax.tree.map(lambda x: x.astype("bfloat16"), (params.layers[0], params.embedding[tokens]))

    def plain(weights, x):
        return layer(weights, TINY, x)

    def dual(weights, x):
        return dual_layer(weights, TINY, x, segments)

    def altered(weights, x):
        return dual(replace(weights, heads=replace(weights.heads, output=weights.heads.output / 2)), x)

    link = decoder_check.Pair(plain, dual, own)(*own)
    assert not link.whole
    assert np.isfinite(link.comparison.tolerance)
    assert link.comparison.holds
    assert not compare_stretches((plain, altered), [trace(way, *own) for way in (plain, altered)], *own).holds


def test_no_steps_where_the_context_is_full(loaded):
    verdict = verify_decoder("tiny", [1] * 20)
    assert verdict.holds
    assert verdict.greedy.tokens == ()
    assert verdict.demonstrations == 0


@pytest.mark.parametrize(
    ("prompt", "demonstrations", "message"),
    [
        ([], None, "empty"),
        ([1] * 21, None, "context holds 20"),
        ([1, 11], None, "token 11 is outside"),
        ([1, -1], None, "token -1 is outside"),
        ([1, 2], 1, "ranges"),
        ([1, 2], [(0, 2)], "query is empty"),
        ("words", None, "token ids"),
    ],
)
def test_wrong_prompts(loaded, prompt, demonstrations, message):
    with pytest.raises(ValueError, match=message):
        split_prompt(loaded, prompt, demonstrations)


@pytest.mark.parametrize(("arguments", "message"), [({"dtype": "int8"}, "dtype"), ({"steps": -1}, "negative")])
def test_wrong_arguments(loaded, arguments, message):
    with pytest.raises(ValueError, match=message):
        verify_decoder("tiny", [1, 2], **arguments)


def test_a_real_checkpoint_on_a_short_prompt(shared_data):
    prompt = "Tim saw a red ball.\nLily saw a dog.\nThen they"
    verdict = verify_decoder(shared_data / "stories260K", prompt, steps=20)
    assert verdict.holds
    assert verdict.demonstrations == 2
    assert verdict.logits.tolerance < CEILING
    assert verdict.greedy.text


@pytest.mark.slow
def test_the_real_checkpoint_on_the_real_prompt(shared_data):
    prompt = (shared_data / "prompts" / "stories.txt").read_text().rstrip("\n")
    verdict = verify_decoder(shared_data / "stories260K", prompt)
    assert verdict.holds
    assert (verdict.demonstrations, len(verdict.greedy.tokens)) == (3, 200)
    assert verdict.logits.tolerance < CEILING
