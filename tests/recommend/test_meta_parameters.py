"""The page of the recommender says what its result files say, and these are of the shipped meta-parameters."""

import json
from dataclasses import asdict

import pytest
from conftest import ROOT

from lrgd_jax.recommend.forms.meta_parameters import ORDERED, TIMED
from lrgd_jax.recommend.forms.registry import FORMS

RESULTS = ROOT / "docs" / "results" / "recommender"
PAGE = (ROOT / "docs" / "recommender.md").read_text()
NAMES = ("amazon_beauty", "amazon_office", "amazon_industrial", "amazon_cds")


def kept(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_made_of_the_result(name):
    found = kept(name)
    low, high = found["NDCG@10 above baseline interval"]
    cells = (
        name,
        found["queries"],
        f"{found['HR@10']:.4f}",
        f"{found['NDCG@10']:.4f}",
        f"{found['baseline HR@10']:.4f} / {found['baseline NDCG@10']:.4f}",
        f"{found['NDCG@10 above baseline']:.4f} [{low:.4f}, {high:.4f}]",
        f"{found['seconds_cpu']:.1f}",
    )
    assert f"| {' | '.join(map(str, cells))} |" in PAGE


@pytest.mark.parametrize("name", NAMES)
def test_the_result_is_of_the_shipped_setting(name):
    found = kept(name)
    meta = ORDERED if name == "amazon_beauty" else TIMED
    assert {key: found[f"meta {key}"] for key in asdict(meta)} == asdict(meta)
    assert (found["split"], found["form"], found["data"]) == ("test", "linear", name)


@pytest.mark.parametrize("form", FORMS)
def test_the_family_is_made_of_its_results(form):
    found = kept(f"office_valid_{form}")
    assert (found["split"], found["form"]) == ("valid", form)
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{form}` |"))
    assert line.endswith(f"| {found['HR@10']:.4f} / {found['NDCG@10']:.4f} |")


@pytest.mark.parametrize("name", [name.replace("amazon", "learned") for name in NAMES])
def test_the_gain_of_learning_is_that_of_its_result(name):
    found = kept(name)
    assert (found["split"], found["kept"]) == ("valid", "learned")
    assert f"| {name} | {found['NDCG@10 before']:.4f} | {found['NDCG@10 after']:.4f} |" in PAGE


def test_the_numbers_for_ordered_data_are_those_that_were_learned():
    learned = kept("learned_beauty")["meta"]
    # rounded to two digits
    assert all(
        float(f"{learned[key]:.2g}") == value for key, value in asdict(ORDERED).items() if key != "feature_scaling"
    )
    assert round(learned["feature_scaling"], 2) == ORDERED.feature_scaling


@pytest.mark.parametrize("name", NAMES)
def test_the_recommender_is_above_the_baseline(name):
    assert kept(name)["NDCG@10 above baseline interval"][0] > 0


def test_the_goals_are_reached():
    beauty = kept("amazon_beauty")
    assert beauty["HR@10"] > 0.105
    assert beauty["users"] == 22_363
    wanted = {"amazon_office": (0.152, 0.120), "amazon_industrial": (0.148, 0.095), "amazon_cds": (0.095, 0.064)}
    for name, (hits, gain) in wanted.items():
        assert kept(name)["HR@10"] - hits > 0
        assert kept(name)["NDCG@10"] - gain > 0
