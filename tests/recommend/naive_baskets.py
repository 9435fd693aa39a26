"""The recommender with baskets, event by event in plain Python, as the documentation defines it.

An event is (item, moment, place): what was taken, when, and where it is stored in its user's list. Whether one event is
before another of its user is a question of their moments, or under `as-stored` of their places:

- a *history* at an event is every event of the list that is before it, a *mate* one that is not before it but stored
  before it;
- an event's *age* in a history is the number of the history's events after it, and counts where that is below the
  window;
- every event with a history is a *demonstration*: the history's key, and the event's item as its target;
- to a query with a time, demonstrations and counts of strictly earlier events are shown, to one without all of them.

Decays are powers of two and scalings zero, so that every sum is exact in whatever order it is taken.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.meta_parameters import Meta

EXACT = Meta(0.5, 0.25, 0.0, 0.0, 0.0, 0.125, 0.0, window=3)


class Event(NamedTuple):
    """One interaction."""

    item: int
    moment: int
    place: int


class Question(NamedTuple):
    """One query."""

    user: int
    history: list[Event]
    mates: list[Event]
    target: Event
    shared: bool


def events_of(lists):
    """From lists of (item, moment), not decreasing, to lists of events."""
    return [[Event(item, moment, place) for place, (item, moment) in enumerate(one)] for one in lists]


def before(one, other, ordered):
    return one.place < other.place if ordered else one.moment < other.moment


def question(user, events, target, ordered):
    history = [x for x in events if before(x, target, ordered)]
    mates = [x for x in events if x.place < target.place and x not in history]
    shared = any(x.moment == target.moment and x.place == target.place - 1 for x in events)
    return Question(user, history, mates, target, shared)


def key(history, decay, window, ordered):
    """Item -> weight."""
    sums = Counter()
    for x in history:
        age = sum(before(x, y, ordered) for y in history)
        if age < window:
            sums[x.item] += decay**age
    return sums


def scores(context, history, time, items, ordered, meta=EXACT):
    """The score of every item: one step on all demonstrations, from the popularity."""
    asked, result = key(history, meta.query_decay, meta.window, ordered), np.zeros(items)
    for events in context:
        for x in events:
            if time is not None and x.moment >= time:
                continue
            result[x.item] += meta.popularity
            past = key([y for y in events if before(y, x, ordered)], meta.decay, meta.window, ordered)
            result[x.item] += sum(weight * asked[item] for item, weight in past.items())
    return result


def rank(row, target, seen):
    """1 + candidates above + half of the others beside; infinite for no candidate, or where all candidates tie."""
    candidates = [k for k in range(len(row)) if k not in seen]
    above = sum(row[k] > row[target] for k in candidates)
    beside = sum(row[k] == row[target] for k in candidates) - 1
    silent = beside + 1 == len(candidates) > 1
    return np.inf if target in seen or silent else 1 + above + beside / 2


def library_lists(events, timed):
    """The same as the package holds it."""
    lists = Sequences.from_lists([[x.item for x in one] for one in events], [[x.moment for x in one] for one in events])
    return lists if timed else lists.without_times()
