"""How commands end: one line and a code for everything that can go wrong, and a crash never looks like a verdict."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from lrgd_jax.certify.tracing.shapes import shapes_of
from lrgd_jax.cli import app
from lrgd_jax.cli.errors import (
    BAD_INPUT,
    FALLEN,
    HOLDS,
    INTERNAL,
    INTERRUPTED,
    ONLY_POINTS,
    CommandGroup,
    worst,
)
from lrgd_jax.outside.archives import UNBOUNDED, largest_unpacked


def ending(raise_it, *arguments):
    """A command line of one command that comes to an end of this kind."""
    small = typer.Typer(cls=CommandGroup, pretty_exceptions_enable=False)

    @small.callback()
    def options(): ...

    @small.command()
    def end(word: str = ""):
        raise_it()

    return CliRunner().invoke(small, ["end", *arguments], catch_exceptions=False)


def raising(error):
    def raise_it():
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), HOLDS),
        ((HOLDS, ONLY_POINTS), ONLY_POINTS),
        ((FALLEN, ONLY_POINTS), FALLEN),
        ((FALLEN, BAD_INPUT, HOLDS), BAD_INPUT),
        ((BAD_INPUT, INTERNAL, FALLEN), INTERNAL),
        ((INTERNAL, INTERRUPTED), INTERRUPTED),
    ],
)
def test_the_worst_of_several_results_is_the_codes(codes, expected):
    assert worst(codes) == expected


def test_what_the_package_refuses_is_bad_input():
    result = ending(lambda: shapes_of("x:n=zero"))
    assert result.exit_code == BAD_INPUT
    assert result.stderr.startswith("lrgd: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file", "x.csv"), OSError(28, "No space left")])
def test_what_the_system_refuses_is_bad_input(error):
    assert ending(raising(error)).exit_code == BAD_INPUT


@pytest.mark.parametrize(
    "stumble",
    [
        lambda: {}["missing"],
        lambda: len(3),  # pyright: ignore[reportArgumentType]
        lambda: int("seven"),
        lambda: jax.numpy.ones(3) @ jax.numpy.ones(4),
        lambda: jax.jit(lambda x: 1 if x > 0 else 0)(1.0),
        raising(MemoryError()),
        raising(RecursionError("too deep")),
        raising(AssertionError("impossible")),
        raising(ValueError("raised by somebody else")),
    ],
)
def test_a_stumble_is_an_internal_error_of_one_line(stumble):
    result = ending(stumble)
    assert result.exit_code == INTERNAL
    (line,) = result.stderr.splitlines()
    assert line.startswith("lrgd: internal error: ")
    for part in ("please report", "--debug", "test_errors.py:", f"JAX {jax.__version__}"):
        assert part in line


def test_a_stumble_in_the_package_itself_is_internal_whatever_its_type():
    # an error of value that no line of the package raises on purpose
    result = ending(lambda: worst([99]))
    assert result.exit_code == INTERNAL
    assert "errors.py" in result.stderr or "test_errors.py" in result.stderr


def test_a_package_that_is_not_installed_is_named():
    result = ending(raising(ModuleNotFoundError("No module named 'x'", name="matplotlib.pyplot")))
    assert (result.exit_code, "Python package matplotlib" in result.stderr) == (BAD_INPUT, True)


def test_an_interruption_is_one_line():
    result = ending(raising(KeyboardInterrupt()))
    assert (result.exit_code, result.stderr) == (INTERRUPTED, "lrgd: interrupted\n")


def test_to_be_terminated_is_to_be_interrupted():
    before = signal.getsignal(signal.SIGTERM)
    assert ending(lambda: signal.raise_signal(signal.SIGTERM)).exit_code == INTERRUPTED
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("arguments", [["--debug", "claims", "no-such-claim"], ["claims", "--debug", "no-such-claim"]])
def test_debug_shows_the_traceback_wherever_it_stands(arguments):
    shown = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert shown.exit_code == BAD_INPUT
    assert "Traceback" in shown.stderr
    hidden = CliRunner().invoke(app, ["claims", "no-such-claim"], catch_exceptions=False)
    assert "Traceback" not in hidden.stderr


def test_debug_by_the_environment():
    result = CliRunner().invoke(app, ["claims", "no-such-claim"], env={"LRGD_DEBUG": "1"})
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("arguments", [["--unpack-all"], []])
def test_the_option_lifts_the_bound_of_what_files_unpack_to(arguments, monkeypatch):
    monkeypatch.delenv(UNBOUNDED, raising=False)
    seen = []
    ending(lambda: seen.append(largest_unpacked(Path(__file__)) == math.inf), *arguments)
    assert seen == [bool(arguments)]
    assert UNBOUNDED not in os.environ


def test_after_two_dashes_debug_is_a_word_like_any_other():
    result = CliRunner().invoke(app, ["claims", "--", "--debug"])
    assert (result.exit_code, "no claim '--debug'" in result.stderr) == (BAD_INPUT, True)


def names_of(group, before=()):
    """Every command as it is written."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from names_of(command, (*before, name))
        else:
            yield (*before, name)


def test_the_help_of_every_command_says_its_exit_codes():
    names = list(names_of(get_command(app)))
    assert ("recommend", "evaluate") in names
    for name in names:
        text = " ".join(CliRunner().invoke(app, [*name, "--help"], catch_exceptions=False).stdout.split())
        assert "Exit code 0:" in text, name
        assert all(f"{code}: " in text for code in (BAD_INPUT, INTERNAL, INTERRUPTED)), name


def test_a_reader_that_goes_away_is_no_verdict():
    program = [sys.executable, "-m", "lrgd_jax", "claims"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (141, "")


def test_an_installation_that_cannot_start_is_no_verdict():
    program = "import sys; sys.modules['typer'] = None; from lrgd_jax.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == INTERNAL
    assert len(done.stderr.splitlines()) == 1
    assert "typer" in done.stderr
