"""What docs/language-recommender.md says is what the kept results say."""

import json

import pytest
from conftest import ROOT

from lrgd_jax.language_recommender import SELECTORS

RESULTS = ROOT / "docs" / "results"


def kept(name):
    made = json.loads((RESULTS / name / "summary.json").read_text())["summary"]
    return {data: one for data, one in made.items() if isinstance(one, dict)}


@pytest.mark.parametrize("data", kept("llm-demonstrations"))
def test_which_demonstrations_help(data):
    one = kept("llm-demonstrations")[data]
    rows = one["selectors"]
    assert one["users"] == 30
    assert all(rows[name]["NLL"]["high"] < 0 for name in SELECTORS if name != "none")
    assert all(row["NDCG@10"]["mean"] < one["shortlist"]["NDCG@10"] for row in rows.values())
    served = [row["NLL"] for name, row in rows.items() if name not in ("none", "oracle")]
    chance, oracle = rows["random"]["NLL"], rows["oracle"]["NLL"]["difference"]
    assert all(chance["low"] < row["difference"] < chance["high"] for row in served)
    assert oracle < chance["low"]
    assert 0 < min(row["difference"] for row in served) - oracle < 0.1
    by_number = [x["NLL"]["difference"] for x in one["variations"] if x["part"] == "number"]
    assert by_number == sorted(by_number, reverse=True)
    log = rows["attention"]["NLL"]["difference"]
    formats = [x["NLL"] for x in one["variations"] if x["part"] == "format" and not x["condition"].endswith("none")]
    assert all(x["difference"] > log / 2 for x in formats)


@pytest.mark.parametrize("data", kept("llm-demonstrations"))
def test_scores_foretell_removal_and_not_the_answer(data):
    found = kept("llm-demonstrations")[data]["forecasts"]
    removal = [found[f"{name}, of removal"] for name in ("first order", "contribution gate", "model attention")]
    assert removal[0]["value"] > 0.9 > removal[1]["low"] > 0.6 > 0.3 > removal[2]["high"]
    assert all(x["value"] < 0.25 for what, x in found.items() if "of the gain" in what and what != "prompts")


@pytest.mark.parametrize("data", kept("llm-two-stage"))
def test_rates_that_learn(data):
    one = kept("llm-two-stage")[data]
    free, guarded = one["free"][-1], one["guarded"][-1]
    assert free["difference"] < guarded["difference"] < 0
    assert (free["high"] < 0) == (data == "amazon_office")
    assert free["voices"] < 0.75 < 0.9 <= guarded["voices"]
    assert free["largest share"] > 1 / 2 > guarded["largest share"]
    pushed = {x["rates"]: x["advertised"] for x in one["perturbed"] if x["kind"] == "advertisement"}
    assert all(x["high"] < 0 for x in pushed.values())
    assert 0.6 < pushed["rates 1/4"]["difference"] / pushed["rates 1"]["difference"] < 0.8
