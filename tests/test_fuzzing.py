"""A few mutated files for every loader, what counts as a fault, and the kept result of very many."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from benchmarks.fuzzing.target import LONGEST_MESSAGE, Bench, Target
from benchmarks.fuzzing.targets import TARGETS

INPUTS = 6
FILE = "number.txt"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_files_are_read_with_their_own_numbers_or_refused(target, tmp_path):
    bench = Bench(target, tmp_path / "input", 1)
    verdicts = [bench.run(index) for index in range(INPUTS)]
    assert [verdict for verdict in verdicts if verdict.kind not in ("loaded", "refused")] == []


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_files_without_a_change_are_loaded(target, tmp_path):
    unchanged = Target(
        target.name,
        target.seeds,
        {name: lambda random, content, others: content for name in target.mutations},
        target.load,
        target.fault,
    )
    bench = Bench(unchanged, tmp_path / "input", 1)
    assert {bench.run(index).kind for index in range(3)} == {"loaded"}


def verdict_on(load: Callable[[Path], Any], folder: Path) -> str:
    """What is said of a loader of one file, which holds 7."""
    target = Target(
        "number",
        lambda: [{FILE: b"7"}],
        {FILE: lambda random, content, others: content},
        load,
        lambda folder, loaded: None if loaded == 7 else f"{loaded} for 7",
    )
    return Bench(target, folder, 0).run(0).kind


def refuse(message: str, error: type[Exception] = ValueError) -> Callable[[Path], Any]:
    def load(folder: Path) -> None:
        raise error(message.format(folder / FILE))

    return load


@pytest.mark.parametrize(
    ("load", "kind"),
    [
        (lambda folder: int((folder / FILE).read_text()), "loaded"),
        (lambda folder: 8, "other numbers"),
        (refuse("{} is damaged"), "refused"),
        (refuse("it is damaged"), "unclear refusal"),
        (refuse("{} " + "x" * LONGEST_MESSAGE), "unclear refusal"),
        (refuse("{}", UnicodeError), "unclear refusal"),
        (refuse("{}", KeyError), "traceback"),
        (refuse("{}", TimeoutError), "over time"),
    ],
)
def test_what_a_loader_does_is_named(load, kind, tmp_path):
    assert verdict_on(load, tmp_path / "input") == kind


@pytest.fixture(scope="module")
def summary():
    return json.loads((ROOT / "docs" / "results" / "fuzzing" / "summary.json").read_text())


def test_a_hundred_thousand_inputs_of_every_loader_are_without_a_fault(summary):
    assert summary["inputs"] >= 100_000
    assert summary["faults"] == 0
    assert [target["name"] for target in summary["targets"]] == [target.name for target in TARGETS]
    for target in summary["targets"]:
        assert target["inputs"] == target["kinds"]["loaded"] + target["kinds"]["refused"]
        assert target["kinds"]["refused"] == sum(target["refusals"].values())


def test_the_page_shows_every_loader(summary):
    page = "\n".join(runpy.run_path(str(ROOT / "docs" / "pages" / "fuzzing.py"))["fuzzing_tables"](summary))
    for target in summary["targets"]:
        assert f"| {target['name']} | {target['inputs']:,} |" in page
    assert '--8<-- "results/fuzzing.md"' in (ROOT / "docs" / "wrong-files.md").read_text()
