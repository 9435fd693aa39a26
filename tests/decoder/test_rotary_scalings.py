"""Stretched frequencies as a config.json asks for them: what is read, what is refused, where the factor goes."""

import math

import pytest

from lrgd_jax.positions import YarnScaling

from .test_family_configs import fields, read

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8}
GAIN = 1 + 0.1 * math.log(4)
ROUNDINGS = 8
"""Of the operations that the two ways to a scale take, a logarithm counted twice; each moves it by half an ulp."""


def is_rounded(scale: float | None, expected: float) -> bool:
    """Whether a scale is what is expected, up to the rounding of both."""
    return scale is not None and abs(scale - expected) <= 2 * ROUNDINGS * math.ulp(expected) / 2


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_yarn_is_a_stretch_and_a_sharper_attention(key):
    config = read("qwen3", **{key: YARN})
    assert config.rope_scaling == YarnScaling(factor=4.0, original_max_position_embeddings=8)
    assert is_rounded(config.attention_scale, GAIN**2 / math.sqrt(128))
    assert config.rope_factor == 1


def test_what_yarn_leaves_out_is_as_transformers_has_it():
    short = read("llama", rope_scaling={"type": "yarn", "factor": 4.0})
    assert short.rope_scaling == YarnScaling(factor=4.0, original_max_position_embeddings=16)
    own = read("llama", rope_scaling=YARN, original_max_position_embeddings=4)
    assert own.rope_scaling == YarnScaling(factor=4.0, original_max_position_embeddings=4)
    whole = {"beta_fast": 16, "beta_slow": 2, "truncate": False, "attention_factor": 1.0}
    assert read("llama", rope_scaling=YARN | whole).rope_scaling == YarnScaling(4.0, 8, 16.0, 2.0, truncate=False)
    assert read("llama", rope_scaling=YARN | whole).attention_scale is None
    weighed = read("llama", rope_scaling=YARN | {"mscale": 2.0, "mscale_all_dim": 1.0})
    assert is_rounded(weighed.attention_scale, ((1 + 0.2 * math.log(4)) / GAIN) ** 2 / 2)


def test_gemmas_own_scale_is_sharpened():
    assert is_rounded(read("gemma2", query_pre_attn_scalar=16, rope_scaling=YARN).attention_scale, GAIN**2 / 4)


def test_dynamic_scaling_begins_beyond_the_context_and_no_text_is_longer():
    stretched = read("llama", rope_scaling={"type": "dynamic", "factor": 4.0})
    assert stretched == read("llama")
    assert fields(stretched, "context_length", "rope_scaling") == (16, None)


@pytest.mark.parametrize(
    ("family", "keys", "message"),
    [
        ("llama", {"rope_scaling": {"rope_type": "yarn"}}, r"rope_scaling\.factor is missing"),
        ("llama", {"rope_scaling": {"rope_type": "dynamic"}}, r"rope_scaling\.factor is missing"),
        ("llama", {"rope_scaling": {"rope_type": "dynamic", "factor": 0}}, "factor must be a positive number, got 0"),
        ("llama", {"rope_scaling": YARN | {"factor": True}}, "factor must be a positive number, got true"),
        ("llama", {"rope_scaling": YARN | {"beta_fast": 0.5}}, "needs beta_fast >= beta_slow"),
        ("llama", {"rope_scaling": YARN | {"truncate": "no"}}, "truncate must be true or false"),
        ("llama", {"rope_scaling": YARN | {"mscale": 0}}, "mscale must be a positive number"),
        ("llama", {"rope_scaling": YARN | {"attn_factor": 2.0}}, r"rope_scaling\.attn_factor is 2\.0: what that means"),
        ("llama", {"rope_scaling": YARN | {"rope_theta": 1.0}}, "needs a base above 1"),
        ("gpt_neox", {"rope_scaling": YARN}, "multiplies what is rotated, but rotary_width says that not all is"),
        ("gemma3_text", {"rope_scaling": YARN}, "multiplies what is rotated, but local_rope_theta says"),
    ],
)
def test_what_is_not_computed_is_refused(family, keys, message):
    with pytest.raises(ValueError, match=message):
        read(family, **keys)
