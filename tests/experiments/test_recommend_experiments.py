"""The experiments on recommendation, on a small generated catalogue: units, rows, summaries, figures, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import effect, equivalence_on_data, recommend, selection, two_stage
from lrgd_jax.experiments.shared.recommender_data import GENERATED, SMALL, context_model, ordered, split_of

MODULES = (recommend, effect, selection, two_stage, equivalence_on_data)


@pytest.fixture(scope="module")
def rows():
    return {
        module: [row for unit in module.units(module.QUICK) for row in module.run_unit(module.QUICK, unit)]
        for module in MODULES
    }


@pytest.mark.parametrize("module", MODULES)
def test_a_unit_is_a_function_of_its_name(module, rows):
    unit = module.units(module.QUICK)[-1]
    again = module.run_unit(module.QUICK, unit)
    timed = {"seconds"}
    kept = [{key: x for key, x in row.items() if key not in timed} for row in rows[module][-len(again) :]]
    assert kept == [{key: x for key, x in row.items() if key not in timed} for row in again]
    assert all(isinstance(x, int | float | str | bool | np.number) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        module.run_unit(module.QUICK, "other")


@pytest.mark.parametrize("module", MODULES)
def test_figures_are_drawn(module, rows, tmp_path):
    path = tmp_path / "figure.png"
    module.figure(module.QUICK, rows[module]).savefig(path)
    assert path.stat().st_size > 0


@pytest.mark.parametrize("module", MODULES)
def test_the_data_that_are_missing_are_named(module):
    nowhere = ("nowhere/at/all",) if module is recommend else "nowhere/at/all"
    config = replace(module.QUICK, data=nowhere)
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere/at/all; set data to a folder"):
        module.run_unit(config, module.units(config)[0])


def test_the_dual_gives_attention_s_lists_and_wrong_duals_do_not(rows):
    found = equivalence_on_data.summary(equivalence_on_data.QUICK, rows[equivalence_on_data])
    right = found["one step"]
    assert right["difference/bound"] <= 1
    assert right["other lists"] == 0
    assert right["same lists"] + right["other order of ties"] == right["users"] == len(ordered(SMALL).test)
    for name in equivalence_on_data.measures.DUALS[1:]:
        assert found[name]["difference/bound"] > 1e6
        assert found[name]["other lists"] > 0


def test_effects_predict_the_loss_that_they_are_effects_on(rows):
    found = effect.summary(effect.QUICK, rows[effect])
    assert found["demonstrations"]["valid"]["pearson"] > 0.9
    assert found["demonstrations"]["valid"]["spearman"] > found["demonstrations"]["test"]["spearman"]
    losses = {(line["which"], line["share"]): line["valid loss"] for line in found["shares"]}
    for share in effect.QUICK.shares:
        assert losses["worst", share] < losses["random", share] < losses["best", share]


def test_taking_one_out_is_a_model_without_it():
    model, out = context_model(SMALL), np.array([3, 50, 700])
    rates = np.ones(len(model.demonstrations))
    rates[out] = 0
    less = effect.measures._without(model, out)
    np.testing.assert_array_equal(less.dual_weights.toarray(), model.with_rates(rates).dual_weights.toarray())
    assert not np.array_equal(less.dual_weights.toarray(), model.dual_weights.toarray())


def test_selection_has_its_ends_and_an_oracle_above(rows):
    found = selection.summary(selection.QUICK, rows[selection])
    shared = {(line["selector"], line["budget"]): line for line in found["shared"]}
    assert shared["none", 0]["HR@10"] < shared["all", len(context_model(SMALL).demonstrations)]["HR@10"]
    for budget in selection.QUICK.budgets:
        assert shared["oracle", budget]["HR@10"] > shared["effect", budget]["HR@10"]
        assert shared["random", budget]["ratio"] == 1
    personal = {(line["selector"], line["budget"]): line["HR@10"] for line in found["personal"]}
    assert all(personal["oracle", k] >= personal[name, k] for name, k in personal if ("oracle", k) in personal)
    assert found["read the test items"] == ["oracle"]


def test_stage_two_chooses_without_the_test_items(rows):
    found = two_stage.summary(two_stage.QUICK, rows[two_stage])
    other = [
        row if row["part"] == two_stage.measures.BACK else {**row, "NDCG@10": row["NDCG@10"] / (1 + row["update"])}
        for row in rows[two_stage]
    ]
    chosen = found["chosen"]
    assert two_stage.summary(two_stage.QUICK, other)["chosen"] == chosen
    best = max(x for line in found["one step back"] for x in line["NDCG@10"])
    (line,) = (x for x in found["one step back"] if {**x, **chosen} == {**chosen, **x})
    assert line["NDCG@10"][chosen["updates"]] == best
    assert found["guarded"]["after further updates"]["voices"] >= min(chosen["voices"], 1 - 2**-20)
    assert found["free"]["after further updates"]["voices"] < chosen["voices"]
    used = {(row["origins"], row["temperature"]) for row in rows[two_stage] if row["part"] in two_stage.measures.PATHS}
    assert used == {(chosen["origins"], chosen["temperature"])}


def test_every_recommender_is_compared_with_the_reference(rows):
    found = recommend.summary(recommend.QUICK, rows[recommend])[SMALL]
    by_name = {row["recommender"]: row for row in found["rows"]}
    assert set(by_name) == set(recommend.measures.KNOWN)
    assert by_name[recommend.measures.REFERENCE]["NDCG@10 gap"] == 0
    for name in found["above the reference, NDCG@10"]:
        assert by_name[name]["NDCG@10"] > by_name[recommend.measures.REFERENCE]["NDCG@10"]


def test_a_recommender_that_is_too_large_is_left_out_openly(monkeypatch):
    monkeypatch.setattr(recommend.measures, "LIMITS", {"ridge": 10})
    config = replace(recommend.QUICK, recommenders=("ridge",))
    (row,) = recommend.run_unit(config, recommend.units(config)[0])
    assert row["left out"] == "needs items by items arrays for 100 items"
    assert recommend.summary(config, [row])[SMALL]["best"] is None


def test_data_that_go_by_time_are_refused_where_one_context_is_asked_for(shared_data):
    assert split_of(GENERATED).test.times is not None
    assert ordered(GENERATED).test.times is None
    with pytest.raises(ValueError, match="has times, and this experiment asks for one context"):
        ordered(str(shared_data / "amazon_office"))


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(selection.QUICK, selectors=("best",)), "selectors must be among .* got 'best'"),
        (lambda: replace(selection.QUICK, personal_selectors=("best",)), "personal_selectors must be among"),
        (lambda: replace(selection.QUICK, budgets=()), "budgets must be at least 1"),
        (lambda: replace(selection.QUICK, share=0.0), r"share must lie in \(0, 1\]"),
        (lambda: two_stage.Config(updates=0), "at least one update"),
        (lambda: two_stage.Config(temperatures=(1.0, 1.0)), "temperatures must be different"),
        (lambda: two_stage.Config(temperatures=(0.0,)), "positive temperature"),
        (lambda: two_stage.Config(largest=1.0), "a guard lets rates differ"),
        (lambda: two_stage.Config(origins=(0, 1)), "origins must be different numbers from 1 on"),
        (lambda: effect.Config(removals=1), "removals must be at least 4"),
        (lambda: effect.Config(shares=(1.0,)), r"shares must lie in \(0, 1\)"),
        (lambda: recommend.Config(data=()), "data must be folders"),
        (lambda: recommend.Config(data=("a/x", "b/x")), "folders with different names"),
        (lambda: recommend.Config(recommenders=("best",)), "recommenders must be among"),
        (lambda: equivalence_on_data.Config(k=0), "k must be at least 1"),
        (lambda: equivalence_on_data.Config(starts=(5, 3)), "starts grow from 0"),
        (lambda: equivalence_on_data.Config(duals=("best",)), "duals must be among"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()


def test_a_budget_beyond_the_pool_is_refused():
    config = replace(selection.QUICK, budgets=(10**6,))
    with pytest.raises(ValueError, match="a budget of 1000000 exceeds the pool"):
        selection.run_unit(config, "seed=0/random")
