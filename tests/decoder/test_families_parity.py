"""Every family but Llama against transformers, on tiny random models; Llama has a file of its own."""

import copy
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import apply, generate, load_directory
from lrgd_jax.decoder.mxfp4 import unpack
from lrgd_jax.positions import rotary_frequencies

from .helpers import within

torch = pytest.importorskip("torch", reason="parity with transformers needs torch; install the parity extra")
transformers = pytest.importorskip("transformers", reason="install the parity extra")

pytestmark = pytest.mark.parity

SIZES = {
    "vocab_size": 31,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
    "attn_implementation": "eager",
}
GROUPED = SIZES | {"num_key_value_heads": 2, "head_dim": 4}
GPT2 = {
    "vocab_size": 31,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 64,
    "attn_implementation": "eager",
} | {name: SIZES[name] for name in ("bos_token_id", "eos_token_id")}
LOCAL = {"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1}
LINEAR = {
    "full_attention": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 8.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 1e4,
    "factor": 4.0,
    "truncate": False,
    "original_max_position_embeddings": 16,
}
FAMILIES = {
    "Mistral": (
        GROUPED,
        {
            "window": {"sliding_window": 3},
            "no window": {"sliding_window": None},
            "tied, wide heads": {"tie_word_embeddings": True, "head_dim": 8, "sliding_window": 5},
        },
    ),
    "Qwen2": (
        SIZES | {"num_key_value_heads": 2},
        {
            "biases": {},
            "tied, multi-query": {"tie_word_embeddings": True, "num_key_value_heads": 1},
            "last layer local": LOCAL,
        },
    ),
    "Qwen3": (
        GROUPED,
        {"normed heads": {}, "wide heads, biases": {"head_dim": 8, "attention_bias": True}, "local": LOCAL},
    ),
    "Gemma2": (
        GROUPED | {"query_pre_attn_scalar": 7, "sliding_window": 3},
        {
            "tight caps": {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0},
            "usual caps": {},
            "no caps": {"attn_logit_softcapping": None, "final_logit_softcapping": None},
        },
    ),
    "Gemma3": (
        GROUPED
        | {"query_pre_attn_scalar": 7, "sliding_window": 3, "layer_types": ["sliding_attention", "full_attention"]},
        {"two bases": {}, "linear": {"rope_parameters": LINEAR}, "caps": {"final_logit_softcapping": 3.0}},
    ),
    "GPT2": (
        GPT2,
        {
            "usual": {},
            "unscaled, narrow": {"scale_attn_weights": False, "n_inner": 12},
            "own head, relu": {"tie_word_embeddings": False, "activation_function": "relu"},
        },
    ),
    "GPTNeoX": (
        SIZES | {"hidden_size": 32},
        {
            "parallel": {},
            "in turn": {"use_parallel_residual": False, "hidden_act": "gelu_new"},
            "half rotated, no biases": {"attention_bias": False, "rotary_pct": 0.5, "tie_word_embeddings": True},
        },
    ),
    "GptOss": (
        GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 3, "rope_parameters": YARN},
        {
            "first local": {},
            "tight limit, one expert": {"swiglu_limit": 0.5, "num_experts_per_tok": 1},
            "whole layer first, tied": {
                "layer_types": ["full_attention", "sliding_attention"],
                "tie_word_embeddings": True,
                "attention_bias": False,
            },
        },
    ),
    "Granite": (
        GROUPED | {"attention_multiplier": 0.3, "residual_multiplier": 0.22, "logits_scaling": 3.0},
        {
            "multipliers": {"embedding_multiplier": 12.0},
            "biases, tied": {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True},
            "without multipliers": {"attention_multiplier": 1.0, "residual_multiplier": 1.0, "logits_scaling": 1.0},
        },
    ),
    "Olmo2": (
        SIZES | {"num_key_value_heads": 2},
        {
            "grouped": {},
            "tied, biases": {"tie_word_embeddings": True, "attention_bias": True, "num_key_value_heads": 4},
            "linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 500.0, "factor": 4.0}},
        },
    ),
    "Olmo3": (
        SIZES | {"num_key_value_heads": 2, "sliding_window": 3},
        {
            "all but the fourth local": {"num_hidden_layers": 4},
            "whole layer first": {"layer_types": ["full_attention", "sliding_attention"]},
            "linear": {"rope_parameters": LINEAR, "layer_types": ["sliding_attention", "full_attention"]},
        },
    ),
    "SmolLM3": (
        SIZES | {"num_key_value_heads": 2},
        {
            "every second without positions": {"no_rope_layer_interval": 2},
            "listed, own head": {"no_rope_layers": [0, 1], "tie_word_embeddings": False},
            "local without positions": {"no_rope_layers": [1, 0], "use_sliding_window": True, "sliding_window": 3},
        },
    ),
    "Gemma": (
        GROUPED,
        {
            "usual": {},
            "own head, wide heads": {"tie_word_embeddings": False, "head_dim": 8},
            "called gelu, multi-query": {"hidden_act": "gelu", "num_key_value_heads": 1},
        },
    ),
    "StableLm": (
        SIZES | {"hidden_size": 32, "num_key_value_heads": 2},
        {
            "a quarter rotated": {},
            "biases, parallel, tied": {
                "use_qkv_bias": True,
                "use_parallel_residual": True,
                "tie_word_embeddings": True,
            },
            "normed heads, half rotated": {
                "qk_layernorm": True,
                "rope_parameters": {"rope_theta": 500.0, "partial_rotary_factor": 0.5, "rope_type": "default"},
            },
        },
    ),
    "Phi3": (
        SIZES | {"num_key_value_heads": 2},
        {
            "fused": {},
            "window, tied": {"sliding_window": 3, "tie_word_embeddings": True},
            "half rotated": {
                "num_key_value_heads": 4,
                "rope_parameters": {"rope_theta": 500.0, "partial_rotary_factor": 0.5, "rope_type": "default"},
            },
        },
    ),
    "Mixtral": (
        GROUPED | {"num_local_experts": 4},
        {
            "two of four": {},
            "one of three, window": {"num_experts_per_tok": 1, "num_local_experts": 3, "sliding_window": 3},
            "all, tied": {"num_experts_per_tok": 4, "tie_word_embeddings": True},
        },
    ),
    "Ministral": (
        GROUPED | {"sliding_window": 3},
        {
            "every second local": {"layer_types": ["full_attention", "sliding_attention"]},
            "all local": {},
            # with "sliding_window": null transformers 5.23 makes no mask at all and raises an error
            "none local, tied": {"layer_types": ["full_attention"] * 2, "tie_word_embeddings": True},
        },
    ),
}
CASES = {
    f"{family}: {name}": (family, base | change)
    for family, (base, cases) in FAMILIES.items()
    for name, change in cases.items()
}
FIRST = {f"{family}: {next(iter(cases))}": family for family, (_, cases) in FAMILIES.items()}
TOKENS = np.array([1, 5, 3, 3, 30, 12, 0, 4, 17])


