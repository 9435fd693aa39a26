"""The kept table of updates that are called gradient descent, and the page that shows it."""

import json
import runpy

import pytest
from conftest import ROOT

from benchmarks.gradient_updates import GRADIENT, NONE, ROWS


@pytest.fixture(scope="module")
def summary():
    return json.loads((ROOT / "docs" / "results" / "which-optimiser" / "summary.json").read_text())


def test_each_question_is_kept_with_its_right_answer(summary):
    assert summary["wrong"] == 0
    assert [(row["says"], row["update"], row["verdict"]) for row in summary["rows"]] == [
        (row.says, row.update.__name__, row.verdict) for row in ROWS
    ]
    for row, kept in zip(ROWS, summary["rows"], strict=True):
        assert kept["right"]
        assert ("loss" in kept) == (row.degree is not None)
        assert ("entries" in kept) == (row.verdict == NONE)
        assert [list(line) for line in row.matrix or ()] == kept.get("matrix", [])
    assert len({row.update for row in ROWS}) >= 20


def test_the_page_shows_each_question(summary):
    pages = runpy.run_path(str(ROOT / "docs" / "pages" / "which_optimiser.py"))
    lines = pages["which_optimiser_table"](summary)
    for row in ROWS:
        (line,) = [line for line in lines if line.startswith("| " + row.says.replace("|", "\\|") + " |")]
        assert ("| yes" in line) == (row.verdict == GRADIENT)
    assert '--8<-- "results/which-optimiser.md"' in (ROOT / "docs" / "which-optimiser.md").read_text()
