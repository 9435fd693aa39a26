"""`lrgd explain`: what it prints and writes, and one clear message for every wrong input, with nothing written."""

import json
import os
import shutil

import numpy as np
import pytest
import tokenizers
from support.small_llama import config, write_model
from typer.testing import CliRunner

from lrgd_jax.cli import app

LETTERS = "abcdefgh:; \n"
SIZES = {"vocabulary": 13, "context": 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A decoder of one layer with a tokenizer of letters, demonstrations, and a place for results."""
    folder = tmp_path_factory.mktemp("explain")
    model = folder / "model"
    model.mkdir()
    write_model(model, **SIZES)
    write_tokenizer(model, LETTERS)
    (folder / "pairs.jsonl").write_text('{"input": "a", "output": "bc"}\n{"input": "[b]", "output": "d"}\n')
    (folder / "texts.jsonl").write_text('{"text": "ab"}\n{"text": "c"}\n')
    return folder


def write_tokenizer(model, letters):
    words = {word: k for k, word in enumerate(["<unk>", *letters])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(model / "tokenizer.json"))


def run(*arguments):
    result = CliRunner().invoke(app, ["explain", *(str(x) for x in arguments)], catch_exceptions=False)
    assert "Traceback" not in result.output
    return result


def options(folder, **changes):
    given = {
        "model": folder / "model",
        "demonstrations": folder / "pairs.jsonl",
        "query": "ef",
        "target": "bc",
        "template": r"{input}:{output}\n",
        **changes,
    }
    return [x for name, value in given.items() if value is not None for x in (f"--{name.replace('_', '-')}", value)]


def refused(*arguments):
    """One message, exit code 2."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert not result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("lrgd: ")
    return lines[0]


def test_the_ranking_the_page_and_the_numbers(folder, tmp_path):
    page, numbers = tmp_path / "page.html", tmp_path / "numbers.json"
    result = run(*options(folder), "--by", "head", "--html", page, "--json", numbers)
    assert result.exit_code == 0, result.output
    content = json.loads(numbers.read_text())
    assert content["query"] == "ef:"
    assert [one["text"] for one in content["demonstrations"]] == ["a:bc\n", "[b]:d\n"]
    assert [one["token"].strip() for one in content["probabilities"]] == ["b", "c"]
    assert np.shape(content["heads"]) == (1, 2, 2)
    # the mean negative log of the probabilities that are told, which are rounded to float64 once each
    for name in ("zero_shot", "few_shot"):
        mean = -np.mean([np.log(one[name]) for one in content["probabilities"]])
        assert abs(mean - content[name]) <= 4 * np.spacing(abs(mean))
    for told in ("[b]:d", "Effect_D", "completeness gap", "layer 1, head 2", "probability of the answer's tokens"):
        assert told in result.stdout
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "By head" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.json", "page.html"]


def test_the_models_own_answer_of_texts_by_another_method(folder, tmp_path):
    numbers = tmp_path / "numbers.json"
    changed = options(folder, demonstrations=folder / "texts.jsonl", template=None, target=None, query="ab")
    result = run(*changed, "--method", "leave-one-out", "--answer-tokens", 3, "--preamble", "e", "--json", numbers)
    assert result.exit_code == 0, result.output
    content = json.loads(numbers.read_text())
    assert content["own_answer"]
    assert content["method"] == "leave-one-out"
    assert content["layers"] is None
    assert 1 <= len(content["probabilities"]) <= 3
    assert "the model's own answer" in result.stdout


@pytest.mark.slow
def test_truncation_and_padding_saved_with_a_real_tokenizer_change_no_number(shared_data, tmp_path):
    if not (shared_data / "stories260K").is_dir():
        pytest.skip("no checkpoint stories260K")
    cut, numbers = tmp_path / "cut", []
    shutil.copytree(shared_data / "stories260K", cut)
    tokenizer = tokenizers.Tokenizer.from_file(str(cut / "tokenizer.json"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(cut / "tokenizer.json"))
    (tmp_path / "texts.jsonl").write_text('{"text": "Tim saw a red ball."}\n{"text": "Lily saw a dog."}\n')
    for model in (shared_data / "stories260K", cut):
        told = {"model": model, "demonstrations": tmp_path / "texts.jsonl", "query": "Then they saw a"}
        named = [x for name, value in told.items() for x in (f"--{name}", value)]
        result = run(*named, "--target", " big red ball.", "--method", "leave-one-out", "--json", tmp_path / "out.json")
        assert result.exit_code == 0, result.output
        content = json.loads((tmp_path / "out.json").read_text())
        numbers.append({key: value for key, value in content.items() if key not in ("model", "seconds")})
    assert numbers[0] == numbers[1]
    assert len(numbers[0]["demonstrations"]) == 2


def test_one_answer_against_another_with_the_pairs(folder, tmp_path):
    page, numbers = tmp_path / "page.html", tmp_path / "numbers.json"
    shown = "--against", "d", "--interactions", "--html", page, "--json", numbers
    result = run(*options(folder, method="leave-one-out"), *shown)
    assert result.exit_code == 0, result.output
    content = json.loads(numbers.read_text())
    assert (content["answer"], content["against"], content["effect"]) == ("bc", "d", None)
    assert content["unit"].startswith("nats of the log odds")
    for name in ("zero_shot", "few_shot"):
        both = [[np.log(one[name]) for one in content[key]] for key in ("probabilities", "probabilities_against")]
        odds = np.sum(both[0]) - np.sum(both[1])
        assert abs(odds + content[name]) <= 8 * np.spacing(np.abs(np.sum(both[0]) + np.sum(both[1])))
    pairs = np.array(content["interactions"])
    assert pairs.shape == (2, 2)
    assert pairs[0, 1] == pairs[1, 0] != 0
    for told in ("against 'd'", "log odds: zero-shot", "the other answer", "1 and 2"):
        assert told in result.stdout
    for told in ("Log odds", "Pairs", "nats of the log odds"):
        assert told in page.read_text(encoding="utf-8")


def test_one_demonstration_has_no_pair(folder, tmp_path):
    file = tmp_path / "one.jsonl"
    file.write_text('{"input": "a", "output": "bc"}\n')
    assert "need 2 to 8 demonstrations; got 1" in refused(*options(folder, demonstrations=file), "--interactions")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "holds no demonstration"),
        ('{"text": "a"', "line 1 is not JSON"),
        ('{"input": "a"}', "line 1 lacks 'output'"),
        ('{"text": "a"}\n{"input": "a", "output": "b"}', "mixes two forms"),
    ],
)
def test_a_file_of_demonstrations_that_cannot_be_read(folder, tmp_path, lines, message):
    file = tmp_path / "demonstrations.jsonl"
    file.write_text(lines)
    out = tmp_path / "out.json"
    assert message in refused(*options(folder, demonstrations=file), "--json", out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"demonstrations": "nothing.jsonl"}, "no file of demonstrations nothing.jsonl"),
        ({"model": "nowhere"}, "nowhere is not a directory"),
        ({"model": "nothing.gguf"}, "nothing.gguf is not a file"),
        ({"target": ""}, "the target is empty"),
        ({"query": " "}, "the query is empty"),
        ({"against": "bc"}, "the answer 'bc' is compared with itself"),
        ({"against": " "}, "the answer against which the target is explained is empty"),
        ({"target": None, "against": "d"}, "give a target too: 'd' is the answer against which"),
        ({"against": "d", "method": "attention"}, "two answers are compared in nats, by one of aumann-shapley, "),
        ({"against": "d" * 50}, "but the model's context holds 40"),
        ({"method": "magic"}, "unknown method 'magic'; expected one of aumann-shapley"),
        ({"template": "{input} only"}, "must hold {output} once"),
        ({"template": "{output} {input}"}, "before {input}"),
        ({"answer_tokens": 0}, "--answer-tokens must be at least 1"),
        ({"query": "e" * 50}, "the prompt has 62 tokens and the target 2, but the model's context holds 40"),
        ({"query": "e" * 20, "target": None, "answer_tokens": 30}, "the model's context holds 40"),
    ],
)
def test_options_that_make_no_prompt(folder, tmp_path, changes, message):
    out = tmp_path / "out.html"
    assert message in refused(*options(folder, **changes), "--html", out)
    assert list(tmp_path.iterdir()) == []


