"""Each family's config.json as transformers 4 and 5 write it, its names of tensors, and what it is refused."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from lrgd_jax.decoder import GATES, load_directory
from lrgd_jax.decoder.config import CHOICES
from lrgd_jax.decoder.families import FAMILIES, family_of
from lrgd_jax.decoder.families.stablelm import FAMILY as STABLELM
from lrgd_jax.decoder.feed_forward import ACTIVATIONS

SIZES = {
    "hidden_size": 8,
    "intermediate_size": 6,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 13,
    "max_position_embeddings": 16,
}
GPT2 = {"n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16, "vocab_size": 13}
# of which a quarter of a head is still a pair, and the heads are not grouped
NEOX = {key: value for key, value in SIZES.items() if key != "num_key_value_heads"} | {"hidden_size": 16}
YARN = {"rope_type": "yarn", "factor": 2.0, "truncate": False, "original_max_position_embeddings": 8}
OSS = SIZES | {"num_local_experts": 4, "rope_scaling": YARN}
OWN = {"gpt2": GPT2, "gpt_neox": NEOX, "gpt_oss": OSS, "stablelm": SIZES | {"hidden_size": 16}}
LINEAR = {"rope_type": "linear", "factor": 8.0}
LOCAL, WHOLE = "sliding_attention", "full_attention"


def read(model_type, **keys):
    described = {"model_type": model_type, **OWN.get(model_type, SIZES), **keys}
    return family_of(described).decoder_config(described)


def fields(config, *names):
    return tuple(getattr(config, name) for name in names)


def test_activations_are_known_everywhere():
    assert set(CHOICES["activation"]) == set(ACTIVATIONS) == set(GATES)


def test_mistral():
    assert read("mistral").window == 4096
    assert read("mistral", sliding_window=None).window is None
    assert read("mistral", sliding_window=5, head_dim=16).of_layer(3).window == 5
    assert read("mistral", head_dim=16).head_width == 16


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_qwen(family):
    unused = read(family, sliding_window=3, max_window_layers=1)
    assert fields(unused, "window", "local_layers") == (None, None)
    late = read(family, use_sliding_window=True, sliding_window=3, max_window_layers=3)
    assert [late.of_layer(i).window for i in range(4)] == [None, None, None, 3]
    named = read(family, use_sliding_window=True, sliding_window=3, layer_types=[LOCAL, WHOLE, LOCAL, WHOLE])
    assert named.local_layers == (True, False, True, False)
    biases = {"qwen2": (True, False, False), "qwen3": (False, None, True)}
    assert fields(unused, "attention_bias", "output_bias", "query_key_norm") == biases[family]


def test_gemma2():
    config = read("gemma2", sliding_window=3, query_pre_attn_scalar=16, hidden_act="gelu")
    assert fields(config, "attention_soft_cap", "logit_soft_cap", "attention_scale") == (50, 30, 0.25)
    assert [config.of_layer(i).window for i in range(4)] == [3, None, 3, None]
    assert fields(config, "activation", "tied_head", "head_width") == ("gelu_tanh", True, 256)
    assert config.embedding_scale == 8**0.5


@pytest.mark.parametrize(
    "written",
    [
        {"rope_theta": 1e6, "rope_local_base_freq": 1e4, "rope_scaling": LINEAR, "sliding_window_pattern": 3},
        {
            "rope_parameters": {
                WHOLE: {**LINEAR, "rope_theta": 1e6},
                LOCAL: {"rope_type": "default", "rope_theta": 1e4},
            },
            "layer_types": [LOCAL, LOCAL, WHOLE, LOCAL],
        },
    ],
    ids=["4", "5"],
)
def test_gemma3_has_two_bases(written):
    config = read("gemma3_text", sliding_window=3, **written)
    kinds = [fields(config.of_layer(i), "window", "rope_theta", "rope_factor") for i in range(4)]
    local = (3, 1e4, 1)
    assert kinds == [local, local, (None, 1e6, 8), local]
    assert config.attention_soft_cap is None


def test_gpt_neox():
    old = read("gpt_neox", num_attention_heads=1, rotary_pct=0.25, rotary_emb_base=500)
    new = read("gpt_neox", num_attention_heads=1, rope_parameters={"rope_theta": 500, "partial_rotary_factor": 0.25})
    assert old == new
    assert fields(old, "rotary_width", "rope_theta", "parallel_residual", "kv_heads") == (4, 500, True, 1)


def test_granite():
    plain = read("granite")
    assert fields(plain, "embedding_scale", "residual_multiplier", "attention_scale", "logit_divisor") == (1, 1, 1, 1)
    written = {"embedding_multiplier": 12, "residual_multiplier": 0.22, "attention_multiplier": 0.5}
    scaled = read("granite", **written, logits_scaling=8)
    assert fields(scaled, "embedding_scale", "residual_multiplier", "attention_scale", "logit_divisor") == (
        *written.values(),
        8,
    )


def test_olmo():
    new, old = read("olmo3", rope_theta=500.0, sliding_window=3), read("olmo2", rope_theta=500.0)
    assert fields(old, "pre_norms", "post_norms", "query_key_norm_over") == (False, True, "heads")
    assert [new.of_layer(i).window for i in range(4)] == [3, 3, 3, None]
    assert new.of_layer(3) == old
    stretched = read("olmo3", rope_scaling=LINEAR)
    assert [stretched.of_layer(i).rope_factor for i in range(4)] == [1, 1, 1, 8]


def test_smollm3():
    config = read("smollm3")
    assert [config.of_layer(i).positions for i in range(4)] == ["rotary", "rotary", "rotary", "none"]
    assert config.rope_theta == 2e6
    listed = read("smollm3", no_rope_layers=[0, 1, 1, 1, 0], no_rope_layer_interval=2)
    assert listed.rotated_layers == (False, True, True, True)
    assert read("smollm3", no_rope_layers=[1] * 4).rotated_layers is None
    local = read("smollm3", use_sliding_window=True, sliding_window=3)
    assert [local.of_layer(i).window for i in range(4)] == [None, None, None, 3]


def test_gemma():
    config = read("gemma", hidden_act="gelu", hidden_activation="gelu_pytorch_tanh")
    assert fields(config, "activation", "tied_head", "head_width") == ("gelu_tanh", True, 256)
    assert config == read("gemma", hidden_activation=None) == read("gemma")


def test_stablelm():
    assert fields(read("stablelm"), "rotary_width", "norm", "gated", "output_bias") == (2, "layer", True, False)
    normed = read("stablelm", qk_layernorm=True, use_qkv_bias=True, use_parallel_residual=True)
    assert fields(normed, "query_key_norm", "attention_bias", "parallel_residual") == (True, True, True)


def test_mixtral():
    config = read("mixtral", router_jitter_noise=0.5)
    assert fields(config, "experts", "experts_per_token", "window", "rope_theta") == (8, 2, None, 1e6)


def test_gpt_oss():
    config = read("gpt_oss", sliding_window=3, num_experts_per_tok=4, experts_per_token=4)
    assert fields(config, "attention_sinks", "attention_bias", "mlp_bias", "experts") == (True, True, True, 4)
    assert fields(config, "attention_scale", "swiglu_limit", "activation") == (0.125, 7, "quick_gelu")
    assert [config.of_layer(i).window for i in range(4)] == [3, None, 3, None]


def test_phi3_and_ministral():
    half = read("phi3", rope_scaling=None, partial_rotary_factor=0.5, sliding_window=3)
    assert fields(half, "rotary_width", "window", "local_layers") == (2, 3, None)
    assert read("phi3").window is None
    assert read("ministral").of_layer(3).window == 4096
    assert read("ministral", sliding_window=3, layer_types=[WHOLE, LOCAL, LOCAL, WHOLE]).of_layer(3).window is None
    assert read("ministral", sliding_window=3, layer_types=[WHOLE] * 4) == read("ministral", sliding_window=None)


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_gpt2_with_and_without_prefix_and_buffers(tmp_path, prefix):
    described = {"architectures": ["GPT2LMHeadModel"], **GPT2}
    family = family_of(described)
    rng = np.random.default_rng(0)
    shapes = family.tensor_shapes(family.decoder_config(described))
    tensors = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    stored = {prefix + name: tensor for name, tensor in tensors.items()}
    stored[prefix + "h.0.attn.bias"] = np.ones((1, 1, 16, 16), np.float32)
    (tmp_path / "config.json").write_text(json.dumps(described))
    save_file(stored, tmp_path / "model.safetensors")
    params = load_directory(tmp_path).params
    fused = tensors["h.1.attn.c_attn.weight"]
    # the second third are the keys, the second half of it the second head's
    assert (np.asarray(params.layers[1].heads.key[1]) == fused[:, 12:16]).all()
    save_file(
        {**stored, "wte.weight": tensors["wte.weight"], "transformer.wte.weight": tensors["wte.weight"]},
        tmp_path / "model.safetensors",
    )
    with pytest.raises(ValueError, match=r"tensor wte\.weight is there twice"):
        load_directory(tmp_path)


@pytest.mark.parametrize(
    ("family", "keys", "message"),
    [
        ("mistral", {"hidden_act": "gelu"}, "hidden_act is 'gelu'; supported: silu"),
        (
            "qwen2",
            {"use_sliding_window": True, "layer_types": [WHOLE]},
            "layer_types: expected one of .* for each of 4 layers",
        ),
        ("qwen3", {"rope_scaling": {"rope_type": "su", "factor": 4.0}}, 'rope_type is "su"'),
        ("qwen3", {"rope_scaling": {"rope_type": "linear"}}, "rope_scaling.factor is missing"),
        ("gemma2", {"use_bidirectional_attention": True}, "attention to later tokens is not computed"),
        ("gemma2", {"hidden_activation": "tanh"}, "hidden_activation is 'tanh'"),
        ("gemma3_text", {"rope_parameters": {"rope_theta": 1e4}}, 'must have "full_attention" and "sliding_attention"'),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "a scale by layer is not computed"),
        ("gpt2", {"n_head": 3}, "n_embd 8 is no multiple of n_head 3"),
        ("gpt2", {"n_embd": None}, "n_embd: expected a positive whole number, got null"),
        ("gpt_neox", {"num_attention_heads": 3}, "no multiple of num_attention_heads"),
        ("gpt_neox", {"rotary_pct": 0.4}, "rotary_width"),
        ("gpt_oss", {"rope_scaling": None}, "rope_scaling is missing: a GPT-OSS has YaRN"),
        ("gpt_oss", {"swiglu_alpha": 1.5}, "swiglu_alpha is 1.5; computed is 1.702"),
        ("gpt_oss", {"experts_per_token": 2}, "num_experts_per_tok is 4, experts_per_token 2"),
        ("gpt_oss", {"quantization_config": {"quant_method": "gptq"}}, 'is of "gptq"; supported'),
        ("granite", {"residual_multiplier": 0}, "residual_multiplier: expected a positive number, got 0"),
        ("smollm3", {"no_rope_layers": [1, 0]}, "no_rope_layers: expected 1 .* or 0 for each of 4 layers"),
        ("smollm3", {"no_rope_layers": [1, 0, 2, 1]}, "no_rope_layers: expected 1"),
        ("smollm3", {"layer_types": [LOCAL] * 4, "sliding_window": 3}, "use_sliding_window is not set"),
        ("gemma", {"hidden_act": "relu", "hidden_activation": "gelu"}, "name different functions"),
        ("gemma", {"use_bidirectional_attention": True}, "attention to later tokens is not computed"),
        ("stablelm", {"num_attention_heads": 3, "num_key_value_heads": 3}, "no multiple of num_attention_heads"),
        ("phi3", {"rope_scaling": {"type": "su"}}, "has the type 'su', but a Phi-3 has"),
        ("phi3", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "rope_parameters has the type 'yarn'"),
        ("phi3", {"mlp_bias": True}, "a bias is not computed here"),
        ("ministral", {"layer_types": [LOCAL] * 4, "sliding_window": None}, "sliding_window is not set"),
        ("mixtral", {"num_local_experts": 1}, "a token passes 2 of 1 experts"),
        ("olmo3", {"layer_types": [LOCAL], "sliding_window": 3}, "for each of 4 layers"),
    ],
)
def test_what_is_not_computed_is_refused(family, keys, message):
    with pytest.raises(ValueError, match=message):
        read(family, **keys)


CASES = {family.name: (family, {}) for family in FAMILIES}
CASES["stablelm, normed heads"] = (STABLELM, {"qk_layernorm": True, "use_qkv_bias": True})


@pytest.mark.parametrize(("family", "keys"), CASES.values(), ids=CASES)
def test_a_familys_tensors_fill_its_decoder(family, keys):
    """Every number that is stored is somewhere in the weights, once."""
    config = read(family.model_types[0], **keys)
    numbers = iter(range(10**6))
    tensors = {
        name: np.array([next(numbers) for _ in range(int(np.prod(shape)))], np.float64).reshape(shape)
        for name, shape in family.tensor_shapes(config).items()
    }
    arrays = {name: jnp.asarray(x) for name, x in tensors.items()}
    params = family.assemble(config, arrays)
    assert not arrays  # or they would be kept beside the weights
    leaves = np.sort(np.concatenate([np.ravel(x) for x in jax.tree.leaves(params)]))
    if not family.name.startswith("gemma"):  # whose gains are stored less one
        assert (leaves == np.arange(len(leaves))).all()
    assert len(leaves) == next(numbers)
