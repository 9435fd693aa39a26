"""What people call their files and items is shown letter by letter: it is no markup and moves no cursor."""

import io
import json
import re

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.outside.texts import show_controls
from lrgd_jax.report.plain_text import PlainConsole, plain

HOSTILE = "[red]x[/red]\x1b[2J"
SHOWN = r"[red]x[/red]\x1b[2J"


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert "\x1b" not in result.output
    return result


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three users of four items, one of which has a name and a title that would clear the screen."""
    folder = tmp_path_factory.mktemp("data")
    names = ["a", "b", "c", HOSTILE]
    rows = ["user,item"] + [f"u{u},{names[(u + i) % 4]}" for u in range(3) for i in range(3)]
    (folder / "events.csv").write_text("\n".join(rows) + "\n")
    (folder / "titles.csv").write_text("item,title\n" + "".join(f"{name},{name}\n" for name in names))
    made = run("data", "import", "csv", folder / "events.csv", folder / "d", "--titles", folder / "titles.csv")
    assert made.exit_code == 0, made.output
    return folder / "d"


def test_names_and_titles_of_items_in_a_recommendation(data):
    result = run("recommend", "query", "--data", data, "--history", "a", "-k", 3)
    assert result.exit_code == 0, result.output
    assert result.stdout.count(SHOWN) == 2
    assert run("recommend", "query", "--data", data, "--history", "a", "--history", HOSTILE, "-k", 2).exit_code == 0
    explained = run("recommend", "explain", "--data", data, "--user", "u0", "--item", HOSTILE)
    assert explained.exit_code == 0, explained.output
    assert SHOWN in explained.stdout


def test_what_a_description_of_data_says(data, tmp_path):
    folder = tmp_path / "d\x1b[2J"
    folder.mkdir()
    description = json.loads((data / "dataset.json").read_text())
    step = {"step": "x", "reason": HOSTILE, "interactions": 1, "users": 1, "items": 1}
    (folder / "dataset.json").write_text(json.dumps(description | {"dropped": [step]}))
    result = run("data", "show", folder)
    assert result.exit_code == 0, result.output
    assert f"dropped: {SHOWN}" in result.stdout
    # the title is broken into lines
    assert r"d\x1b[2J" in result.stdout.replace("\n", "")


def test_names_in_errors_are_one_line(tmp_path):
    result = run("data", "show", tmp_path / "no\x1b[2J\nlrgd: all is well")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert r"no\x1b[2J\nlrgd: all is well" in result.stderr
    result = run("--debug", "claims", HOSTILE)
    assert "Traceback" in result.stderr
    assert f"no claim '{SHOWN}'" in result.stderr


def test_names_of_claims(tmp_path):
    file = tmp_path / "mine\x1b[2J.py"
    file.write_text("claim = 3\n")
    result = run("claims", "--claims-path", file)
    assert result.exit_code == 2
    assert r"mine\x1b[2J.py" in result.stderr


@pytest.mark.parametrize("cell", [HOSTILE, Text(HOSTILE), plain(HOSTILE)])
def test_a_terminal_is_sent_colours_and_nothing_else(cell):
    table = Table("[bold]name[/bold]", title=plain(HOSTILE))
    table.add_row(cell)
    stream = io.StringIO()
    PlainConsole(file=stream, force_terminal=True, width=60, color_system="truecolor").print(table)
    sent = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert "\x1b" not in sent
    assert r"\x1" in sent


def test_columns_stay_in_line_with_what_is_shown():
    stream = io.StringIO()
    table = Table("a", "b")
    table.add_row(plain(HOSTILE), "1")
    table.add_row("y", "2")
    Console(file=stream, width=80).print(table)
    assert len({len(line) for line in stream.getvalue().splitlines()}) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\r\x00\x7f\x9b", r"\x0d\x00\x7f\x9b"),
        ("a\u202eb\u2066", r"a\u202eb\u2066"),
        ("a\udcff.csv", r"a\udcff.csv"),
        ("Ägypten 北京 👩‍👩‍👧", "Ägypten 北京 👩‍👩‍👧"),
    ],
)
def test_which_letters_are_shown_as_escapes(text, shown):
    assert show_controls(text) == shown
    assert show_controls(shown) == shown
