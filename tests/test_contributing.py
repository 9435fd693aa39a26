"""CONTRIBUTING names every file that a change needs: four changes are made in a copy of the project by it alone."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from support.additions import CLAIM, EXPERIMENT, FAMILY, FORM, Files, Insertion

SECTIONS = re.split(r"^### ", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)[1:]
MOST_FILES = 4


def changes() -> dict[str, tuple[str, list[str]]]:
    """Title -> the example of its NAME, and the files in their order, for the sections that are numbered lists."""
    named = {}
    for section in SECTIONS:
        heading, _, text = section.partition("\n")
        title = re.fullmatch(r"(.+) \(`(.+)`\)", heading)
        if title is not None:
            named[title[1]] = title[2], re.findall(r"^\d\. `([^`]+)`:", text, flags=re.MULTILINE)
    return named


CHANGES = changes()


def test_there_are_twelve_changes_and_none_needs_more_than_four_files():
    assert len(CHANGES) == 12
    assert all(1 <= len(files) <= MOST_FILES for _, files in CHANGES.values())


@pytest.mark.parametrize("title", CHANGES)
def test_every_file_that_is_named_is_there(title):
    example, files = CHANGES[title]
    missing = [file for file in files if not (ROOT / file.replace("NAME", example)).is_file()]
    assert missing == []


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project without what git ignores and without pictures."""
    target = tmp_path_factory.mktemp("copy")
    for folder in ("lrgd_jax", "proofs_checks", "tests", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "*.png", "site")
        shutil.copytree(ROOT / folder, target / folder, ignore=ignored)
    for file in ("pyproject.toml", "pytest_lrgd.py", "CONTRIBUTING.md", "README.md"):
        shutil.copy(ROOT / file, target / file)
    return target


def add(copy: Path, title: str, name: str, contents: Files) -> None:
    """Writes the files that the section names, and no other."""
    files = [file.replace("NAME", name) for file in CHANGES[title][1]]
    assert list(contents) == files
    for file, content in contents.items():
        place = copy / file
        if isinstance(content, Insertion):
            text = place.read_text()
            assert text.count(content.before) == 1, f"{content.before!r} is not once in {file}"
            place.write_text(text.replace(content.before, content.text + content.before))
        else:
            assert not place.exists()
            place.parent.mkdir(exist_ok=True)
            place.write_text(content)


def run(copy: Path, *arguments: str) -> str:
    """Runs Python in the copy, whose package comes first."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "120"}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_claim(copy):
    add(copy, "A claim", "weighted_hebb", CLAIM)
    told = run(copy, "-m", "lrgd_jax", "verify", "weighted-hebb", "--exact")
    assert "holds" in told
    assert "weighted-hebb" in run(copy, "-m", "lrgd_jax", "claims")


def test_an_attention_form_with_its_dual(copy):
    add(copy, "An attention form with its dual", "hebb", FORM)
    tests = ("tests/dual/test_correspondence.py", "tests/attention/test_forms.py")
    told = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "hebb")
    assert re.search(r"[1-9]\d* passed", told)


def test_an_experiment(copy, tmp_path):
    add(copy, "An experiment", "averages", EXPERIMENT)
    out = str(tmp_path / "run")
    run(copy, "-m", "lrgd_jax", "experiment", "averages", "--quick", "--out", out)
    run(copy, "-m", "lrgd_jax", "plot", out)
    assert "averages" in run(copy, "-m", "lrgd_jax", "experiment")
    assert "1 passed" in run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/experiments/test_averages.py")


def test_a_decoder_family(copy):
    add(copy, "A decoder family", "starling", FAMILY)
    told = run(
        copy,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/decoder/test_family_chains.py",
        "tests/claims/test_families_as_chains.py",
        "-k",
        "starling or every_family",
    )
    assert re.search(r"[1-9]\d* passed", told)
