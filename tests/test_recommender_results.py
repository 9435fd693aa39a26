"""What the page on the recommender says is what its results say."""

import json
from functools import cache
from typing import Any

from conftest import ROOT

PAGE = ROOT / "docs" / "recommender-experiments.md"
CHANCE = ("attention", "popular")
WORSE = ("effect, iterated", "effect, robust")


@cache
def kept(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "docs" / "results" / name / "summary.json").read_text())["summary"]


def lines(scope: str) -> dict[tuple[str, int], dict[str, Any]]:
    return {(line["selector"], line["budget"]): line for line in kept("selection")[scope]}


def test_every_user_gets_the_same_list_from_attention_and_its_dual():
    found = kept("equivalence-on-data")
    right = found["one step"]
    assert right["same lists"] == right["users"] == 22_363
    assert right["difference/bound"] <= 1
    wrong = [x for name, x in found.items() if isinstance(x, dict) and name != "one step"]
    assert all(x["difference/bound"] > 1 and x["other lists"] * 4 > x["users"] for x in wrong)


def test_choosing_by_effect_doubles_the_random_choice():
    shared = lines("shared")
    assert shared["effect", 5000]["seeds"] == 3
    assert shared["effect", 5000]["smallest ratio"] > 2
    whole = next(line for (name, _), line in shared.items() if name == "all")
    assert whole["budget"] == 131_413
    assert all(line["HR@10"] < whole["HR@10"] for (name, _), line in shared.items() if name not in ("all", "oracle"))


def test_reproducing_the_whole_context_needs_no_label_and_wins_at_large_budgets():
    shared = lines("shared")
    assert "reproduce" not in kept("selection")["read validation labels"]
    assert shared["reproduce", 5000]["ratio"] > 2
    assert shared["reproduce", 5000]["HR@10"] < shared["effect", 5000]["HR@10"]
    for budget in (30_000, 60_000):
        assert shared["reproduce", budget]["HR@10"] > shared["effect", budget]["HR@10"]


def test_a_learnt_selector_keeps_most_of_the_gain():
    shared = lines("shared")
    for budget in (5000, 10_000):
        gain = [shared[name, budget]["HR@10"] - shared["random", budget]["HR@10"] for name in ("learned", "effect")]
        assert 2 * gain[0] > gain[1] > gain[0]


def test_what_is_said_not_to_help_does_not():
    shared = lines("shared")
    for budget in (1000, 2500, 5000, 10_000):
        for name in CHANCE:
            assert shared[name, budget]["smallest ratio"] < 1
        for name in WORSE:
            assert shared[name, budget]["HR@10"] < shared["effect", budget]["HR@10"]
    for budget in (5000, 10_000, 30_000, 60_000):
        plain, penalised = shared["effect", budget], shared["effect, not redundant", budget]
        assert plain["low"] < penalised["HR@10"] < plain["high"]


def test_for_each_user_the_oracle_shows_room_and_a_pseudo_target_is_chance():
    own = lines("personal")
    whole = next(line for (name, _), line in own.items() if name == "all")
    assert own["oracle", 4]["HR@10"] > whole["HR@10"]
    for budget in (1, 4, 16):
        served = {name: x["HR@10"] for (name, k), x in own.items() if k == budget and name != "oracle"}
        assert max(served, key=lambda name: served[name]) == "reproduce"
    for budget in (1, 4, 16, 32):
        assert own["effect on a pseudo-target", budget]["HR@10"] <= own["random", budget]["high"]
    assert own["reproduce", 32]["low"] < own["learned effect", 32]["HR@10"] < own["reproduce", 32]["high"]


def test_stage_two_gains_where_one_step_back_stops_it():
    found = kept("two-stage")
    chosen, back = found["chosen"], found["one step back"]
    assert (chosen["origins"], chosen["temperature"], chosen["updates"]) == (3, 0.5, 5)
    assert len(back) * (len(back[0]["NDCG@10"]) - 1) == 72
    tops = {(x["origins"], x["temperature"]): max(x["NDCG@10"]) for x in back}
    assert tops[3, 0.5] == max(tops.values())
    for temperature in (1.0, 0.5):
        assert tops[1, temperature] < min(tops[2, temperature], tops[3, temperature])
        assert abs(tops[3, temperature] / tops[2, temperature] - 1) * 1000 < 1
    free = found["free"]
    assert free["at the chosen update"]["gain"] * 100 > 10
    assert 8.5 < free["at the chosen update"]["gain_low"] * 100 < 9.5
    best = free["best of all updates (reads the test items)"]
    assert free["at the chosen update"]["NDCG@10"] <= best["NDCG@10"]
    assert free["at the chosen update"]["gain_high"] > best["gain"]


