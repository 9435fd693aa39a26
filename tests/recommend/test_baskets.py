"""Interactions of one time are a basket: they have one age and one key, and no transition leads from one to another."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import leave_last_out
from lrgd_jax.recommend.data.ties import AS_STORED, TieRule
from lrgd_jax.recommend.forms.delta_rule import DeltaRule
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.learning.item_matches import key_entries
from lrgd_jax.recommend.measure.evaluation import evaluate
from lrgd_jax.recommend.measure.item_pairs import Pairs

BASKETS = Sequences.from_lists([[0, 1, 2, 3, 4], [5], [4, 2]], [[1, 2, 2, 5, 5], [2], [3, 3]])
"""{0} {1, 2} {3, 4}; {5}; {4, 2}."""


def test_what_is_before_and_after_a_basket():
    assert BASKETS.before.tolist() == [0, 1, 1, 3, 3, 0, 0, 0]
    assert BASKETS.ages.tolist() == [4, 2, 2, 0, 0, 0, 0, 0]
    assert BASKETS.basket_numbers.tolist() == [0, 1, 1, 2, 2, 0, 0, 0]
    stored = replace(BASKETS, ordered=True)
    assert stored.before.tolist() == BASKETS.positions.tolist()
    assert stored.ages.tolist() == [4, 3, 2, 1, 0, 0, 1, 0]
    np.testing.assert_array_equal(BASKETS.without_times().before, BASKETS.before)
    np.testing.assert_array_equal(BASKETS.take(np.array([2, 0])).before, [0, 0, 0, 1, 1, 3, 3])


def test_targets_of_a_basket_share_the_key_of_what_was_before_it():
    made = transitions(BASKETS, HistoryKeys(0.5, 0.0), 6)
    assert made.targets.tolist() == [1, 2, 3, 4]
    first, later = [1, 0, 0, 0, 0, 0], [0.25, 1, 1, 0, 0, 0]
    assert made.keys.toarray().tolist() == [first, first, later, later]
    assert made.previous.tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize(
    ("window", "kept"), [(1, [0, 1, 1, 0, 0, 0]), (2, [0, 1, 1, 0, 0, 0]), (3, [0.25, 1, 1, 0, 0, 0])]
)
def test_a_window_takes_whole_baskets(window, kept):
    made = transitions(BASKETS, HistoryKeys(0.5, 0.0, window), 6)
    assert made.keys.toarray()[-1].tolist() == kept
    entries = key_entries(BASKETS, 6, window)
    sums = np.zeros((4, 6))
    np.add.at(sums, (entries.demonstration[entries.slot], entries.item[entries.slot]), 0.5**entries.age)
    assert np.array_equal(sums, made.keys.toarray())


def test_a_chain_goes_from_every_item_of_a_basket_to_every_one_of_the_next():
    pairs = Pairs.of(BASKETS, 6, kind="next")
    found = set(zip(np.repeat(np.arange(6), np.diff(pairs.starts)).tolist(), pairs.targets.tolist(), strict=True))
    assert found == {(0, 1), (0, 2), (1, 3), (1, 4), (2, 3), (2, 4)}
    together, stored = (Pairs.of(x, 6, kind="together") for x in (BASKETS, replace(BASKETS, ordered=True)))
    np.testing.assert_array_equal(together.targets, stored.targets)


def test_the_delta_rule_corrects_once_a_basket():
    made = transitions(BASKETS, HistoryKeys(0.5, 0.0), 6).with_rates(np.array([1.0, 0.5, 0.0, 1.0]))
    model = DeltaRule(made, InitialWeights(popularity(BASKETS, 6), 0.0), HistoryKeys(0.5, 0.0), 0.0, step=0.25)
    x = made.keys.toarray()
    weights = np.zeros((6, 6))
    weights += 0.25 * np.outer(x[0], np.eye(6)[1] + 0.5 * np.eye(6)[2] - x[0] @ weights)
    weights += 0.25 * np.outer(x[2], np.eye(6)[4] - x[2] @ weights)
    asked = Sequences.from_lists([[0], [1], [2, 0]])
    # quarters and halves are exact
    assert np.array_equal(model.scores(asked), HistoryKeys(0.5, 0.0).of(asked, 6).toarray() @ weights)


def test_shares_of_targets_and_their_candidates_do_not_depend_on_the_rule():
    lists = Sequences.from_lists([[0, 1, 2, 3], [4, 5, 0], [1, 2, 3]], [[1, 2, 2, 2], [1, 2, 3], [7, 7, 7]])
    basket, stored = (
        leave_last_out(Catalogue(tuple("abcdef")), tuple("uvw"), lists, rule) for rule in (TieRule(), AS_STORED)
    )
    for split, read in ((basket, [[0], [4, 5], []]), (stored, [[0, 1, 2], [4, 5], [1, 2]])):
        assert [split.test.histories.of(k).tolist() for k in range(3)] == read
        assert [sorted(split.test.seen.of(k)) for k in range(3)] == [[0, 1, 2], [4, 5], [1, 2]]
        assert split.test.shared is not None
        assert split.test.shared.tolist() == [True, False, True]
        found = evaluate(lambda queries: np.eye(6)[queries.targets] * (queries.users < 2)[:, None], split, ks=(1,))
        groups = found.groups()
        assert {name: (len(x.users), x.values("HR@1").mean()) for name, x in groups.items()} == {
            "own time": (1, 1.0),
            "shared time": (2, 0.5),
        }


@pytest.mark.parametrize(("kind", "seed"), [("some", None), ("shuffle", None), ("basket", 1), ("as-stored", 1)])
def test_senseless_rules_are_refused(kind, seed):
    with pytest.raises(ValueError, match="ties"):
        TieRule(kind, seed)
