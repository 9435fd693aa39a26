"""Checkpoints that are damaged, or say what nobody computes here: refused by `lrgd model inspect`, and so elsewhere."""

import json
import shutil

import numpy as np
import pytest
import tokenizers
from decoder.test_family_configs import OWN, SIZES
from refusals import BROKEN_JSON, DEEP, refusal
from safetensors.numpy import load_file, save_file
from support.small_llama import config, write_model

LETTERS = "abcdefgh:; \n"
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A decoder of one layer with a tokenizer of letters, and demonstrations."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "model").mkdir()
    write_model(folder / "model", vocabulary=13, context=40)
    words = {word: k for k, word in enumerate(["<unk>", *LETTERS])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    tokenizer.save(str(folder / "model" / "tokenizer.json"))
    (folder / "pairs.jsonl").write_text('{"input": "a", "output": "b"}\n')
    return folder


@pytest.fixture
def model(whole, tmp_path):
    return shutil.copytree(whole / "model", tmp_path / "model")


def inspection(folder):
    return refusal(folder.parent, "model", "inspect", folder, "--no-weights", outputs=["--json"])


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kind", BROKEN_JSON)
def test_a_file_that_is_no_object_in_json(model, file, kind):
    (model / file).write_bytes(BROKEN_JSON[kind])
    assert file in inspection(model)


@pytest.mark.parametrize("kind", [*BROKEN_JSON, "names that are no files"])
def test_a_wrong_index_of_shards(model, kind):
    (model / "model.safetensors").unlink()
    content = BROKEN_JSON.get(kind, b'{"weight_map": {"model.norm.weight": 3}}')
    (model / "model.safetensors.index.json").write_bytes(content)
    assert "model.safetensors.index.json" in inspection(model)


def header(content):
    return len(content).to_bytes(8, "little") + content


TENSORS = {
    "empty": (b"", "the header needs 8 bytes, the file has 0"),
    "of a few bytes": (b"\0" * 4, "truncated"),
    "with a header beyond its end": ((2**60).to_bytes(8, "little") + b"{}", "truncated"),
    "with a header that is nested too deeply": (header(DEEP), "not safetensors: its header"),
    "with a header that is no UTF-8": (header(b'{"\xff"'), "not safetensors: its header"),
    "with a tensor beyond its end": (
        header(json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()),
        "truncated: tensor x",
    ),
    "with tensors over each other": (
        header(json.dumps({n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in ("x", "y")}).encode())
        + bytes(16),
        "malformed safetensors",
    ),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_a_wrong_file_of_tensors(model, kind):
    content, said = TENSORS[kind]
    (model / "model.safetensors").write_bytes(content)
    assert said in inspection(model)


CONFIGS = {
    "a tie that is a text": ({"tie_word_embeddings": "false"}, "tie_word_embeddings: expected true or false"),
    "an end that is a flag": (
        {"eos_token_id": True},
        "eos_token_id: expected a whole number or a list of them",
    ),
    "an end that is a fraction": ({"eos_token_id": 2.5}, "eos_token_id: expected a whole number or a list of them"),
    "an epsilon that is a text": ({"rms_norm_eps": "1e-5"}, "rms_norm_eps: expected a positive number"),
    "an epsilon that is NaN": ({"rms_norm_eps": float("nan")}, "config.json is not JSON"),
    "no layers": ({"num_hidden_layers": 0}, "num_hidden_layers: expected a whole number from 1 to 10000, got 0"),
    "layers without end": (
        {"num_hidden_layers": 10**30},
        "num_hidden_layers: expected a whole number from 1 to 10000",
    ),
    "a width that is a list": ({"hidden_size": [4]}, "hidden_size: expected a positive whole number"),
    "names that are numbers": ({"architectures": [3]}, "architectures"),
    "an unknown architecture": ({"architectures": ["LlamaForCausalM"]}, "unknown architecture LlamaForCausalM"),
    "two stretches": (
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0}, "rope_scaling": {"type": "linear", "factor": 2.0}},
        "contradict each other in factor",
    ),
    "a stretch that is a text": ({"rope_scaling": "linear"}, "rope_scaling"),
    **{
        f"llama3 by {name}": ({"rope_scaling": {**LLAMA3, "factor": factor}}, "factor: expected a positive number, got")
        for name, factor in {"nothing": 0, "less": -8.0, "a flag": True, "a text": "8"}.items()
    },
    "an unknown key": ({"logit_glue": 0.5}, "logit_glue is 0.5: what that means"),
    "a name that would clear the screen": ({"logit_\x1b[2J": 0.5}, r"logit_\x1b[2J is 0.5"),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_wrong_setting(model, kind):
    keys, said = CONFIGS[kind]
    (model / "config.json").write_text(json.dumps(config(13, 40) | keys))
    assert said in inspection(model)


FAMILIES = {
    "mistral": (
        {"sliding_window": 3, "layer_types": ["sliding_attention", "full_attention"] * 2},
        "this is a Ministral",
    ),
    "gemma3_text": ({"attn_logit_softcapping": 50.0}, "attn_logit_softcapping is 50.0"),
    "qwen2": ({"sliding_window": 3, "layer_types": ["sliding_attention"] * 4}, "use_sliding_window is not set"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wrong_setting_of_a_family(model, family):
    keys, said = FAMILIES[family]
    (model / "config.json").write_text(json.dumps({"model_type": family, **OWN.get(family, SIZES), **keys}))
    assert said in inspection(model)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"add_bos_token": "yes"}, "add_bos_token"),
        ({"add_bos_token": True, "bos_token": "<z>"}, "bos_token"),
        ({"model_max_lengt": 3}, "model_max_lengt"),
    ],
)
def test_a_wrong_setting_of_a_tokenizer(model, settings, said):
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    assert said in inspection(model)


