"""All parts of a score sum to it within the derived bound, and every part names its source."""

from fractions import Fraction

import numpy as np
import pytest
from recommend.histories import ITEMS, histories, model_of, positive_rates

from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.effect.data_values import data_values
from lrgd_jax.recommend.effect.score_explanation import ScoreExplanation, explanation
from lrgd_jax.recommend.forms.delta_rule import DeltaRule
from lrgd_jax.recommend.forms.normalised import NormalisedAttention
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.ridge import Ridge
from lrgd_jax.recommend.forms.softmax import SoftmaxNeighbours
from lrgd_jax.recommend.serving.named_explanation import explain_by_name
from lrgd_jax.recommend.serving.recommender import Recommender

ASKED = histories(5)


@pytest.mark.parametrize("kind", [OneStep, NormalisedAttention, SoftmaxNeighbours])
@pytest.mark.parametrize("time", [None, 25])
def test_the_parts_sum_to_the_score(kind, time):
    model = model_of(kind, histories(timed=True), rates=positive_rates)
    for u in range(len(ASKED)):
        for item in range(ITEMS):
            found = explanation(model, ASKED.of(u), item, time)
            assert abs(found.total - found.score) <= found.bound
            assert found.bound <= 2.0**-30 * (1 + abs(found.score))


def test_a_contribution_is_what_the_score_loses_without_its_demonstration():
    model = model_of()
    item = max(range(ITEMS), key=lambda j: len(explanation(model, ASKED.of(3), j).demonstrations))
    found = explanation(model, ASKED.of(3), item)
    assert len(found.demonstrations) > 1
    for number, part in zip(found.demonstrations, found.contributions, strict=True):
        rates = np.ones(len(model.demonstrations))
        rates[number] = 0
        without = explanation(model.with_rates(rates), ASKED.of(3), item)
        assert abs(found.score - without.score - part) <= found.bound + without.bound


def test_only_demonstrations_of_the_item_contribute():
    model = model_of()
    found = explanation(model, ASKED.of(3), 11)
    assert len(found.demonstrations)
    assert (model.demonstrations.targets[found.demonstrations] == 11).all()
    assert (np.diff(found.contributions) <= 0).all()


def test_a_demonstration_that_says_nothing_is_not_listed():
    """A demonstration of the item whose history shares no item with the present user's has weight zero."""
    model, silent = model_of(), 0
    for u in range(len(ASKED)):
        for item in range(ITEMS):
            found = explanation(model, ASKED.of(u), item)
            assert (found.contributions != 0).all()
            silent += (model.demonstrations.targets == item).sum() - len(found.demonstrations)
    assert silent > 0


def test_the_bound_is_that_of_the_number_of_terms():
    """84 terms and 16 products make m = 100, on either side: 2 gamma_100 (1 + |-2| + 3), gamma_m = mu / (1 - mu)."""
    nothing = np.zeros(0, int)
    parts = ScoreExplanation(0, 2.0, 1.0, np.array([-2.0]), nothing, nothing, np.array([3.0]), 84)
    wanted = 2 * Fraction(100, 2**53) / (1 - Fraction(100, 2**53)) * 6
    # two units in the last place for three products and a quotient
    assert abs(Fraction(parts.bound) - wanted) <= wanted / 2**51


def test_users_get_the_sums_of_their_transitions():
    model = model_of()
    found = explanation(model, ASKED.of(3), 11)
    users, sums = found.by_user(model.demonstrations.users)
    assert set(users) == set(model.demonstrations.users[found.demonstrations])
    assert abs(sums.sum() - found.contributions.sum()) <= found.bound


@pytest.mark.parametrize("kind", [Ridge, DeltaRule])
def test_forms_that_mix_demonstrations_say_so(kind):
    with pytest.raises(NotImplementedError, match="mixes its demonstrations"):
        explanation(model_of(kind), ASKED.of(0), 1)


def test_an_item_of_no_catalogue_is_refused():
    with pytest.raises(ValueError, match="numbered from 0 to 11"):
        explanation(model_of(), ASKED.of(0), ITEMS)


def test_reasons_have_names_and_the_place_in_the_list():
    split = generate_split(0)
    found = Recommender(split.catalogue).fit(split.context("test"), split.users)
    best = split.catalogue.names[found.recommend("user-3", 1).items[0]]
    told = explain_by_name(found, "user-3", best)
    assert told.place == 1
    assert abs(sum(part.part for part in told.parts) - told.score) <= 2 * told.bound
    assert {part.source for part in told.parts} == {"transition", "text", "popularity"}
    assert {part.user for part in told.parts if part.source == "transition"} == {user for user, _ in told.users}
    assert all(user in split.users for user, _ in told.users)
    had = split.catalogue.names[found.history("user-3")[0]]
    assert explain_by_name(found, "user-3", had).place is None


def test_on_real_data_the_parts_sum_to_the_score(shared_data):
    split = load_split(shared_data / "amazon_office")
    found = Recommender(split.catalogue).fit(split.context("test"), split.users)
    for number in range(0, len(split.test), 1500):
        asked = split.test.take(np.array([number]))
        assert asked.times is not None
        told = explanation(found.model, asked.histories, int(asked.targets[0]), int(asked.times[0]))
        assert abs(told.total - told.score) <= told.bound
        assert told.score == found.scores(asked)[0, asked.targets[0]]


def test_data_values_belong_to_users():
    split = generate_split(0)
    model = Recommender(split.catalogue).fit(split.context("valid"), split.users).model
    values = data_values(model, split.valid.take(np.arange(20)))
    users, sums = values.by_user()
    assert np.array_equal(users, np.unique(model.demonstrations.users))
    assert abs(sums.sum() - values.values.sum()) <= len(values.values) * np.abs(values.values).sum() * 2.0**-52
