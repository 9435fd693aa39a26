import json
import pickle

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from lrgd_jax.decoder import apply, load_directory
from lrgd_jax.decoder.families import FAMILIES
from lrgd_jax.outside.convert import LONGEST_PATH

from .helpers import LLAMA, TOKENS, llama_tensors, write_llama
from .test_family_configs import OWN, SIZES

TIED = LLAMA | {"tie_word_embeddings": True}
KEYS = "model.layers.1.self_attn.k_proj.weight"
EMBEDDING = "model.embed_tokens.weight"


def same(a, b):
    return all((x == y).all() for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.parametrize("config", [LLAMA, TIED, LLAMA | {"attention_bias": True, "mlp_bias": True}])
def test_every_tensor_is_in_the_weights_once(tmp_path, config):
    tensors = llama_tensors(config)
    loaded = load_directory(write_llama(tmp_path, config, tensors))
    stored = sorted(np.concatenate([x.ravel() for x in tensors.values()]).tolist())
    read = sorted(np.concatenate([np.ravel(x) for x in jax.tree.leaves(loaded.params)]).tolist())
    assert read == stored
    assert loaded.tokenizer is None
    assert jnp.isfinite(apply(loaded.params, loaded.config, TOKENS)).all()


def test_shards_are_one_checkpoint(tmp_path):
    names = sorted(llama_tensors(LLAMA))
    whole = load_directory(write_llama(tmp_path / "whole"))
    shards = load_directory(write_llama(tmp_path / "shards", shards=[names[:5], names[5:6], names[6:]]))
    assert same(whole.params, shards.params)


@pytest.mark.parametrize("stored", [np.float16, ml_dtypes.bfloat16, np.float64])
@pytest.mark.parametrize("asked", [jnp.float32, jnp.float64, jnp.bfloat16])
def test_any_floating_type_is_read(tmp_path, stored, asked):
    tensors = {name: x.astype(stored) for name, x in llama_tensors(LLAMA).items()}
    params = load_directory(write_llama(tmp_path, tensors=tensors), asked).params
    assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype(asked)}
    assert (np.asarray(params.embedding) == tensors[EMBEDDING].astype(asked)).all()


def test_known_buffers_and_an_equal_tied_head_may_be_there(tmp_path):
    tensors = llama_tensors(TIED)
    more = {
        "model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(2, np.float32),
        "model.rotary_emb.inv_freq": np.ones(2, np.float32),
        "lm_head.weight": tensors[EMBEDDING],
    }
    loaded = load_directory(write_llama(tmp_path, TIED, tensors | more))
    assert loaded.params.head is None


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_may_have_the_prefix_or_not(tmp_path, family):
    """As a model and its trunk are saved by transformers."""
    described = OWN.get(family.name, SIZES) | {"model_type": family.model_types[0]}
    shapes = family.tensor_shapes(family.decoder_config(described))
    rng = np.random.default_rng(0)
    tensors = {name.removeprefix(family.prefix): rng.normal(size=shape) for name, shape in shapes.items()}
    (tmp_path / "config.json").write_text(json.dumps(described))
    save_file(tensors, tmp_path / "model.safetensors")
    bare = load_directory(tmp_path).params
    whole = {
        name if name.startswith(("lm_head", "embed_out")) else family.prefix + name: tensors[name] for name in tensors
    }
    save_file(whole, tmp_path / "model.safetensors")
    assert same(bare, load_directory(tmp_path).params)
    save_file(tensors | whole, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=rf"is there twice, with and without '{family.prefix}'"):
        load_directory(tmp_path)


def without(name):
    return lambda tensors: {k: v for k, v in tensors.items() if k != name}


def changed(name, value):
    return lambda tensors: tensors | {name: value}


def poisoned(value):
    def change(tensors):
        tensors[KEYS][3, 5] = value
        return tensors

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without(KEYS), f"lacks tensor {KEYS}, which the config calls for"),
        (
            changed("model.layers.2.mlp.up_proj.weight", np.ones((6, 8), np.float32)),
            "surplus tensor model.layers.2.mlp.up",
        ),
        (changed("n" * 4096, np.ones(1, np.float32)), rf"surplus tensor n{{{LONGEST_PATH}}}…: the config"),
        (changed(KEYS, np.ones((8, 4), np.float32)), rf"tensor {KEYS} has shape \[8, 4\], but .* calls for \[8, 8\]"),
        (changed(KEYS, np.ones((8, 8), np.int8)), f"tensor {KEYS} is stored as I8"),
        (poisoned(np.nan), rf"tensor {KEYS} has 1 values that are not finite, the first at \[3, 5\]: nan"),
        (poisoned(-np.inf), rf"tensor {KEYS} has 1 values that are not finite, the first at \[3, 5\]: -inf"),
    ],
    ids=["missing", "surplus", "endless", "misshapen", "integers", "nan", "infinite"],
)
def test_a_wrong_tensor_is_named_with_its_file(tmp_path, change, message):
    folder = write_llama(tmp_path, tensors=change(llama_tensors(LLAMA)))
    with pytest.raises(ValueError, match=message) as error:
        load_directory(folder)
    assert "model.safetensors" in str(error.value)


