"""Stretched frequencies and sharpened attention against transformers, and which of two contradictory keys it reads."""

import json
import math

import numpy as np
import pytest

from lrgd_jax.decoder import load_directory
from lrgd_jax.positions import rotary_frequencies

from .helpers import within
from .test_families_parity import SIZES, TOKENS, random_model, same_logits, same_tokens, torch, transformers

pytestmark = pytest.mark.parity

WIDE = SIZES | {"hidden_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1}
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 16}
STRETCHES = {
    "yarn": YARN,
    "yarn, all stated": YARN | {"beta_fast": 8.0, "beta_slow": 2.0, "attention_factor": 0.75, "truncate": False},
    "yarn, two weights": YARN | {"mscale": 2.0, "mscale_all_dim": 0.5},
    "dynamic": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0},
}
LONG = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "short_factor": [1.0, 1.25, 1.5, 2.0],
    "long_factor": [1.5, 4.0, 16.0, 32.0],
    "partial_rotary_factor": 0.5,
}


@pytest.mark.parametrize("stretch", STRETCHES.values(), ids=STRETCHES)
def test_logits_are_those_of_transformers(tmp_path, stretch):
    model = random_model("Qwen2", WIDE | {"rope_parameters": stretch})
    model.save_pretrained(tmp_path)
    own = model.model.rotary_emb.inv_freq.numpy().copy()
    config = load_directory(tmp_path).config
    ours = rotary_frequencies(config.head_width, config.rope_theta, config.rope_scaling)
    # as in test_llama_parity; the stretch adds six operations, and three to the share, which weighs `factor` times more
    roundoffs = math.log(config.rope_theta) + 4 + 6 + 3 * stretch["factor"]
    within(ours, own, roundoffs * np.finfo(np.float32).eps / 2 * ours)
    same_logits(tmp_path, model)


@pytest.mark.parametrize("read", [8, 9, 12], ids=["below", "just beyond", "beyond"])
def test_longrope_below_and_above_the_first_context(tmp_path, read):
    sizes = SIZES | {"hidden_size": 64, "num_key_value_heads": 2, "rope_parameters": LONG}
    model = random_model("Phi3", sizes | {"original_max_position_embeddings": 8})
    model.save_pretrained(tmp_path)
    config, rotary = load_directory(tmp_path).config, model.model.rotary_emb
    assert config.context_length == 8
    for name, length in (("original_inv_freq", 8), ("long_inv_freq", 9)):
        scaling = config.for_length(length).rope_scaling
        frequencies = rotary_frequencies(8, config.rope_theta, scaling).astype(np.float32)
        setattr(rotary, name, torch.tensor(frequencies))
    same_logits(tmp_path, model, tokens=np.resize(TOKENS, read), share=False)


def test_a_text_that_outgrows_the_first_context(tmp_path):
    sizes = SIZES | {"hidden_size": 64, "num_key_value_heads": 2, "rope_parameters": LONG}
    model = random_model("Phi3", sizes | {"original_max_position_embeddings": 16})
    model.save_pretrained(tmp_path)
    same_tokens(tmp_path, model, 30)


def test_yarn_of_some_layers(tmp_path):
    kinds = {"full_attention": YARN, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}
    model = random_model("Olmo3", WIDE | {"rope_parameters": kinds, "sliding_window": 3, "num_hidden_layers": 4})
    model.save_pretrained(tmp_path)
    same_logits(tmp_path, model)


def test_of_two_keys_transformers_reads_rope_scaling(tmp_path):
    random_model("Qwen2", WIDE).save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    both = {
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    }
    file.write_text(json.dumps(json.loads(file.read_text()) | both))
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager").eval()
    assert load_directory(tmp_path).config.rope_factor == 8
    same_logits(tmp_path, model)
