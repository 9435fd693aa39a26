"""A command line that cannot be read ends as every wrong input does: one sentence that says what was meant."""

import pytest
import typer
from refusals import refusal, run

from lrgd_jax import __version__
from lrgd_jax.cli.usage import is_usage_error, usage_sentence

CASES = {
    "an unknown option": (
        ["verify", "--jsn", "x"],
        "there is no option '--jsn'; did you mean '--json'; see `lrgd verify",
    ),
    "an option like no other": (["verify", "--xyz"], "there is no option '--xyz'; see `lrgd verify --help`"),
    "an option before the command": (["--xyz"], "there is no option '--xyz'"),
    "an unknown command": (["verfy"], "no such command 'verfy'; did you mean 'verify'; see `lrgd --help`"),
    "an unknown part of a command": (["data", "import", "cvs"], "no such command 'cvs'; did you mean 'csv'"),
    "a command with a quote": (["it's"], 'no such command "it\'s"'),
    "a command that would clear the screen": (["expl\x1b[2Jain"], r"no such command 'expl\x1b[2Jain'"),
    "a missing option": (["recommend", "fit"], "missing option '--out'; see `lrgd recommend fit --help`"),
    "a missing argument": (["plot"], "missing argument 'directory'"),
    "an argument too many": (["claims", "a", "b"], "got unexpected extra argument(s) (b)"),
    "an option without its value": (["recommend", "query", "-k"], "option '-k' requires an argument"),
    "a switch with a value": (["experiment", "--quick=3"], "option '--quick' does not take a value"),
    "a fraction": (["recommend", "query", "-k", "2.5"], '-k / --k: expected a whole number, got "2.5"'),
    "a word for a number": (["verify", "--instances", "x\ny"], r'--instances: expected a whole number, got "x\ny"'),
    "a number of 5,000 digits": (
        ["recommend", "query", "-k", "9" * 5_000],
        "-k / --k: expected a whole number of fewer",
    ),
    "a number that is too small": (["verify", "--seed", "-1"], '--seed: expected a number of at least 0, got "-1"'),
    "a number that is too large": (
        ["verify", "--seed", "4294967296"],
        "--seed: expected a number of at most 4294967295",
    ),
    "a word for a learning rate": (["recommend", "learn", "--rate", "x"], '--rate: expected a number, got "x"'),
    "a choice": (["plot", "x", "--format", "pgn"], "--format: 'pgn' is not one of 'png', 'svg'; did you mean 'png'"),
    "a choice that is empty": (["plot", "x", "--format", ""], "--format: '' is not one of 'png', 'svg'; see"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_one_sentence(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, said = CASES[case]
    message = refusal(tmp_path, *arguments)
    assert message.startswith(said)
    assert len(message) < len(said) + 200


@pytest.mark.parametrize("arguments", [["data"], ["data", "import"], ["recommend"], ["model"], ["new"]])
def test_no_command_is_answered_by_the_help(arguments):
    result = run(*arguments)
    assert "Usage: " in result.output
    assert "╭─ Commands" in result.output


def test_errors_of_other_kinds_of_the_framework():
    """Older releases of Typer have click check values, and say so in other words."""
    error = typer.BadParameter("'2.5' is not a valid integer.", param_hint="'-k'")
    assert is_usage_error(error)
    assert usage_sentence(error) == "invalid value for '-k': '2.5' is not a valid integer"
    assert not is_usage_error(typer.Exit(3))


def test_the_version():
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"lrgd_jax {__version__}\n")
