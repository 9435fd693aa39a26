"""docs/effect.md shows the kept results, these are those of the kept lines, and the page says what they say."""

import itertools
import json
import runpy
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from lrgd_jax.effect import DEFAULT, METHODS
from lrgd_jax.effect.attribution import SHARE

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results" / "fidelity"
MODELS = {"smollm2": 40, "stories260K": 100}
GRADIENT_LIMIT = 4
"""Forward passes that a rate gradient for all demonstrations may cost."""


@cache
def summarising():
    return runpy.run_path(str(ROOT / "benchmarks" / "fidelity_summary.py"))


@cache
def kept():
    return json.loads((RESULTS / "summary.json").read_text())


@cache
def lines(model):
    return summarising()["read_lines"](RESULTS / f"{model}.jsonl")


def scores(model="smollm2"):
    return kept()["models"][model]["scores"]


def test_the_tables_of_the_page_are_those_of_the_result_file():
    page = (ROOT / "docs" / "effect.md").read_text()
    assert summarising()["insert"](page, summarising()["blocks"](RESULTS)) == page
    assert page.count("| --- |") > len(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_there_are_enough_prompts_and_every_score_is_there(model):
    found = kept()["models"][model]
    assert found["prompts"] == len(lines(model)) >= MODELS[model]
    assert set(found["scores"]) == set(METHODS)
    assert {record["demonstrations"] for record in lines(model)} == {4, 5}


@pytest.mark.parametrize("model", MODELS)
def test_correlations_follow_from_the_kept_lines(model):
    tools = summarising()
    for name, row in scores(model).items():
        own = [record for record in lines(model) if name in record["scores"]]
        assert row["prompts"] == len(own)
        assert row["cost"] == tools["quartiles"]([record["scores"][name]["cost"] for record in own])
        for truth in set(tools["TRUTHS"]) - {name}:
            pairs = tools["pairs_of"](own, name, truth)
            for kind in ("pearson", "spearman"):
                middle, low, high = row[truth][kind]
                assert middle == round(tools["pool"](tools[kind])(pairs), tools["DIGITS"])
                assert low <= middle <= high


@pytest.mark.parametrize("model", MODELS)
def test_the_truths_follow_from_the_losses_of_all_subsets(model):
    for record in lines(model):
        losses, n = record["losses"], record["demonstrations"]
        assert len(losses) == 1 << n
        # every number is rounded to six digits, so a difference of two to half a unit each, and once more
        unit = 1e-6
        for i, value in enumerate(record["scores"]["leave-one-out"]["values"]):
            assert abs(losses[~(1 << i)] - losses[-1] - value) < 2 * unit
        assert abs(sum(record["scores"]["exact-shapley"]["values"]) - losses[0] + losses[-1]) < (n + 2) * unit


@pytest.mark.parametrize("model", MODELS)
def test_the_default_wins_among_those_whose_cost_does_not_grow(model):
    found = kept()["models"][model]["default"]
    assert found["name"] == DEFAULT
    sampled, path = "permutation-shapley", "aumann-shapley-rates"
    for other, (lead, low, high) in found["lead"].items():
        assert low <= lead <= high
        if other == sampled:
            assert high < 0
        elif other != path:
            assert low > 0
    low, high = found["lead"][path][1:]
    assert low < 0 < high


@pytest.mark.parametrize("model", MODELS)
def test_the_page_says_what_the_results_say(model):
    row, path = scores(model)[DEFAULT], scores(model)["aumann-shapley-rates"]
    assert row["gap"]["at most 0.05"] == row["prompts"]
    assert path["cost"]["median"] > row["cost"]["median"]
    if model == "smollm2":
        for name in (DEFAULT, "aumann-shapley-rates", "leave-one-out", "rate-gradient", "gradient-alignment"):
            exact = scores(model)[name]["exact-shapley"]
            assert exact["spearman within"][0] < exact["pearson"][0]
        assert path["cost"]["median"] > summarising()["BUDGET"]
        assert path["gap"]["most"] > SHARE
        assert row["exact-shapley"]["same best"][0] < 0.75
        assert row["exact-shapley"]["same sign"][0] > 5 / 6
        assert 0.6 < scores(model)["rate-gradient"]["exact-shapley"]["same sign"][0] < 0.7
        assert abs(scores(model)["ridge-influence"]["exact-shapley"]["pearson"][0]) < 0.1
        low, high = scores(model)["attention"]["exact-shapley"]["pearson"][1:]
        assert low < 0 < high
    else:
        assert kept()["models"][model]["helped"] < kept()["models"][model]["prompts"] / 2
        for name in ("attention", "contribution-norm", "input-gradient"):
            assert scores(model)[name]["exact-shapley"]["pearson"][2] < 0


def test_the_default_closes_its_gap_in_thirty_forward_passes_and_agrees_with_the_exact_values():
    row = scores()[DEFAULT]
    assert row["gap"]["median"] <= SHARE
    assert row["cost"]["median"] <= summarising()["BUDGET"] == 30
    assert row["exact-shapley"]["pearson"][0] >= 0.9


def test_a_gradient_costs_less_than_four_forward_passes_whatever_the_number():
    counts = {row["demonstrations"] for row in kept()["costs"]}
    assert len(counts) > 2
    for row in kept()["costs"]:
        assert max(row["counted"], row["xla"]) < GRADIENT_LIMIT
        if row["control"] == "rates":
            assert row["time"] < GRADIENT_LIMIT


def test_exact_values_of_four_or_five_demonstrations_cost_less_than_half_of_the_default_path():
    assert 2 * scores()["exact-shapley"]["cost"]["median"] < scores()[DEFAULT]["cost"]["median"]


@pytest.mark.parametrize(("model", "least", "most"), [("smollm2", 0, 0.35), ("stories260K", 0.4, 0.6)])
def test_scores_without_a_sign_on_sizes_alone(model, least, most):
    for name in ("attention", "contribution-norm", "input-gradient"):
        assert least < scores(model)[name]["exact-shapley"]["spearman of sizes"][0] < most


@pytest.mark.parametrize("line", ['{"prompt": "a"}\n', '{"prompt": "a"}\n{"prompt": "b", "sco', ""])
def test_a_run_that_was_killed_goes_on_after_its_last_whole_line(tmp_path, monkeypatch, line):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "fidelity.py"))
    file = tmp_path / "run.jsonl"
    file.write_text(line)
    read_lines = summarising()["read_lines"]
    before = read_lines(file)
    benchmark["append"](file, {"prompt": "c"})
    assert read_lines(file) == [*before, {"prompt": "c"}]
    for name in ("fidelity_prompts", "fidelity_summary"):
        sys.modules.pop(name, None)


