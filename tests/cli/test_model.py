"""`lrgd model inspect` says what a checkpoint is, whether it speaks, and refuses what other commands refuse."""

import json

import pytest
from decoder.helpers import LLAMA, write_llama
from test_cli import run


@pytest.fixture
def stories(shared_data):
    folder = shared_data / "stories260K"
    if not folder.is_dir():
        pytest.skip(f"no checkpoint at {folder}")
    return folder


def test_what_a_checkpoint_is_and_that_it_speaks(stories, tmp_path):
    result = run("model", "inspect", stories, "--json", tmp_path / "model.json")
    assert result.exit_code == 0, result.output
    for told in ("llama", "260,032 numbers", "47 F32", "1.0 MB in float32", "BPE, 512 tokens; a text begins with <s>"):
        assert told in result.stdout
    content = json.loads((tmp_path / "model.json").read_text())
    assert content["memory"] == {"float32": 4 * 260032, "bfloat16": 2 * 260032}
    assert content["cache_per_token"] == 2 * 5 * 4 * 8 * 4
    assert content["config"]["layers"] == 5
    assert content["unused"] == {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float32"}
    assert content["greedy"]["plausible"]
    assert content["greedy"]["loss"] < content["greedy"]["guessing"]


def test_a_model_without_tokenizer_is_not_made_to_speak(tmp_path):
    folder = write_llama(tmp_path / "model")
    (folder / "chat_template.jinja").write_text("<|im_start|>{{ role }}")
    result = run("model", "inspect", folder, "--json", tmp_path / "model.json")
    assert result.exit_code == 0, result.output
    assert "not tried: there is no tokenizer" in result.stdout
    assert "ChatML" in result.stdout
    assert json.loads((tmp_path / "model.json").read_text())["greedy"] is None


def test_the_weights_may_be_left_alone(stories):
    result = run("model", "inspect", stories, "--no-weights")
    assert result.exit_code == 0, result.output
    assert "not tried: --no-weights" in result.stdout


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"tie_word_embeddings": "false"}, "tie_word_embeddings: expected true or false"),
        ({"eos_token_id": 2.5}, "eos_token_id: expected a whole number or a list of them"),
        ({"logit_scale": 0.5}, "logit_scale is 0.5: what that means for the numbers of a llama is not known here"),
        ({"rope_scaling": {"rope_type": "linear", "factor": True}}, "rope_scaling.factor: expected a positive number"),
    ],
)
def test_a_wrong_setting_ends_the_command_in_one_sentence(tmp_path, keys, message):
    write_llama(tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text(json.dumps(LLAMA | keys))
    result = run("model", "inspect", tmp_path / "model", "--json", tmp_path / "model.json")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "model.json").exists()


def test_a_text_is_needed(stories):
    result = run("model", "inspect", stories, "--text", "")
    assert result.exit_code == 2
    assert "fewer than two tokens" in result.stderr
