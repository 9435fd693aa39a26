"""What the page on benchmarks says is what its result files say."""

import itertools
import json
from typing import Any

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "docs" / "results" / "benchmarks"
FILES = sorted(RESULTS.glob("*.json"))


def kept(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


def line(name: str) -> str:
    """The line of a result in the page's table."""
    result = kept(name)
    rule = result["ties"] if result["ties seed"] is None else f"shuffle, seed {result['ties seed']}"
    groups = [result["targets"].get(group) for group in ("own time", "shared time")]
    gaps = [_gap(group) if group else "times not known" for group in (result, *groups)]
    return f"| {result['data']} | {rule} | {result['HR@10']:.4f} / {result['NDCG@10']:.4f} | {' | '.join(gaps)} |"


def _gap(result: dict[str, Any]) -> str:
    low, high = result["NDCG@10 above baseline interval"]
    return f"{result['NDCG@10 above baseline']:+.4f} [{low:+.4f}, {high:+.4f}]"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_result_is_a_line_of_the_page(file):
    assert line(file.stem) in PAGE.read_text()


def test_the_page_has_no_line_without_a_result():
    lines = [x for x in PAGE.read_text().splitlines() if x.startswith("| amazon_")]
    assert sorted(lines) == sorted(line(file.stem) for file in FILES)


def test_as_stored_is_what_the_literature_measures():
    stored = kept("amazon_beauty-as-stored")
    assert (round(stored["HR@10"], 4), round(stored["NDCG@10"], 4)) == (0.1104, 0.0680)


def test_what_the_page_says_about_the_order_of_the_file():
    for name in ("beauty", "office", "industrial", "cds"):
        stored, basket = (kept(f"amazon_{name}-{rule}") for rule in ("as-stored", "basket"))
        groups = stored["targets"]
        gaps = {group: groups[group]["NDCG@10 above baseline"] for group in ("own time", "shared time")}
        assert gaps["shared time"] > 4 * abs(gaps["own time"])
        above = basket["NDCG@10 above baseline interval"]
        assert (above[0] > 0) == (name in ("beauty", "industrial"))
        assert (above[1] < 0) == (name in ("office", "cds"))
        for seed in range(3):
            shuffled = kept(f"amazon_{name}-shuffle-{seed}")["NDCG@10 above baseline"]
            assert shuffled < stored["NDCG@10 above baseline"] / 2


def peers(name: str) -> dict[str, dict[str, Any]]:
    """The recommenders of each data set, by name."""
    kept = json.loads((RESULTS.parent / "peers" / f"{name}.json").read_text())["data"]
    return {data: found["recommenders"] for data, found in kept.items()}


def test_what_the_page_says_about_peers():
    def best(rows: dict[str, Any]) -> str:
        return max(rows, key=lambda name: rows[name]["all"]["NDCG@10"])

    found = peers("last-items")
    assert {data.removeprefix("amazon_"): best(rows) for data, rows in found.items()} == {
        "office": "EASE",
        "industrial": "one step",
        "cds": "STAN",
        "beauty": "one step",
        "games": "one step",
    }
    alone = [
        data
        for data, rows in found.items()
        if all(
            row["own time"]["ours above"][1] > 0
            for name, row in rows.items()
            if name != "one step" and "own time" in row
        )
        and "own time" in rows["one step"]
    ]
    assert alone == ["amazon_beauty"]
    at_once = peers("one-moment")
    for data, name in itertools.product(at_once, ("item-kNN with popularity", "VS-KNN", "STAN")):
        _, low, high = at_once[data][name]["all"]["ours above"]
        assert (high < 0) if data == "amazon_cds" else (low < 0 < high)


def test_what_the_page_says_about_shortcuts():
    found = json.loads((RESULTS.parent / "peers" / "shortcuts.json").read_text())
    for data in ("amazon_office", "amazon_industrial", "amazon_cds"):
        lifts = {rule: one["hops"][0]["targets"] / one["hops"][0]["catalogue"] for rule, one in found[data].items()}
        assert 5.5 < lifts["basket"] < 9.5 < lifts["shuffle"] < lifts["as-stored"] < 68.5
    for data in found:
        assert 0.795 < found[data]["basket"]["recent"] <= 1
