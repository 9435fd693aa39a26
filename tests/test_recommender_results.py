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
