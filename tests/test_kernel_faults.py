"""A few re-made faults of kernels, the kept table of all of them, and the lines that are marked in them."""

import inspect
import json
import runpy

import pytest
from conftest import ROOT

from benchmarks.kernel_faults.fault import KIND, MARK, Fault
from benchmarks.kernel_faults.measure import localised, refute
from benchmarks.kernel_faults.table import FAMILIES, FAULTS

BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.mark.parametrize(
    ("name", "numbers", "place"),
    [
        ("normaliser not inverted", "rational numbers", "the line"),
        ("error before the decay", "rational numbers", "the line"),
        ("keys not permuted", "rational numbers", "the same numbers in other places"),
        ("slopes of ALiBi off by one", "rational numbers", "a function that the line calls"),
        ("epsilon outside the root", "balls", "the line"),
    ],
)
def test_a_fault_is_refuted_and_its_line_named(name, numbers, place):
    row = refute(BY_NAME[name])
    assert (row["verdict"], row["numbers"], row["localised"]) == ("refuted", numbers, place)
    assert row["right"] != row["faulty"]


def test_a_fault_that_is_none_is_certified():
    assert refute(BY_NAME["norm without weight after the rotation"])["verdict"] == "equal"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_both_functions_are_marked_where_they_differ(fault):
    for function in (fault.right, fault.faulty):
        marked = [line.endswith(MARK) for line in inspect.getsource(function).splitlines()]
        assert any(marked) or fault.no_fault
    assert fault.right is not fault.faulty
    assert fault.source == KIND or fault.source.startswith("[")


def test_another_line_is_not_taken_for_the_marked_one():
    fault: Fault = BY_NAME["normaliser not inverted"]
    line = inspect.getsourcelines(fault.right)[1]
    assert localised(fault, [f"linear_states.py:{line} (divided)"]) == "another line"
    assert localised(fault, [f"linear_states.py:{line + 2} (divided)"]) == "the line"
    assert localised(fault, []) == "the same numbers in other places"


@pytest.fixture(scope="module")
def summary():
    return json.loads((ROOT / "docs" / "results" / "kernel-faults" / "summary.json").read_text())


def test_the_kept_table_has_every_fault_refuted_or_says_why_not(summary):
    assert [row["name"] for row in summary["faults"]] == list(BY_NAME)
    assert summary["families"] == {name: [fault.name for fault in faults] for name, faults in FAMILIES.items()}
    for row in summary["faults"]:
        fault = BY_NAME[row["name"]]
        assert (row["source"], row["says"]) == (fault.source, fault.says)
        assert (row["verdict"] == "refuted") == (not fault.no_fault)
        assert row.get("definition", "certified") == "certified"
        assert row["verdict"] == "refuted" or row["why"] == fault.no_fault
    assert sum(fault.source != KIND for fault in FAULTS) >= 25


def test_the_page_shows_every_fault(summary):
    pages = runpy.run_path(str(ROOT / "docs" / "pages" / "kernel_faults.py"))
    page = "\n".join(pages["kernel_fault_tables"](summary))
    for fault in FAULTS:
        assert f"| **{fault.name}**: {fault.says} | {fault.source} |" in page
    assert '--8<-- "results/kernel-faults.md"' in (ROOT / "docs" / "kernel-faults.md").read_text()
