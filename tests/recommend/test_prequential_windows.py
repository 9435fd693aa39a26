"""Windows of time: what is asked in each, what may be known before, and that learning on is exactly one more step."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import GRID, HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.prequential_windows import (
    cut_windows,
    fade_rates,
    happened_before,
    latest_before,
    latest_entries,
)

ITEMS, KEYS = 100, HistoryKeys(0.8, 0.5)


@pytest.fixture(scope="module")
def events():
    return generate_split(0, 150, ITEMS).context("test")


@pytest.fixture(scope="module")
def demonstrations(events):
    return transitions(events, KEYS, ITEMS)


def weights(demonstrations, which: Any = slice(None), rates: Any = None):
    chosen = demonstrations if rates is None else demonstrations.with_rates(rates)
    chosen = chosen.take(which)
    none = popularity(Sequences(np.zeros(1, int), np.zeros(0, int)), ITEMS)
    return OneStep(chosen, InitialWeights(none), KEYS).dual_weights


def test_every_later_interaction_is_asked_once_after_all_of_its_own_past(events):
    cut = cut_windows(events, 5, 0.4)
    assert [one.end for one in cut[:-1]] == [one.start for one in cut[1:]]
    places = np.arange(len(events.items)) - events.starts[events.owners]
    later = (events.seconds >= cut[0].start) & (places > 0)
    assert sum(len(one.queries) for one in cut) == later.sum()
    for window in cut:
        queries = window.queries
        assert ((queries.seconds >= window.start) & (queries.seconds < window.end)).all()
        for k in range(0, len(queries), 7):
            own, history = events.of(queries.users[k]), queries.histories.of(k)
            assert np.array_equal(own[: len(history)], history)
            assert own[len(history)] == queries.targets[k]


def test_windows_hold_about_equally_many(events):
    cut = cut_windows(events, 5, 0.4)
    held = [((events.seconds >= one.start) & (events.seconds < one.end)).sum() for one in cut]
    ties = np.unique(events.seconds, return_counts=True)[1].max()
    assert max(held) - min(held) <= 1 + 2 * ties


def test_same_day_interactions_stay_in_one_window_and_out_of_each_other_s_history():
    lists = Sequences.from_lists([[0, 1, 2, 3], [4, 5, 6]], [[1, 2, 2, 3], [1, 2, 4]])
    first, second = cut_windows(lists, 2, 0.45)
    assert (first.start, first.end, second.end) == (2, 3, 5)
    assert first.queries.targets.tolist() == [1, 2, 5]
    assert [first.queries.histories.of(k).tolist() for k in range(3)] == [[0], [0], [4]]
    assert [first.queries.seen.of(k).tolist() for k in range(3)] == [[0], [0, 1], [4]]


def test_one_more_step_a_window_is_a_fresh_start_exactly(events, demonstrations):
    cut = cut_windows(events, 4, 0.4)
    learnt = weights(demonstrations, happened_before(demonstrations, cut[0].start))
    for window in cut:
        known = happened_before(demonstrations, window.start)
        learnt = learnt + weights(demonstrations, happened_before(demonstrations, window.end) & ~known)
    assert abs(learnt - weights(demonstrations)).max() == 0


def test_faded_rates_are_steps_with_weight_decay(events, demonstrations):
    cut, decay = cut_windows(events, 4, 0.4), 0.3
    edges = np.array([window.start for window in cut])
    learnt = weights(demonstrations, happened_before(demonstrations, cut[0].start))
    for before, window in pairwise(cut):
        new = happened_before(demonstrations, window.start) & ~happened_before(demonstrations, before.start)
        learnt = (1 - decay) * learnt + weights(demonstrations, new)
    now = cut[-1].start
    found = weights(demonstrations, happened_before(demonstrations, now), fade_rates(demonstrations, now, edges, decay))
    # each demonstration's part is put on the grid on the one side, and rounded far less on the other
    assert abs(found - learnt).max() <= len(demonstrations) * GRID


def test_the_latest_are_the_latest(demonstrations):
    now = int(np.median(demonstrations.times))
    chosen = latest_before(demonstrations, now, 50)
    assert chosen.sum() == 50
    known = happened_before(demonstrations, now)
    assert not (chosen & ~known).any()
    assert demonstrations.times[chosen].min() >= demonstrations.times[known & ~chosen].max()
    assert np.array_equal(latest_before(demonstrations, now, len(demonstrations)), known)


def test_the_latest_are_whole_baskets():
    lists = Sequences.from_lists([[0, 1, 2, 3], [4, 5, 6, 7]], [[1, 2, 2, 3], [1, 2, 2, 2]])
    made = transitions(lists, KEYS, 8)
    assert made.targets.tolist() == [1, 2, 3, 5, 6, 7]
    kept = {count: made.targets[latest_before(made, 9, count)].tolist() for count in range(1, 7)}
    assert kept == {1: [3], 2: [3], 3: [3], 4: [3, 5, 6, 7], 5: [3, 5, 6, 7], 6: [1, 2, 3, 5, 6, 7]}
    # where the order counts nothing is whole
    stored = transitions(replace(lists, ordered=True), KEYS, 8)
    assert [stored.targets[latest_before(stored, 9, count)].tolist() for count in (1, 2, 3)] == [[3], [3, 7], [3, 6, 7]]
    assert not latest_before(made, 3, 2).any()
    entries = {count: lists.items[latest_entries(lists, 9, count)].tolist() for count in (3, 4, 6, 8)}
    assert entries == {3: [3], 4: [3, 5, 6, 7], 6: [1, 2, 3, 5, 6, 7], 8: [*range(8)]}


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda e, d: cut_windows(Sequences(e.starts, e.items), 3, 0.5), "these data have no times"),
        (lambda e, d: cut_windows(e, 0, 0.5), "expected one window or more"),
        (lambda e, d: cut_windows(e, 3, 1.0), r"after a share in \(0, 1\)"),
        (lambda e, d: cut_windows(Sequences(e.starts, e.items, e.seconds * 0), 3, 0.5), "need 4 distinct times"),
        (lambda e, d: latest_before(d, 0, 0), "expected a positive number"),
        (lambda e, d: fade_rates(d, 0, np.zeros(1, int), 1.0), r"decay must lie in \[0, 1\)"),
        (lambda e, d: happened_before(replace(d, times=None), 0), "have only an order"),
    ],
)
def test_wrong_input_is_named(events, demonstrations, refused, message):
    with pytest.raises(ValueError, match=message):
        refused(events, demonstrations)
