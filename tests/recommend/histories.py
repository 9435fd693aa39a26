"""Small histories for the tests of the recommender, and how far two sums of the same terms may be apart."""

from typing import Any

import numpy as np

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.transitions import transitions

ITEMS = 12
UNIT = np.finfo(np.float64).eps / 2


def histories(seed=0, users=9, items=ITEMS, timed=False, longest=7) -> Any:
    """Random lists; some users have one item, and items repeat."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, users)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    times = None
    if timed:
        times = np.concatenate([np.sort(rng.integers(0, 50, length)) for length in lengths])
    return Sequences(starts, rng.integers(0, items, starts[-1]), times)


def vectors(seed=1, items=ITEMS, width=3):
    return np.random.default_rng(seed).standard_normal((items, width))


def model_of(kind=OneStep, past=None, seed=0, rates=None, *, timed=False, **options) -> Any:
    """A recommender of any form with every part of it at work."""
    past = histories(seed, timed=timed) if past is None else past
    demonstrations = transitions(past, HistoryKeys(0.75, 0.5), ITEMS)
    if rates is not None:
        demonstrations = demonstrations.with_rates(rates(len(demonstrations)))
    initial = InitialWeights(popularity(past, ITEMS), 0.125, vectors(), 0.5)
    return kind(demonstrations, initial, HistoryKeys(0.5, 0.0), 0.25, 0.5, **options)


def positive_rates(n):
    return 0.25 + np.random.default_rng(7).random(n)


def allowed(terms, magnitude):
    """Two ways of adding up the same terms are this close: gamma_m on either side (Higham 2002, section 3.1)."""
    return 2 * terms * UNIT / (1 - terms * UNIT) * magnitude


def terms_of(model):
    """At most so many roundings meet any one term of a score: sums over demonstrations, history and widths."""
    return len(model.demonstrations) + 3 * model.items + 20