def test_a_value_that_overflows_the_asked_type_is_named(tmp_path):
    tensors = llama_tensors(LLAMA) | {KEYS: np.full((8, 8), 1e38, np.float32)}
    with pytest.raises(ValueError, match=f"{KEYS} .* overflows float16"):
        load_directory(write_llama(tmp_path, tensors=tensors), jnp.float16)


def test_a_head_that_contradicts_the_tie_is_named(tmp_path):
    tensors = llama_tensors(TIED)
    tensors["lm_head.weight"] = tensors[EMBEDDING] + 1
    with pytest.raises(ValueError, match=r"lm_head\.weight differs from model\.embed_tokens\.weight"):
        load_directory(write_llama(tmp_path, TIED, tensors))


@pytest.mark.parametrize("kept", [0, 5, 100, -4], ids=["empty", "in the length", "in the header", "in the last tensor"])
def test_a_truncated_file_is_named(tmp_path, kept):
    file = write_llama(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"model\.safetensors: truncated") as error:
        load_directory(tmp_path)
    assert kept >= 0 or "tensor model.norm.weight ends at byte" in str(error.value)


def test_a_file_that_is_no_safetensors_is_named(tmp_path):
    (write_llama(tmp_path) / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"not json" + bytes(99))
    with pytest.raises(ValueError, match=r"model\.safetensors: not safetensors"):
        load_directory(tmp_path)


def test_pickles_are_never_loaded(tmp_path):
    (write_llama(tmp_path) / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(ValueError, match=r"pickle only \(pytorch_model.bin\), and a pickle is never loaded"):
        load_directory(tmp_path)


class TestShards:
    names = sorted(llama_tensors(LLAMA))

    @pytest.fixture
    def folder(self, tmp_path):
        return write_llama(tmp_path, shards=[self.names[:9], self.names[9:]])

    def test_a_shard_that_is_not_there(self, folder):
        (folder / "model-00002-of-00002.safetensors").unlink()
        with pytest.raises(FileNotFoundError, match=r"names the shard model-00002-of-00002\.safetensors, which is not"):
            load_directory(folder)

    def test_a_tensor_in_two_shards(self, folder):
        tensors = llama_tensors(LLAMA)
        save_file({name: tensors[name] for name in self.names[8:]}, folder / "model-00002-of-00002.safetensors")
        with pytest.raises(ValueError, match=f"model-00002-of-00002.safetensors holds tensor {self.names[8]}"):
            load_directory(folder)

    def test_a_tensor_that_the_index_expects(self, folder):
        tensors = llama_tensors(LLAMA)
        save_file({name: tensors[name] for name in self.names[10:]}, folder / "model-00002-of-00002.safetensors")
        with pytest.raises(ValueError, match=f"lacks tensor {self.names[9]}, which .* places there"):
            load_directory(folder)

    def test_a_shard_that_the_index_does_not_name(self, folder):
        save_file({"x": np.ones(1, np.float32)}, folder / "model-00003-of-00003.safetensors")
        with pytest.raises(ValueError, match=r"does not name: model-00003-of-00003\.safetensors"):
            load_directory(folder)

    @pytest.mark.parametrize("file", ["../model.safetensors", "/etc/passwd"])
    def test_a_file_outside_the_directory(self, folder, file):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": file}}))
        with pytest.raises(ValueError, match="is not the name of a file in"):
            load_directory(folder)

    def test_a_malformed_index(self, folder):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": ["x"]}))
        with pytest.raises(ValueError, match=r"index\.json: weight_map: expected an object, got \["):
            load_directory(folder)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a directory"):
        load_directory(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        load_directory(tmp_path)
    (write_llama(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"neither model\.safetensors nor model\.safetensors\.index\.json"):
        load_directory(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "expected an object"),
        ('{"architectures": ["GPT9"]}', "unknown architecture GPT9"),
    ],
)
def test_a_wrong_config_is_named(tmp_path, text, message):
    (write_llama(tmp_path) / "config.json").write_text(text)
    with pytest.raises(ValueError, match=rf"config\.json.* {message}"):
        load_directory(tmp_path)


def test_a_type_that_is_no_floating_one_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a floating-point type, got int32"):
        load_directory(write_llama(tmp_path), jnp.int32)


def test_float64_needs_jax_in_64_bits(tmp_path):
    write_llama(tmp_path)
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        load_directory(tmp_path, jnp.float64)
