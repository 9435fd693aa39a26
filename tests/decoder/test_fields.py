"""Every key of a configuration is used, known to be without effect, or refused by name."""

import pytest

from lrgd_jax.decoder.families import FAMILIES, family_of
from lrgd_jax.decoder.fields import Fields, refuse_unread
from lrgd_jax.decoder.hugging_face_keys import NEUTRAL, WITHOUT_EFFECT

from .helpers import LLAMA
from .test_family_configs import read

NESTED = {"rope_type": "linear", "factor": 2.0}
STRETCH = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}


def test_what_was_read_is_known_at_every_depth():
    fields = Fields({"a": 1, "b": {"c": 2, "d": 3}, "e": {"f": 4}, "g": None, "h": 5})
    assert fields.whole("a") == 1
    assert fields.nested("b").whole("c") == 2
    assert "h" in fields
    assert "i" not in fields
    assert not fields.nested("i")
    assert list(fields.unread()) == [("b.d", 3), ("e", {"f": 4}), ("g", None), ("h", 5)]


def test_it_cannot_be_copied_unseen():
    with pytest.raises(TypeError):
        dict(**Fields({"a": 1}))  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("value", [True, 1.5, "1", None, [1], {}, float("nan"), 10**400])
def test_a_value_of_another_type_is_shown(value):
    fields = Fields({"a": value})
    for read_one in (fields.whole, fields.number, fields.positive, fields.size, fields.flag, fields.text):
        allowed = {
            fields.whole: value == 10**400,
            fields.size: value == 10**400,
            fields.number: value == 1.5,
            fields.positive: value == 1.5,
            fields.flag: value is True,
            fields.text: value == "1",
        }
        if not allowed[read_one]:
            with pytest.raises(ValueError, match=r"^a: expected .*, got ."):
                read_one("a")


def test_null_is_a_value_only_where_it_may_be():
    fields = Fields({"a": None})
    assert fields.whole_or_none("a", 3) is None
    assert fields.number_or_none("a", 3) is None
    assert fields.whole_or_none("b", 3) == 3
    assert fields.number_or_none("b") is None
    assert fields.whole("b", 3) == 3


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("value", [True, 0.5, "x", [1], {"y": 1}])
def test_an_unknown_key_is_refused_by_name_in_every_family(family, value):
    with pytest.raises(ValueError, match=r"use_glue is .*: what that means for the numbers of a \w+ is not known"):
        read(family.model_types[0], use_glue=value)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_keys_without_effect_change_nothing(family):
    plain = read(family.model_types[0])
    noise = {name: 0.25 for name in WITHOUT_EFFECT if name not in ("architectures", "model_type")}
    assert read(family.model_types[0], **noise, use_glue=None) == plain


@pytest.mark.parametrize("key", NEUTRAL)
def test_a_switch_is_neutral_in_one_position_only(key):
    assert family_of(LLAMA).decoder_config(LLAMA | {key: NEUTRAL[key]}) == family_of(LLAMA).decoder_config(LLAMA)
    with pytest.raises(ValueError, match=key):
        family_of(LLAMA).decoder_config(
            LLAMA | {key: 0.5 if key == "partial_rotary_factor" else True if key != "pruned_heads" else {"0": [1]}}
        )