def lacking(tensors):
    return {name: x for name, x in tensors.items() if name != "model.norm.weight"}, "lacks tensor model.norm.weight"


def misshapen(tensors):
    return tensors | {"model.norm.weight": np.zeros(5, np.float32)}, "model.norm.weight"


def poisoned(tensors):
    return tensors | {"model.norm.weight": np.full(4, np.nan, np.float32)}, "model.norm.weight"


def whole_numbers(tensors):
    return tensors | {"model.norm.weight": np.ones(4, np.int32)}, "model.norm.weight"


def surplus(tensors):
    return tensors | {"model.glue.weight": np.ones(4, np.float32)}, "model.glue.weight"


@pytest.mark.parametrize("change", [lacking, misshapen, poisoned, whole_numbers, surplus])
def test_wrong_tensors_by_the_commands_that_read_them(model, whole, change):
    tensors, said = change(load_file(model / "model.safetensors"))
    save_file(tensors, model / "model.safetensors")
    told = ("--demonstrations", whole / "pairs.jsonl", "--query", "a")
    assert said in refusal(model.parent, "explain", "--model", model, *told, outputs=["--json", "--html"])


@pytest.mark.parametrize(
    ("path", "said"),
    [("absent", "is not a directory"), ("absent.gguf", "is not a file"), ("", ""), ("result__json", "")],
)
def test_a_checkpoint_that_is_not_there(tmp_path, path, said):
    assert said in refusal(tmp_path, "model", "inspect", tmp_path / path, outputs=["--json"])


def test_a_pickle_is_not_loaded(model):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "as pickle only" in inspection(model)


@pytest.mark.parametrize("options", [("--prompt", "a\nb"), ("--prompt-file", "pairs.jsonl")])
def test_verify_refuses_it_too(model, whole, options):
    (model / "config.json").write_text("[]")
    options = [whole / x if x.endswith("jsonl") else x for x in options]
    said = refusal(model.parent, "verify", "--model", model, *options, outputs=["--json"])
    assert "config.json: expected an object, got []" in said