def random_model(family, options, *, stored=None):
    """A model of which no weight is zero or one; `stored` rounds them to a narrower type."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}TextConfig" if family == "Gemma3" else f"{family}Config")(**options)
    kind = {"GPT2": "GPT2LMHeadModel"}.get(family, f"{family}ForCausalLM")
    model = getattr(transformers, kind)(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            gain = name.endswith("weight") and ("norm" in name or "ln_" in name)
            centre = 1.0 if gain and not family.startswith("Gemma") else 0.0
            parameter.copy_(centre + torch.randn_like(parameter) / (2 if parameter.ndim == 1 else 4))
            if stored is not None:
                parameter.copy_(parameter.to(stored).to(parameter.dtype))
    return model


def share_frequencies(model, config):
    """Gives transformers our frequencies; its own differ by their rounding (bounded in test_llama_parity)."""
    places = {"inv_freq": config}
    if config.local_rope_theta is not None:
        local = config.local_layers.index(True)
        whole = config.local_layers.index(False)
        places = {
            "sliding_attention_inv_freq": config.of_layer(local),
            "full_attention_inv_freq": config.of_layer(whole),
        }
    module = getattr(getattr(model, "model", getattr(model, "gpt_neox", None)), "rotary_emb", None)
    for name, layer in places.items():
        if module is not None:
            width = layer.head_width if layer.rotary_width is None else layer.rotary_width
            frequencies = rotary_frequencies(width, layer.rope_theta, layer.rope_scaling) / layer.rope_factor
            assert getattr(module, name).shape == frequencies.shape
            setattr(module, name, torch.tensor(frequencies.astype(np.float32)))


def same_logits(folder, model, dtype=jnp.float32, *, tokens=TOKENS, share=True):
    config, params, _ = load_directory(folder, dtype)
    if share:
        share_frequencies(model, config)

    def ours(params):
        return apply(params, config, jnp.asarray(tokens))

    with torch.no_grad():
        theirs = model(torch.tensor(tokens)[None]).logits[0].numpy()
    # the same formula in the same precision, its sums in another order: either side may be off by one bound
    tolerance = 2 * adjoint_bound(ours, params, cuts="names").worst
    within(jax.jit(ours)(params), theirs, tolerance)


@pytest.mark.parametrize(("family", "options"), CASES.values(), ids=CASES)
def test_logits_are_those_of_transformers(tmp_path, family, options):
    model = random_model(family, options)
    model.save_pretrained(tmp_path)
    same_logits(tmp_path, model)


@pytest.mark.parametrize("case", FIRST)
def test_shards_in_bfloat16_are_read(tmp_path, case):
    family, options = CASES[case]
    model = random_model(family, options, stored=torch.bfloat16)
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(tmp_path, max_shard_size="4KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    same_logits(tmp_path, model)


@pytest.mark.parametrize("case", [name for name, family in FIRST.items() if family == "GPT2"])
def test_logits_in_float64_where_transformers_computes_in_it(tmp_path, case):
    # the other families' norms and softmax are in float32 there whatever the model's type
    family, options = CASES[case]
    model = random_model(family, options).double()
    model.save_pretrained(tmp_path)
    same_logits(tmp_path, model, jnp.float64)


@pytest.mark.parametrize("case", FIRST)
def test_greedy_tokens_are_those_of_transformers(tmp_path, case):
    family, options = CASES[case]
    model = random_model(family, options)
    model.save_pretrained(tmp_path)
    same_tokens(tmp_path, model, 30)


def same_tokens(folder, model, steps):
    config, params, _ = load_directory(folder)
    prompt = torch.tensor(TOKENS)[None]
    settings = {
        "do_sample": False,
        "min_new_tokens": steps,
        "max_new_tokens": steps,
        "pad_token_id": 0,
        "eos_token_id": None,
    }
    with torch.no_grad():
        whole = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
    assert generate(params, config, jnp.asarray(TOKENS), steps).tolist() == whole[0, len(TOKENS) :].tolist()


def test_packed_experts_are_those_of_transformers():
    rng = np.random.default_rng(0)
    blocks, scales = rng.integers(0, 256, (2, 6, 3, 16), np.uint8), rng.integers(90, 160, (2, 6, 3), np.uint8)
    convert = importlib.import_module("transformers.integrations.mxfp4").convert_moe_packed_tensors
    theirs = convert(torch.tensor(blocks), torch.tensor(scales), dtype=torch.float32).numpy()
    assert (unpack(blocks, scales).reshape(2, 6, 96).swapaxes(1, 2) == theirs).all()
