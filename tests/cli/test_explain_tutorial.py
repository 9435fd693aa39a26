"""The tutorial on `lrgd explain`: its commands are those that there are, and its files run."""

import json
import re
import runpy
import shlex
import sys

import pytest
import typer
from conftest import ROOT
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.effect import METHODS, Template, read_demonstrations

TUTORIALS = ROOT / "docs" / "tutorials"
PAGE = (TUTORIALS / "explain.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stories(shared_data):
    folder = shared_data / "stories260K"
    if not folder.is_dir():
        pytest.skip(f"no checkpoint at {folder}")
    return folder


def commands():
    return [shlex.split(line[2:]) for line in PAGE.splitlines() if line.startswith("$ lrgd explain")]


def test_every_option_and_method_of_the_page_is_there():
    explain = typer.main.get_group(app).commands["explain"]
    known = {option for parameter in explain.params for option in parameter.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))
    assert named <= known
    assert known - {"--method", "--help"} <= named | {"--query", "--model"}
    told = re.findall(r"^\| `([a-z-]+)`", PAGE, flags=re.MULTILINE)
    assert set(told) == set(METHODS)


def test_the_template_of_the_page_is_the_default():
    assert Template.text.replace("\n", r"\n") in PAGE


def test_the_commands_run_on_a_small_model(stories, tmp_path, monkeypatch):
    """The model of the page is large, so another one reads the same files."""
    monkeypatch.chdir(tmp_path)
    assert commands()
    for command in commands():
        name = command[command.index("--demonstrations") + 1]
        (tmp_path / name).write_bytes((TUTORIALS / name).read_bytes())
        assert len(read_demonstrations(tmp_path / name)) == 5
        command[command.index("--model") + 1] = str(stories)
        result = CliRunner().invoke(app, [*command[1:], "--json", "numbers.json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        content = json.loads((tmp_path / "numbers.json").read_text())
        assert len(content["demonstrations"]) == 5
        page = command[command.index("--html") + 1]
        assert (tmp_path / page).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_file_runs_and_finds_the_demonstration_with_the_answer(stories, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["explain.py", str(stories)])
    explanation = runpy.run_path(str(TUTORIALS / "explain.py"))["explanation"]
    assert explanation.attribution.ranking[0] == 1
    assert explanation.attribution.shares[1] > 1 / 2
    assert (tmp_path / "page.html").is_file()
