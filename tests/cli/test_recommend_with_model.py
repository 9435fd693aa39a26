"""`lrgd recommend with-model`: the list and the demonstrations, and one clear message for every wrong input."""

import json

import pytest
from support.small_llama import write_model
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.decoder import tiny_decoder

SHORT = ("--history", 1, "--told", 1, "--title-tokens", 4, "--candidates", 4, "-k", 2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A decoder of one layer that reads bytes."""
    folder = tmp_path_factory.mktemp("model")
    write_model(folder, vocabulary=256, context=192)
    tokenizer = tiny_decoder().tokenizer
    assert tokenizer is not None
    tokenizer.backend.save(str(folder / "tokenizer.json"))
    return folder


def run(model, *arguments):
    words = ["recommend", "with-model", model, "--user", "user-3", *arguments]
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_the_list_the_demonstrations_and_their_effects(model, tmp_path):
    result = run(model, *SHORT, "--demonstrations", 2, "--json", tmp_path / "r.json")
    assert result.exit_code == 0, result.output
    made = json.loads((tmp_path / "r.json").read_text())
    assert len(made["items"]) == len(made["demonstrations"]) == 2
    scores = [one["score"] for one in made["items"]]
    assert scores == sorted(scores, reverse=True)
    assert all(one["title"] in result.output for one in made["items"])
    assert all(f"Next: {one['next'][:4].strip()}" in made["prompt"] for one in made["demonstrations"])
    assert made["cost"]["tokens"] > made["cost"]["passes"] > 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--template", "lo"], "there is no template 'lo'; did you mean 'log'?"),
        (["--template", "chat"], "the tokenizer has no token <|im_start|>"),
        (["--selector", "oracle"], "there is no selector 'oracle'"),
        (["--selector", "learned"], "needs effects that were measured on validation users"),
        (["--candidates", 0], "--candidates must be at least 1"),
        (["--candidates", 301], "a shortlist holds 1 to 300 candidates"),
        (["--demonstrations", -1], "--demonstrations must be at least 0"),
        (["--demonstrations", 9], "context holds 192; give fewer or shorter demonstrations"),
        (["--user", "user-x"], "user-x"),
    ],
)
def test_a_wrong_input_is_one_message_and_nothing_is_written(model, tmp_path, options, said):
    result = run(model, *SHORT, *options, "--json", tmp_path / "r.json")
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_template_of_ones_own_is_checked_by_field(model, tmp_path):
    (tmp_path / "own.toml").write_text('question = "{history}:"\nanswer = " {title}"\npreambel = "Shop."\n')
    result = run(model, *SHORT, "--template", tmp_path / "own.toml")
    assert result.exit_code == 2
    assert "the field preambel is not known; did you mean preamble?" in result.stderr
