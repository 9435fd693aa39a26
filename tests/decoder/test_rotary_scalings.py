"""Stretched frequencies as a config.json asks for them: what is read, what is refused, where the gain goes."""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.decoder import apply, generate
from lrgd_jax.decoder.attention import rotary
from lrgd_jax.positions import LongRopeScaling, YarnScaling

from .helpers import decoder
from .test_family_configs import fields, read

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8}
GAIN = 1 + 0.1 * math.log(4)
LONG = {"rope_type": "longrope", "short_factor": [1.0, 1.5], "long_factor": [2.0, 4.0]}
FIRST = {"original_max_position_embeddings": 8}
WIDE = {"head_dim": 4}
ROUNDINGS = 8
"""Of the operations that the two ways to a scale take, a logarithm counted twice; each moves it by half an ulp."""


def is_rounded(scale: float | None, expected: float) -> bool:
    """Whether a scale is what is expected, up to the rounding of both."""
    return scale is not None and abs(scale - expected) <= 2 * ROUNDINGS * math.ulp(expected) / 2


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_yarn_is_a_stretch_and_a_gain(key):
    config = read("qwen3", **{key: YARN})
    assert config.rope_scaling == YarnScaling(factor=4.0, original_max_position_embeddings=8)
    assert is_rounded(config.rope_gain, GAIN)
    assert config.rope_factor == 1


def test_what_yarn_leaves_out_is_as_transformers_has_it():
    short = read("llama", rope_scaling={"type": "yarn", "factor": 4.0})
    assert short.rope_scaling == YarnScaling(factor=4.0, original_max_position_embeddings=16)
    own = read("llama", rope_scaling=YARN, original_max_position_embeddings=4)
    assert own.rope_scaling == YarnScaling(factor=4.0, original_max_position_embeddings=4)
    whole = {"beta_fast": 16, "beta_slow": 2, "truncate": False, "attention_factor": 1.0}
    assert read("llama", rope_scaling=YARN | whole).rope_scaling == YarnScaling(4.0, 8, 16.0, 2.0, truncate=False)
    assert read("llama", rope_scaling=YARN | whole).rope_gain == 1
    weighed = read("llama", rope_scaling=YARN | {"mscale": 2.0, "mscale_all_dim": 1.0})
    assert is_rounded(weighed.rope_gain, (1 + 0.2 * math.log(4)) / GAIN)


@pytest.mark.parametrize("family", ["gemma3_text", "olmo3"])
def test_layers_with_a_base_of_their_own_have_no_gain(family):
    config = read(family, rope_scaling=YARN, layer_types=["sliding_attention", "full_attention"] * 2)
    local, whole = (fields(config.of_layer(i), "rope_scaling", "rope_gain") for i in range(2))
    assert local == (None, 1)
    assert is_rounded(whole[1], GAIN)


def test_part_of_a_head_has_the_gain_where_it_is_rotated():
    config = read("gpt_neox", rope_scaling=YARN, rotary_pct=0.5)
    heads = jnp.ones((2, 3, config.head_width))
    assert (rotary(heads, config, jnp.arange(3))[..., config.rotary_width :] == 1).all()
    assert (rotary(heads, config, jnp.zeros(3, int))[..., : config.rotary_width] == config.rope_gain).all()


def test_longrope_divides_each_frequency_and_differs_beyond_the_first_context():
    config = read("phi3", rope_scaling=LONG, original_max_position_embeddings=8)
    assert fields(config, "context_length", "rope_scaling") == (8, LongRopeScaling((1.0, 1.5)))
    assert fields(config.for_length(9), "context_length", "rope_scaling") == (16, LongRopeScaling((2.0, 4.0)))
    assert config.for_length(8) is config
    assert is_rounded(config.rope_gain, math.sqrt(1 + math.log(2) / math.log(8)))
    assert read("phi3", rope_scaling=LONG | {"attention_factor": 1.5}, **FIRST).rope_gain == 1.5
    assert is_rounded(read("qwen3", **WIDE, rope_scaling=LONG | {"factor": 8}, **FIRST).rope_gain, math.sqrt(2))
    whole = read("phi3", rope_scaling=LONG, original_max_position_embeddings=16)
    assert fields(whole, "context_length", "rope_gain", "beyond") == (16, 1, None)


