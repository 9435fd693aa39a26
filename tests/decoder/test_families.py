from pathlib import Path

import pytest

from lrgd_jax.decoder import families
from lrgd_jax.decoder.families import FAMILIES, family_of
from lrgd_jax.decoder.families.llama import FAMILY
from lrgd_jax.positions import Llama3Scaling

from .helpers import LLAMA

SCALING = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def test_every_file_of_the_folder_is_a_family():
    files = {path.stem for path in Path(families.__path__[0]).glob("*.py")} - {"__init__"}
    assert {family.name for family in FAMILIES} == files


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_a_family_is_found_by_either_name(family):
    for name in family.architectures:
        assert family_of({"architectures": [name]}) is family
    for name in family.model_types:
        assert family_of({"model_type": name}) is family


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"architectures": ["LlamaForCasualLM"]}, "architecture LlamaForCasualLM; .* did you mean LlamaForCausalLM"),
        ({"architectures": ["LlamaForTokenClassification"], "model_type": "llama"}, "supported: .*LlamaForCausalLM"),
        ({"model_type": "lama"}, "unknown model_type lama; .* did you mean llama"),
        ({"architectures": [], "model_type": None}, 'names neither "architectures" nor "model_type"'),
        ({"architectures": [["LlamaForCausalLM"]]}, "architectures: expected a list of texts"),
        ({"architectures": {}}, "architectures: expected a list of texts"),
        ({"model_type": 3}, "model_type: expected a text, got 3"),
        ({}, 'names neither "architectures" nor "model_type"'),
    ],
)
def test_an_unknown_family_is_refused(config, message):
    with pytest.raises(ValueError, match=message):
        family_of(config)


@pytest.mark.parametrize("relative", ["Olmo", "Phi", "Gemma3n", "Qwen2Moe", "GraniteMoe", "Mistral4"])
def test_no_hint_leads_to_a_relative(relative):
    with pytest.raises(ValueError, match="unknown architecture") as raised:
        family_of({"architectures": [f"{relative}ForCausalLM"]})
    assert "did you mean" not in str(raised.value)


def test_what_is_missing_has_llamas_defaults():
    short = {k: v for k, v in LLAMA.items() if k not in ("head_dim", "num_key_value_heads", "rope_theta")}
    config = FAMILY.decoder_config(short | {"head_dim": None})
    assert (config.head_width, config.kv_heads, config.rope_theta) == (2, 4, 10000.0)
    assert config.rope_scaling is None
    assert not config.tied_head
    assert config.eos == ()


@pytest.mark.parametrize(
    "written",
    [
        {"rope_theta": 500.0, "rope_scaling": {"rope_type": "llama3", **SCALING}},
        {"rope_theta": 500.0, "rope_scaling": {"type": "llama3", **SCALING}},
        {"rope_parameters": {"rope_type": "llama3", "rope_theta": 500.0, **SCALING}},
    ],
)
def test_rotary_parameters_are_read_as_transformers_4_and_5_write_them(written):
    without = {key: value for key, value in LLAMA.items() if key != "rope_theta"}
    config = FAMILY.decoder_config(without | written | {"eos_token_id": [2, 3]})
    assert config.rope_theta == 500.0
    assert config.rope_scaling == Llama3Scaling(**SCALING)
    assert config.eos == (2, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": "8"}, 'hidden_size: expected a positive whole number, got "8"'),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"rope_scaling": {"rope_type": "su", "factor": 2.0}}, 'rope_type is "su"; supported'),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 2.0}}, "rope_scaling.low_freq_factor is missing"),
        ({"rope_scaling": {"rope_type": "llama3", **SCALING, "high_freq_factor": 1.0}}, "high_freq_factor > low"),
        ({"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}, "partial_rotary_factor is 0.5"),
        ({"rope_scaling": "llama3"}, "expected an object"),
        ({"head_dim": None, "num_attention_heads": 3}, "no multiple of num_attention_heads"),
        ({"num_key_value_heads": 3}, "cannot be divided"),
    ],
)
def test_what_the_decoder_does_not_compute_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        FAMILY.decoder_config(LLAMA | change)


def test_a_missing_size_is_named():
    with pytest.raises(ValueError, match="intermediate_size is missing"):
        FAMILY.decoder_config({k: v for k, v in LLAMA.items() if k != "intermediate_size"})
