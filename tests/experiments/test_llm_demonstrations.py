"""The experiment on demonstrations for a language model: its units, its summary, and what is zero by its definition."""

import json
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.decoder import CandidateScores
from lrgd_jax.experiments import llm_demonstrations
from lrgd_jax.experiments.llm_demonstrations.config import Config
from lrgd_jax.language_recommender import SELECTORS, title_scores

QUICK = replace(llm_demonstrations.QUICK, users=2, learn=1)


def likelihoods(params, config, context, candidates, **_):
    """In place of a forward pass for every length, which would compile for minutes: numbers made of the tokens."""
    lengths = np.array([len(row) for row in candidates])
    tokens = np.zeros((len(lengths), lengths.max()))
    for row, candidate in zip(tokens, candidates, strict=True):
        row[: len(candidate)] = -1 - (np.asarray(candidate) * 7 + int(np.sum(context))) % 13 / 13
    return CandidateScores(jnp.asarray(tokens), jnp.asarray(lengths))


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(title_scores, "score_candidates", likelihoods)
        return [row for unit in llm_demonstrations.units(QUICK) for row in llm_demonstrations.run_unit(QUICK, unit)]


def test_every_selector_is_asked_about_the_same_users(rows):
    users = {row["user"] for row in rows}
    assert len(users) == QUICK.users
    for name in SELECTORS:
        own = [row for row in rows if row["part"] == "selectors" and row["condition"] == name]
        assert {row["user"] for row in own} == users
        assert len(own) == QUICK.users
    assert all(row.get("NDCG@10", 0) == 0 for row in rows if row.get("listed") is False)
    json.dumps(rows)


def test_none_is_compared_with_itself_and_the_oracle_is_the_best_alone(rows):
    found = llm_demonstrations.summary(QUICK, rows)["generated-small"]
    none = found["selectors"]["none"]
    assert none["NLL"]["difference"] == none["NDCG@10"]["difference"] == 0
    assert found["forecasts"]["prompts"] == QUICK.users
    assert all(-1 <= value["value"] <= 1 for what, value in found["forecasts"].items() if what != "prompts")
    lines = llm_demonstrations.tables({"candidates": 10, "generated-small": found}, Path("nowhere"))
    assert sum(line.startswith("| oracle (sees the answer)") for line in lines) == 1


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    llm_demonstrations.figure(QUICK, rows).savefig(path)
    assert path.stat().st_size > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"users": 0}, "must be positive"), ({"pool": 1}, "holds no 4"), ({"data": ("a/x", "b/x")}, "one name")],
)
def test_a_wrong_setting_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        Config(**changes)