def test_a_text_that_outgrows_the_first_context_goes_on_as_a_longer_one():
    config = read("phi3", rope_scaling=LONG, **FIRST, num_hidden_layers=1)
    params, tokens = decoder(config), jnp.asarray([1, 5, 3, 3, 7])
    written = generate(params, config, tokens, 8)
    short = generate(params, replace(config, beyond=None), tokens, 3)
    # with eight tokens read the context is full; from the ninth on, all of them are read with the other frequencies
    assert written[:3].tolist() == short.tolist()
    text = jnp.concatenate([tokens, written])
    assert (
        jnp.argmax(jax.jit(apply, static_argnums=1)(params, config, text[:12]), axis=1)[8:].tolist()
        == written[4:].tolist()
    )
    stop = int(written[1])
    assert generate(params, config, tokens, 8, stop=stop)[2:].tolist() == [stop] * 6
    with pytest.raises(ValueError, match=r"the model's context holds 16; .* at most 11 tokens"):
        generate(params, config, tokens, 12)


def test_dynamic_scaling_begins_beyond_the_context_and_no_text_is_longer():
    stretched = read("llama", rope_scaling={"type": "dynamic", "factor": 4.0})
    assert stretched == read("llama")
    assert fields(stretched, "context_length", "rope_scaling") == (16, None)


@pytest.mark.parametrize(
    ("family", "keys", "message"),
    [
        ("llama", {"rope_scaling": {"rope_type": "yarn"}}, r"rope_scaling\.factor is missing"),
        ("llama", {"rope_scaling": {"rope_type": "dynamic"}}, r"rope_scaling\.factor is missing"),
        ("llama", {"rope_scaling": {"rope_type": "dynamic", "factor": 0}}, "factor: expected a positive number, got 0"),
        ("llama", {"rope_scaling": YARN | {"factor": True}}, "factor: expected a positive number, got true"),
        ("llama", {"rope_scaling": YARN | {"beta_fast": 0.5}}, "needs beta_fast >= beta_slow"),
        ("llama", {"rope_scaling": YARN | {"truncate": "no"}}, "truncate: expected true or false"),
        ("llama", {"rope_scaling": YARN | {"mscale": 0}}, "mscale: expected a positive number"),
        ("llama", {"rope_scaling": YARN | {"attn_factor": 2.0}}, r"rope_scaling\.attn_factor is 2\.0: what that means"),
        ("llama", {"rope_scaling": YARN | {"rope_theta": 1.0}}, "needs a base above 1"),
        ("phi3", {"rope_scaling": LONG}, "original_max_position_embeddings is missing"),
        ("phi3", {"rope_scaling": LONG | {"short_factor": [1.0]}, **FIRST}, "for each of the 2 rotated pairs, got 1"),
        (
            "phi3",
            {"rope_scaling": LONG | {"long_factor": [1.0, 0]}, **FIRST},
            "long_factor: expected a list of positive",
        ),
        ("phi3", {"rope_scaling": LONG | {"long_factor": 2.0}, **FIRST}, "long_factor: expected a list of finite"),
        ("phi3", {"rope_scaling": LONG | {"short_mscale": 1.2}, **FIRST}, "short_mscale is 1.2: what that means"),
        ("qwen3", {"rope_scaling": LONG | {"long_factor": None}, **FIRST}, "long_factor: expected a list"),
    ],
)
def test_what_is_not_computed_is_refused(family, keys, message):
    with pytest.raises(ValueError, match=message):
        read(family, **keys)