def test_a_chat_with_a_model_that_knows_none(folder):
    assert "no token <|im_start|>" in refused(*options(folder, template=None), "--chat")


def test_results_that_could_not_be_written_are_named_before_the_model_is_read(folder, tmp_path, monkeypatch):
    there, same = options(folder, model="nowhere"), tmp_path / "same"
    assert "--html" in refused(*there, "--html", tmp_path)
    assert "there is no folder" in refused(*there, "--json", tmp_path / "no" / "out.json")
    assert "the same file" in refused(*there, "--json", same, "--html", same)
    monkeypatch.setattr("os.access", lambda path, mode, **_: mode != os.W_OK)
    assert "nothing can be written into" in refused(*there, "--json", same)
    assert list(tmp_path.iterdir()) == []


def test_if_one_result_cannot_be_written_neither_is(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("lrgd_jax.report.explanation.Explanation.html", lambda self: 1 / 0)
    file = tmp_path / "out.json"
    result = run(*options(folder), "--json", file, "--html", tmp_path / "out.html")
    assert result.exit_code == 3
    assert "internal error: ZeroDivisionError" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_of_another_model(folder, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for file in ("config.json", "model.safetensors"):
        (model / file).write_bytes((folder / "model" / file).read_bytes())
    assert "without a tokenizer" in refused(*options(folder, model=model))
    write_tokenizer(model, "zyxwvutsrqponm" + LETTERS)
    assert "but the decoder's vocabulary has 13 tokens; tokenizer.json and model belong to different models" in refused(
        *options(folder, model=model)
    )
    write_tokenizer(model, "ab")
    assert "knows 3 tokens, but the decoder's vocabulary has 13" in refused(*options(folder, model=model))


def test_weights_that_are_pickles_alone(folder, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(config(**SIZES)))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04K\x00.")
    message = refused(*options(folder, model=tmp_path))
    assert "pickle only (pytorch_model.bin)" in message
    assert "convert the weights to safetensors" in message


def test_a_quantisation_that_is_not_read(folder, tmp_path):
    pytest.importorskip("gguf", reason="reading GGUF needs the package gguf; install the smollm2 extra")
    from decoder.test_gguf import WIDE, as_stored, llama_tensors, write_gguf

    tensors = as_stored(WIDE, llama_tensors(WIDE))
    file = write_gguf(tmp_path / "int8.gguf", tensors=tensors | {"blk.0.ffn_up.weight": np.ones((64, 32), np.int8)})
    assert "blk.0.ffn_up.weight is stored as I8, which cannot be dequantised" in refused(*options(folder, model=file))
    # a kind that the gguf package does not know: after name, number of dimensions and two sizes stands its number
    known = write_gguf(tmp_path / "known.gguf", tensors=tensors).read_bytes()
    at = known.index(b"blk.0.ffn_up.weight") + len(b"blk.0.ffn_up.weight") + 4 + 2 * 8
    assert known[at : at + 4] == bytes(4)
    file = tmp_path / "unknown.gguf"
    file.write_bytes(known[:at] + (99).to_bytes(4, "little") + known[at + 4 :])
    assert "stored in a way that the gguf package does not know" in refused(*options(folder, model=file))


def test_overlapping_segments_are_named(folder):
    """Ranges of tokens are given to `lrgd verify`; `lrgd explain` finds them itself, and says where they meet."""
    arguments = ("verify", "--model", folder / "model", "--prompt", "ab\ncd", "--demonstrations", "0:3,2:4")
    result = CliRunner().invoke(app, [str(x) for x in arguments], catch_exceptions=False)
    assert result.exit_code == 2
    assert "overlaps" in result.stderr
