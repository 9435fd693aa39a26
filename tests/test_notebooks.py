"""The notebooks are kept with the outputs of their sources, and the files that the documentation shows do run."""

import dataclasses
import json
import re
import runpy
from pathlib import Path

import pytest

from lrgd_jax.claims import alter, check_claim

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "notebooks").glob("[0-9]*.py"))
LARGEST_NOTEBOOK, MOST_LINES = 600_000, 90


def cells_of(source):
    return json.loads(source.with_suffix(".ipynb").read_text())["cells"]


def code_of(cell):
    return "".join(cell["source"]) if cell["cell_type"] == "code" else ""


def test_there_are_notebooks():
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_notebook_is_of_its_source(source):
    body = source.read_text().split("# ---\n", 2)[2]
    blocks = [block.strip() for block in re.split(r"^# %%.*$", body, flags=re.MULTILINE) if block.strip()]
    kept = ["".join(cell["source"]) for cell in cells_of(source)]
    assert len(blocks) == len(kept)
    for block, cell in zip(blocks, cells_of(source), strict=True):
        text = "".join(cell["source"])
        lines = [re.sub(r"^# ?", "", line) for line in block.splitlines()]
        uncommented = re.sub(r"^# (?=%)", "", block, flags=re.MULTILINE)
        assert text.strip() == ("\n".join(lines) if cell["cell_type"] == "markdown" else uncommented)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_notebook_is_short_and_has_run_without_an_error(source):
    cells = cells_of(source)
    lines = [line for cell in cells for line in code_of(cell).splitlines() if line.strip()]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert len(lines) < MOST_LINES
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert [output for output in outputs if "image/png" in output.get("data", {})]
    assert source.with_suffix(".ipynb").stat().st_size < LARGEST_NOTEBOOK
    assert all(cell["metadata"] == {} for cell in cells)


@pytest.fixture(scope="module")
def tutorial():
    return runpy.run_path(str(ROOT / "docs" / "tutorials" / "my_claim.py"))


def test_the_claim_of_the_tutorial_holds(tutorial):
    verdict = check_claim(tutorial["claim"], dtype="float64", instances=2)
    assert verdict.passed
    assert len(verdict.mutants) == 2


def test_the_claim_of_the_tutorial_falls_with_the_wrong_sign(tutorial):
    wrong = alter(tutorial["dual_then_shift"], shift=lambda shift: -shift)
    claim = dataclasses.replace(tutorial["claim"], right=wrong)
    assert not check_claim(claim, dtype="float64", instances=2).holds
