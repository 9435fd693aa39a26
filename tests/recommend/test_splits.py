"""Cuts by place and by time, and that leaks are found."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Catalogue, Queries, Split
from lrgd_jax.recommend.data.generator import generate_dataset
from lrgd_jax.recommend.data.leakage import leakage
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import leave_last_out, split_by_time, time_quantile

CATALOGUE = Catalogue(tuple("wxyz"))
LISTS = Sequences.from_lists([[0, 1, 2, 3], [3, 1], [2, 0, 1]], [[1, 5, 9, 20], [4, 12], [10, 11, 30]])


def test_beginnings_and_questions_of_lists():
    assert LISTS.positions.tolist() == [0, 1, 2, 3, 0, 1, 0, 1, 2]
    short = LISTS.beginnings(np.array([2, -1, 9]))
    assert [short.of(k).tolist() for k in range(3)] == [[0, 1], [], [2, 0, 1]]
    assert short.seconds.tolist() == [1, 5, 10, 11, 30]
    asked = Queries.at(LISTS, np.array([4, 8, 1]))
    assert (asked.users.tolist(), asked.targets.tolist(), asked.seconds.tolist()) == ([1, 2, 0], [3, 1, 1], [4, 30, 5])
    assert [asked.histories.of(k).tolist() for k in range(3)] == [[], [2, 0], [0]]
    assert not len(Queries.at(LISTS, np.arange(0)))


def test_a_time_split_asks_about_every_later_event_with_a_past():
    split = split_by_time(CATALOGUE, ("a", "b", "c"), LISTS, valid_from=9, test_from=12)
    assert [split.train.of(k).tolist() for k in range(3)] == [[0, 1], [3], []]
    assert split.valid.users.tolist() == [0, 2]
    assert split.valid.targets.tolist() == [2, 0]
    assert [split.valid.histories.of(k).tolist() for k in (0, 1)] == [[0, 1], [2]]
    assert split.test.seconds.tolist() == [20, 12, 30]
    assert [split.test.histories.of(k).tolist() for k in range(3)] == [[0, 1, 2], [3], [2, 0]]
    assert split.test.histories.seconds.tolist() == [1, 5, 9, 4, 10, 11]


def test_leaving_the_last_out_keeps_the_times():
    split = leave_last_out(CATALOGUE, ("a", "b", "c"), LISTS)
    assert split.users == ("a", "c")
    assert split.test.seconds.tolist() == [20, 30]
    assert split.valid.histories.seconds.tolist() == [1, 5, 10]
    # a validation target is a demonstration for test queries, a test target for later test queries only
    assert split.context("valid").seconds.tolist() == [1, 5, 9, 10, 11]
    assert split.context("test").seconds.tolist() == [1, 5, 9, 20, 10, 11, 30]


def test_a_share_of_the_events_lies_before_its_moment():
    data = generate_dataset(0, users=50, items=60)
    times = data.sequences.seconds
    # the moment is an event itself, so at most one event fewer than the share lies before it
    assert abs((times < time_quantile(data.sequences, 0.8)).sum() - 0.8 * len(times)) <= 1


@pytest.mark.parametrize("kind", ["last", "time"])
def test_a_sound_split_has_no_fault(kind):
    data = generate_dataset(1, users=80, items=60)
    split = leave_last_out(data.catalogue, data.users, data.sequences)
    if kind == "time":
        cuts = {"valid_from": time_quantile(data.sequences, 0.7), "test_from": time_quantile(data.sequences, 0.9)}
        split = split_by_time(
            data.catalogue, data.users, data.sequences, valid_from=cuts["valid_from"], test_from=cuts["test_from"]
        )
    found = leakage(split)
    found.refuse()
    assert found.own_future == found.trained_target == found.late_history == found.seen_target == 0
    assert (found.late_demonstrations > 0) == (kind == "last")


def sound() -> Split:
    return leave_last_out(CATALOGUE, ("a", "b", "c"), LISTS)


def test_a_user_s_own_future_is_found():
    split = replace(sound(), train=Sequences.from_lists([[0, 3], [2]], [[1, 21], [10]]))
    # both of a's queries, at 9 and at 20
    assert leakage(split).own_future == 2
    with pytest.raises(ValueError, match=r"own later events are in the training part \(2 of 4 queries\)"):
        leakage(split).refuse()


def test_the_asked_event_in_the_training_part_is_found():
    split = replace(sound(), train=Sequences.from_lists([[0, 2], [2]], [[1, 9], [10]]))
    assert leakage(split).trained_target == 1
    with pytest.raises(ValueError, match="asked about is in the training part"):
        leakage(split).refuse()


def test_a_history_that_goes_on_is_found():
    split = sound()
    late = replace(split.test, times=np.array([3, 30]))
    with pytest.raises(ValueError, match="history goes on after the target"):
        leakage(replace(split, test=late)).refuse()


def test_an_item_that_was_taken_twice_at_one_time_is_no_leak():
    """The other one is known and no candidate, so the question is a miss for everybody, and no fault."""
    for timed in (True, False):
        lists = Sequences.from_lists([[0, 1, 2, 1]], [[1, 7, 7, 7]])
        split = leave_last_out(CATALOGUE, ("a",), lists if timed else lists.without_times())
        checked = leakage(split)
        checked.refuse()
        assert (checked.seen_target, checked.trained_target) == (1, 0)


def test_a_cut_in_time_shows_first_baskets_and_all_that_happened():
    lists = Sequences.from_lists([[0, 1, 2, 2], [3, 1, 0]], [[1, 9, 12, 12], [10, 10, 13]])
    split = split_by_time(CATALOGUE, ("a", "b"), lists, valid_from=9, test_from=12)
    # b's first basket is no question
    assert split.valid.targets.tolist() == [1]
    assert split.test.targets.tolist() == [2, 2, 0]
    assert [split.context("valid").of(k).tolist() for k in (0, 1)] == [[0, 1], [3, 1]]
    assert [split.context("test").of(k).tolist() for k in (0, 1)] == [[0, 1, 2, 2], [3, 1, 0]]
    assert split.context("test").seconds.tolist() == lists.seconds.tolist()


def test_a_seen_target_is_counted_and_no_fault():
    lists = Sequences.from_lists([[0, 1, 0, 2, 1]])
    found = leakage(leave_last_out(CATALOGUE, ("a",), lists))
    found.refuse()
    assert (found.seen_target, found.timed) == (1, False)


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (lambda: split_by_time(CATALOGUE, ("a", "b", "c"), LISTS, valid_from=9, test_from=9), "must begin later"),
        (lambda: split_by_time(CATALOGUE, ("a", "b", "c"), LISTS, valid_from=0, test_from=9), "no training part"),
        (lambda: split_by_time(CATALOGUE, ("a", "b", "c"), LISTS, valid_from=6, test_from=7), "no validation part"),
        (
            lambda: split_by_time(CATALOGUE, ("a", "b", "c"), LISTS, valid_from=9, test_from=99),
            "no test part.*from 1 to 30",
        ),
        (
            lambda: split_by_time(CATALOGUE, ("a",), Sequences.from_lists([[1, 2]]), valid_from=1, test_from=2),
            "no times",
        ),
        (lambda: leave_last_out(CATALOGUE, ("a",), Sequences.from_lists([[1, 2]])), "no user has 3 items"),
        (lambda: time_quantile(LISTS, 1.5), "share = 1.5"),
    ],
)
def test_what_cannot_be_cut_is_named(cut, said):
    with pytest.raises(ValueError, match=said):
        cut()