def test_a_flag_is_no_number():
    fields = Fields({"use_glue": 0})
    with pytest.raises(ValueError, match=r"use_glue is 0: .* or set it to false"):
        refuse_unread(fields, without_effect=lambda name: False, neutral={"use_glue": False}, what="a llama")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"tie_word_embeddings": "false"}, 'tie_word_embeddings: expected true or false, got "false"'),
        ({"tie_word_embeddings": 1}, "tie_word_embeddings: expected true or false, got 1"),
        ({"attention_bias": "no"}, "attention_bias: expected true or false"),
        ({"eos_token_id": True}, "eos_token_id: expected a whole number or a list of them, got true"),
        ({"eos_token_id": 2.5}, "eos_token_id: expected a whole number or a list of them, got 2.5"),
        ({"eos_token_id": [2, "3"]}, "eos_token_id: expected a whole number or"),
        ({"bos_token_id": "<s>"}, "bos_token_id: expected a whole number"),
        ({"rms_norm_eps": "1e-5"}, "rms_norm_eps: expected a positive number"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps: expected a positive number, got NaN"),
        ({"hidden_size": True}, "hidden_size: expected a positive whole number, got true"),
        ({"num_hidden_layers": 0}, "num_hidden_layers: expected a whole number from 1 to 10000, got 0"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers: expected a whole number from 1 to 10000, got 1000000000"),
        ({"sliding_window": 4}, "sliding_window is 4: what that means for the numbers of a llama"),
        ({"rope_scaling": {**STRETCH, "factor": 0}}, "rope_scaling.factor: expected a positive number, got 0"),
        ({"rope_scaling": {**STRETCH, "factor": -8.0}}, "rope_scaling.factor: expected a positive number, got -8.0"),
        (
            {"rope_scaling": {**STRETCH, "factor": float("nan")}},
            "rope_scaling.factor: expected a positive number, got NaN",
        ),
        ({"rope_scaling": {**STRETCH, "factor": True}}, "rope_scaling.factor: expected a positive number, got true"),
        ({"rope_scaling": {**STRETCH, "low_freq_factor": 0}}, "low_freq_factor: expected a positive number, got 0"),
        (
            {"rope_scaling": {**STRETCH, "original_max_position_embeddings": 8.5}},
            "expected a positive whole number, got 8.5",
        ),
        ({"rope_scaling": {**NESTED, "mscale": 2.0}}, "rope_scaling.mscale is 2.0: what that means"),
        ({"rope_scaling": {"rope_type": ["linear"]}}, "rope_scaling.rope_type: expected a text"),
        ({"rope_scaling": {"factor": 2.0}}, "rope_scaling.factor is 2.0: what that means"),
        ({"rope_parameters": {"rope_theta": 500.0}}, "rope_theta is 10000.0, but the rotary parameters have .* 500.0"),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "partial_rotary_factor is 0.5; whole heads"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor is 0.5; whole heads"),
        ({"quantization_config": {"bits": 4}}, "quantization_config is"),
        (
            {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}, "rope_scaling": NESTED},
            r"contradict each other in rope_theta \(500.0, 10000.0\)",
        ),
        (
            {"rope_parameters": {**NESTED, "factor": 4.0}, "rope_scaling": NESTED},
            r"contradict each other in factor \(4.0, 2.0\)",
        ),
        ({"rope_parameters": STRETCH, "rope_scaling": NESTED}, "contradict each other in rope_type"),
    ],
)
def test_what_would_load_with_other_numbers_is_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        family_of(LLAMA).decoder_config(LLAMA | keys)


@pytest.mark.parametrize(
    "family",
    [family for family in FAMILIES if family.name in ("llama", "mistral", "qwen2", "qwen3", "gemma2", "gpt_neox")],
    ids=lambda family: family.name,
)
def test_rope_scaling_counts_where_both_are_there(family):
    both = read(family.model_types[0], rope_parameters={"rope_type": "default", "rope_theta": 1e4}, rope_scaling=NESTED)
    assert both == read(family.model_types[0], rope_scaling=NESTED)
    assert both.rope_factor == 2


def test_mistral_is_no_ministral():
    kinds = ["sliding_attention", "full_attention"] * 2
    with pytest.raises(ValueError, match="this is a Ministral"):
        read("mistral", sliding_window=3, layer_types=kinds)
    assert read("mistral", sliding_window=3, layer_types=kinds[:1] * 4) == read("mistral", sliding_window=3)
    assert read("mistral", sliding_window=None, layer_types=kinds[1:2] * 4).window is None


def test_gemma3_has_no_caps_on_attention():
    with pytest.raises(ValueError, match=r"attn_logit_softcapping is 50\.0"):
        read("gemma3_text", attn_logit_softcapping=50.0)
    assert read("gemma3_text", attn_logit_softcapping=None).attention_soft_cap is None


def test_qwen_does_not_forget_a_window():
    with pytest.raises(ValueError, match="use_sliding_window is not set"):
        read("qwen2", sliding_window=3, layer_types=["sliding_attention"] * 4)