def test_a_run_that_begins_with_the_kept_lines_lacks_nothing_of_them(tmp_path):
    tools, run = summarising(), tmp_path / "run"
    tools["begin_with_kept"](RESULTS, run)
    later = {"prompt": lines("stories260K")[0]["prompt"], "scores": {"new": {"values": [1.0]}}}
    (run / "stories260K-new.jsonl").write_text(json.dumps(later) + "\n")
    first, *rest = tools["read_run"](run, "stories260K")
    assert first["scores"] == {**lines("stories260K")[0]["scores"], "new": {"values": [1.0]}}
    assert rest == lines("stories260K")[1:]
    assert json.loads((run / "smollm2-costs.json").read_text()) == kept()["costs"]
    with pytest.raises(ValueError, match="is there already"):
        tools["begin_with_kept"](RESULTS, run)


def test_the_linear_datamodelling_score_is_that_of_dattri():
    """By its definition, written out anew: the rank correlation of sums over subsets and what is measured with them."""
    tools = summarising()
    for record in lines("stories260K")[:3]:
        n, values = record["demonstrations"], record["scores"][DEFAULT]["values"]
        chosen = list(itertools.combinations(range(n), n // 2))
        measured = [-record["losses"][sum(1 << i for i in subset)] for subset in chosen]
        expected = scipy.stats.spearmanr([sum(values[i] for i in subset) for subset in chosen], measured)[0]
        # ranks are whole or half, so both are the same fraction but for a few roundings
        assert abs(tools["lds"](record, values) - expected) <= len(chosen) ** 2 * np.finfo(float).eps


@pytest.mark.parametrize(("model", "size"), [("smollm2", "1.2"), ("stories260K", "0.9")])
def test_pairs_are_about_as_large_as_scores_and_help_to_predict_a_subset(model, size):
    page, found = (ROOT / "docs" / "effect.md").read_text(), kept()["models"][model]["pairs"]
    assert f"{found['sizes']['median']:.1f}" == size
    pair, single = found["lds"], scores(model)["exact-shapley"]["lds"]
    assert single[0] < pair[1]
    assert f"{pair[0]:.2f} in place of {single[0]:.2f}" in page


@pytest.mark.parametrize("model", MODELS)
def test_gains_in_convergence_say_what_the_page_says_of_them(model):
    low, high = scores(model)["convergence-gain"]["exact-shapley"]["pearson"][1:]
    assert low < 0 < high
    step, ridge = (scores(model)[name]["exact-shapley"]["pearson"] for name in ("one-step-gain", "ridge-influence"))
    assert step[1] < ridge[0] < step[2]


def test_a_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="must have one line"):
        summarising()["insert"]("no place", {"smollm2": ["row"]})
