"""Selectors: nothing of the answer's event, nothing later, each of the table, and effects against removal."""

import dataclasses

import numpy as np
import pytest

from lrgd_jax.decoder import tiny_decoder
from lrgd_jax.effect.evaluation import losses_at
from lrgd_jax.language_recommender import (
    SELECTORS,
    LanguageRecommender,
    ListRequest,
    ReadPool,
    TitleScores,
    answer_loss,
    language_recommender,
    load_template,
    removal_effects,
    selector_named,
    short_pool,
)
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.data.sequences import require_times
from lrgd_jax.recommend.selection.effect_predictor import fit_predictor

SPLIT = generate_split(0, users=40, items=60)
SHOP = LanguageRecommender.of(
    tiny_decoder(context_length=512), SPLIT, load_template("list"), history=2, told=1, longest=6
)
NUMBER = 3


def read_pool(**changes):
    asked = SHOP.pool.asked(SPLIT.test, NUMBER)
    history = SPLIT.test.histories.of(NUMBER).tolist()
    return asked, ReadPool(SHOP.writer, short_pool(asked, 3), history, **changes)


@pytest.mark.parametrize("number", [0, 17, 39])
@pytest.mark.parametrize("timed", [True, False])
def test_nothing_later_and_nothing_of_the_answer_may_be_shown(number, timed):
    split = SPLIT if timed else SPLIT.without_times()
    shop = SHOP if timed else LanguageRecommender.of(SHOP.writer.decoder, split, SHOP.writer.template)
    asked = shop.pool.asked(split.test, number)
    known, query = shop.pool.transitions, split.test.take(np.array([number]))
    assert len(asked)
    assert not (known.users[asked.which] == query.users[0]).any()
    assert not np.isin(known.targets[asked.which], query.seen.items).any()
    if timed:
        assert (require_times(known.times)[asked.which] < query.seconds[0]).all()
        assert all(
            (known.histories.seconds < query.seconds[0])[known.histories.owners == i].all() for i in asked.which[:5]
        )


@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_takes_what_it_may(name):
    learnt = fit_predictor(np.random.default_rng(0).normal(size=(9, 6)), np.arange(9.0))
    asked, read = read_pool(learnt=learnt, answer=int(SPLIT.test.targets[NUMBER]))
    entry = SELECTORS[name]
    chosen = entry.select(asked, read, 2, np.random.default_rng(0))
    assert len(chosen) == (0 if name == "none" else 2)
    assert set(chosen.which) <= set(asked.which)
    assert len(set(chosen.which)) == len(chosen)
    assert (read.cost.passes > 0) == (entry.reads in ("the model", "the answer"))


def test_the_target_changes_nothing_but_the_oracle():
    other = dataclasses.replace(SPLIT.test, targets=np.roll(SPLIT.test.targets, 1))
    one, two = (
        SHOP.recommend(queries, NUMBER, ListRequest(candidates=6, demonstrations=2, k=3))
        for queries in (SPLIT.test, other)
    )
    assert one.items.tolist() == two.items.tolist()
    assert one.demonstrations.which.tolist() == two.demonstrations.which.tolist()
    assert one.effects.shape == (2,)
    with pytest.raises(ValueError, match="no selector 'oracle'"):
        selector_named("oracle", served=True)
    with pytest.raises(ValueError, match="did you mean 'attention'"):
        selector_named("atention")


def test_removal_of_all_is_the_effect_of_all():
    read = read_pool()[1]
    prompt = SHOP.writer.prompt(read.history, read.asked.transitions[:1])
    scores, relative = removal_effects(answer_loss(SHOP.writer, prompt, int(SPLIT.test.targets[NUMBER])))
    # of a single demonstration, to leave it out is to leave out all
    loss = answer_loss(SHOP.writer, prompt, int(SPLIT.test.targets[NUMBER]))
    assert scores.values[0] / losses_at(loss, np.zeros((1, 1)))[0] == relative


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"candidates": 0}, "at least one candidate"),
        ({"candidates": 2, "k": 3}, "1 to 2 items"),
        ({"candidates": 61, "k": 3}, "1 to 60 candidates"),
        ({"demonstrations": 40, "candidates": 5, "k": 1}, r"context holds 512; give fewer or shorter demonstrations"),
        ({"demonstrations": -1}, "no fewer than 0"),
    ],
)
def test_what_cannot_be_served_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        SHOP.recommend(SPLIT.test, NUMBER, ListRequest(**changes))


def test_what_is_taken_later_does_not_count():
    asked, query = SHOP.pool.asked(SPLIT.test, NUMBER), SPLIT.test.take(np.array([NUMBER]))
    earlier = SPLIT.context("test")
    before = np.bincount(earlier.items[require_times(earlier.times) < query.seconds[0]], minlength=60)
    assert np.array_equal(asked.popularity, np.log1p(before[SHOP.pool.transitions.targets[asked.which]]))
    shown = SHOP.pool.model.attention_weights(query.histories, query.times).toarray()[0, asked.which]
    scales = SHOP.pool.model.target_scales(query.times)[0, SHOP.pool.transitions.targets[asked.which]]
    assert np.array_equal(asked.weights, shown * scales)


def test_the_cost_holds_the_titles_without_a_history(monkeypatch):
    scored = TitleScores(np.arange(6), np.arange(6.0), tokens=7)
    monkeypatch.setattr(language_recommender, "score_titles", lambda *_: scored)
    wanted = ListRequest(candidates=6, selector="none", demonstrations=0, k=3, calibrated=True)
    made = SHOP.recommend(SPLIT.test, NUMBER, wanted)
    assert (made.cost.passes, made.cost.tokens) == (2, 14)