def test_further_updates_collapse_without_the_guard_and_cost_nothing_with_it():
    found = kept("two-stage")
    free, guarded = (found[path]["after further updates"] for path in ("free", "guarded"))
    stopped = found["free"]["at the chosen update"]
    assert free["update"] == guarded["update"] == found["chosen"]["updates"] + 8
    assert found["free"]["change by further updates"] * 100 < -3
    assert found["guarded"]["change by further updates"] > 0
    assert free["loss before it"] < stopped["loss before it"]
    assert 1 / 4 < 1 - free["voices"] / stopped["voices"] < 1 / 3
    assert guarded["voices"] >= found["chosen"]["voices"] > 0.95
    assert found["rates 1"]["effective rank"] < stopped["effective rank"] < free["effective rank"]


def test_new_demonstrations_are_worth_more_than_new_rates():
    found, new = kept("two-stage"), "NDCG@10 with the new transitions"
    best = max(found[path]["best of all updates (reads the test items)"]["NDCG@10"] for path in ("free", "guarded"))
    assert found["rates 1"][new] > best
    both = found["free"]["at the chosen update"][new] / found["rates 1"][new] - 1
    assert 3 < both * 100 < 5


def test_effects_predict_the_loss_and_less_well_the_test_loss():
    found = kept("effect")
    for kind in ("demonstrations", "users"):
        valid, test = found[kind]["valid"], found[kind]["test"]
        assert valid["same sign"] > 0.9
        assert test["same sign"] > 0.8
        assert test["spearman"] < valid["spearman"]
    assert found["demonstrations"]["test"]["spearman"] < 0.5 < found["users"]["test"]["spearman"] < 0.6
    sizes = found["demonstrations"]["by size"]
    assert sizes[-1]["pearson"] > 0.95
    assert all(x["same sign"] > 0.8 and x["spearman"] < 0.6 for x in sizes[:-1])
    assert found["users"]["valid"]["spearman"] > found["demonstrations"]["valid"]["spearman"]


def test_the_best_matter_and_pruning_the_worst_does_not_help():
    shares = {(x["which"], x["share"]): x for x in kept("effect")["shares"]}
    few, half = 0.05, 0.5
    assert shares["best", few]["gain"] < -1 / 3
    assert abs(shares["random", few]["gain"]) * 100 < 1
    for share in (few, 0.2):
        assert shares["worst", share]["gain"] < shares["random", share]["gain"]
    for share in (few, 0.2, half):
        assert shares["worst", share]["gain_high"] < 0
        assert shares["worst", share]["valid loss"] < shares["random", share]["valid loss"]
    assert shares["random", half]["valid loss"] < shares["random", few]["valid loss"]


def test_one_step_is_above_item_knn_everywhere_and_the_other_forms_are_not_better():
    sets = {key: x for key, x in kept("recommend").items() if isinstance(x, dict)}
    assert len(sets) == 5
    for label, found in sets.items():
        rows = {row["recommender"]: row for row in found["rows"] if "HR@10" in row}
        step = rows["one step"]["NDCG@10"]
        assert "one step" in found["above the reference, NDCG@10"]
        assert ("one step" in found["above the reference, HR@10"]) == (label != "amazon_office")
        assert found["best"] == ("two steps" if label == "amazon_cds" else "one step")
        for name in ("softmax", "normalised", "delta rule", "ridge", "one step, no texts"):
            assert name not in rows or rows[name]["NDCG@10"] < step
    for label in ("amazon_office", "amazon_games"):
        rows = {row["recommender"]: row for row in sets[label]["rows"]}
        assert rows["one step, no texts"]["NDCG@10 gap high"] < 0
    cds = {row["recommender"]: row for row in sets["amazon_cds"]["rows"]}
    assert cds["two steps"]["NDCG@10 low"] < cds["one step"]["NDCG@10"]
