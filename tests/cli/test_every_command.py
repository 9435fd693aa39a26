"""Every command has a sentence, an example that can be read, and `--json`, or there is a reason why not."""

import json
import os
import shlex
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.cli.examples import BEGIN, EXAMPLES
from lrgd_jax.cli.options import LARGEST_SEED

WITHOUT_JSON = {
    "plot": "its result is a picture",
    "report": "its result is a file of HTML, made of JSON that other commands write",
    "new claim": "its result is a file of Python",
}
"""The commands that have no `--json`, and why."""


def walk(group, before=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from walk(command, (*before, name))
        else:
            yield " ".join((*before, name)), command


COMMANDS: dict[str, Any] = dict(walk(get_command(app)))


def run(*arguments, **more):
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False, **more)


def test_the_examples_are_those_of_the_commands():
    assert set(EXAMPLES) == set(COMMANDS)
    assert set(WITHOUT_JSON) < set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_how(name):
    command = COMMANDS[name]
    sentence = (command.help or "").split("\n\n")[0].strip()
    assert sentence[0].isupper()
    assert sentence.endswith((".", ":"))
    for parameter in command.params:
        if parameter.name != "help":
            assert (parameter.help or "").rstrip().endswith((".", "?", ")")), parameter.name
    options = {option for parameter in command.params for option in parameter.opts}
    assert ("--json" in options) != (name in WITHOUT_JSON)
    shown = " ".join(run(*name.split(), "--help", env={"COLUMNS": "300"}).stdout.split())
    assert "\x1b" not in shown
    for example in EXAMPLES[name]:
        words = shlex.split(example)
        assert words[: 1 + len(name.split())] == ["lrgd", *name.split()]
        # it is read as the command would be, and not run
        with command.make_context(name, words[1 + len(name.split()) :]):
            pass
        assert f"Example: {' '.join(example.split())}" in shown


def test_lrgd_alone_says_where_to_begin():
    done = run()
    assert (done.exit_code, done.stdout.rstrip("\n")) == (0, BEGIN)
    for line in BEGIN.splitlines():
        if line.startswith("  lrgd "):
            words = line.split("   ")[0].split()[1:]
            name = next(name for name in COMMANDS if words[: len(name.split())] == name.split())
            with COMMANDS[name].make_context(name, words[len(name.split()) :]):
                pass


def test_the_help_is_grouped():
    shown = run("--help").stdout
    panels = "Claims and certificates", "Decoders", "Experiments", "Recommender"
    places = [shown.index(f"─ {panel} ") for panel in panels]
    assert min(places) > 0
    assert "─ Commands ─" not in shown


@pytest.mark.parametrize("place", [0, 1, 2])
def test_quiet_leaves_the_exit_code_the_file_and_what_is_wrong(tmp_path, place):
    words = ["claims", "softmax-attention", "--json", str(tmp_path / "claim.json")]
    done = run(*words[:place], "--quiet", *words[place:])
    assert (done.exit_code, done.output) == (0, "")
    [claim] = json.loads((tmp_path / "claim.json").read_text())["claims"]
    assert claim["slug"] == "softmax-attention"
    assert {"statement", "proof", "assumptions", "source", "mutants"} <= set(claim)
    assert run("claims").stdout
    done = run("--quiet", "claims", "no-such-claim")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no claim" in done.stderr


def test_what_is_shown_is_in_the_json_too(tmp_path):
    assert run("claims", "--json", tmp_path / "claims.json").exit_code == 0
    assert len(json.loads((tmp_path / "claims.json").read_text())["claims"]) > 50
    made = run("data", "generate", tmp_path / "shop", "--users", 40, "--items", 48, "--json", tmp_path / "made.json")
    assert made.exit_code == 0, made.output
    assert run("data", "show", tmp_path / "shop", "--json", tmp_path / "shown.json").exit_code == 0
    made, shown = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("made", "shown"))
    assert {**shown, **made} == shown
    assert made["kept"]["users"] > 0
    assert made["folder"] == str(tmp_path / "shop")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell):
    asked = {"_LRGD_COMPLETE": f"complete_{shell}", "COMP_WORDS": "lrgd ver", "COMP_CWORD": "1"}
    asked |= {"_TYPER_COMPLETE_ARGS": "lrgd ver", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'lrgd'; from lrgd_jax.__main__ import main; main()"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "verify" in done.stdout
    assert "recheck" not in done.stdout


def test_every_seed_is_one_that_numpy_and_jax_take():
    seeds = [
        (name, option)
        for name, command in COMMANDS.items()
        for option in command.params
        if option.opts[0].endswith("seed")
    ]
    assert {"train", "data generate", "recommend evaluate", "recommend with-model"} <= {name for name, _ in seeds}
    for name, option in seeds:
        assert (option.min, option.max) == (0, LARGEST_SEED), (name, option.opts)
