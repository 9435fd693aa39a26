"""Rates and gates in small decoders, and what is refused."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, TOKENS, agree_deep, decoder

from lrgd_jax.decoder import DemonstrationGates, apply, split_tokens
from lrgd_jax.decoder.weighted_attention import kernel_entries, weighted_attention
from lrgd_jax.effect import PromptLoss, aumann_shapley, effect_of_demonstrations, leave_one_out, rate_gradient

SEGMENTS = jnp.asarray([0, 0, 1, 1, 1, 2, 2, 2])
ONE = jnp.ones(2)
SMALL = replace(TINY, layers=1)
LINEAR = replace(SMALL, attention="linear")
ordinary = jax.jit(apply, static_argnums=1)


def test_at_one_the_logits_are_the_ordinary_ones_with_window_scale_and_cap():
    config = replace(SMALL, window=4, attention_scale=0.25, attention_soft_cap=2.0)

    def controlled(p):
        runs = (apply(p, config, TOKENS, segments=SEGMENTS, **{x: ONE}) for x in ("rates", "contributions"))
        return jnp.stack(list(runs))

    agree_deep(controlled, lambda p: jnp.stack(2 * [apply(p, config, TOKENS)]), decoder(config))


def test_linear_attention_at_one_and_without_a_demonstration():
    """It knows no positions, so the prompt without the demonstration is simply shorter."""
    kept = jnp.asarray([0, 1, 5, 6, 7])

    def controlled(p):
        ones = apply(p, LINEAR, TOKENS, contributions=ONE, segments=SEGMENTS)
        left_out = apply(p, LINEAR, TOKENS, rates=jnp.asarray([1.0, 0.0]), segments=SEGMENTS)
        return jnp.concatenate([ones, left_out[kept]])

    def plain(p):
        return jnp.concatenate([apply(p, LINEAR, TOKENS), apply(p, LINEAR, TOKENS[kept])])

    agree_deep(controlled, plain, decoder(LINEAR))


def test_all_rates_zero_are_all_gates_zero_and_the_weights_set_the_dtype():
    params = decoder(SMALL, dtype=jnp.float32)
    zero = jnp.zeros(2, jnp.bfloat16)
    found = [ordinary(params, SMALL, TOKENS, segments=SEGMENTS, **{x: zero}) for x in ("rates", "contributions")]
    assert (found[0] == found[1]).all()
    assert found[0].dtype == jnp.float32
    assert jnp.isfinite(found[0]).all()


def test_a_demonstration_of_huge_weight_can_be_left_out():
    """Its kernel entry overflows against the others', which its removal must not notice."""
    keys = jnp.asarray([[4000.0], [1.0], [0.5]])
    values, query = jnp.asarray([[9.0], [1.0], [2.0]]), jnp.ones((1, 1))
    segments, seen = jnp.asarray([0, 1, 1]), jnp.ones((1, 3), bool)

    def output(rate):
        return weighted_attention(SMALL, query, keys, values, seen, DemonstrationGates(segments, rate[None]))[0, 0]

    entries = kernel_entries(SMALL, query, keys[1:], seen[:, 1:], seen[:, 1:])
    assert output(jnp.zeros(())) == ((entries @ values[1:]) / entries.sum())[0, 0]
    assert jnp.isfinite(jax.grad(output)(jnp.zeros(())))
    assert output(jnp.ones(())) == 9


@pytest.fixture(scope="module")
def loss():
    return PromptLoss.of(decoder(SMALL), SMALL, TOKENS, SEGMENTS, (6, 8))


def test_the_loss_is_the_mean_negative_log_likelihood_of_the_target(loss):
    def expected(p):
        likelihoods = jax.nn.log_softmax(apply(p, SMALL, TOKENS))
        return -(likelihoods[5, TOKENS[6]] + likelihoods[6, TOKENS[7]]) / 2

    agree_deep(lambda p: replace(loss, params=p)(ONE), expected, loss.params)


def test_always_seen_segments_are_no_demonstrations(loss):
    pinned = PromptLoss.of(loss.params, SMALL, TOKENS, SEGMENTS, (6, 8), always_seen=1)
    assert pinned.demonstrations == 1
    assert leave_one_out(pinned).values.tolist() == leave_one_out(loss).values[1:].tolist()


def test_wrong_prompts_are_refused_with_a_reason(unchecked, loss):
    params, long = loss.params, jnp.zeros(17, jnp.int32)

    def of(target=(6, 8), segments=SEGMENTS, tokens=TOKENS, **options):
        return PromptLoss.of(params, SMALL, tokens, segments, target, **options)

    def run(**options):
        return apply(params, SMALL, TOKENS, **options)

    refusals = {
        "target is empty": lambda: of((7, 7)),
        "must lie within the query \\(tokens 5 to 8\\)": lambda: of((4, 7)),
        "tokens 6 to 9": lambda: of((6, 9)),
        "17 tokens are too many: the model's context holds 16": lambda: of(tokens=long, segments=jnp.arange(17)),
        "overlaps demonstration 1": lambda: of(segments=split_tokens(8, [(0, 3), (2, 5)])),
        "must not decrease": lambda: of(segments=SEGMENTS[::-1]),
        "without a gap": lambda: of(segments=2 * SEGMENTS),
        "at least one demonstration": lambda: of(segments=0 * SEGMENTS),
        "of which 2 are always seen": lambda: of(always_seen=2),
        "control must be": lambda: of(control="gates"),
        "3 rates were given, but the segments run from 0 to 2": lambda: run(rates=jnp.ones(3), segments=SEGMENTS),
        "1 contributions were given": lambda: run(contributions=jnp.ones(1), segments=SEGMENTS),
        "zero or more, got \\[1.0, -1.0\\]": lambda: run(rates=jnp.asarray([1.0, -1.0]), segments=SEGMENTS),
        "a vector with one number": lambda: run(rates=jnp.ones(()), segments=SEGMENTS),
        "give the segment of each token": lambda: run(rates=ONE),
        "without rates or contributions": lambda: run(segments=SEGMENTS),
    }
    for message, call in refusals.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_attributions_run_on_a_prompt(loss):
    gates = replace(loss, control="contributions")
    effect = effect_of_demonstrations(loss)
    assert effect.zero_shot == effect_of_demonstrations(gates).zero_shot
    share = 0.0625
    scores = aumann_shapley(gates, share=share)
    assert scores.gap is not None
    assert scores.gap <= share
    assert np.isfinite(rate_gradient(loss).values).all()
