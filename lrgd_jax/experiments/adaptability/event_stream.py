"""A stream of interactions in time, and what recommenders that know a beginning of it would answer next."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lrgd_jax.experiments.shared.recommender_data import split_of
from lrgd_jax.recommend.adaptation.rate_adaptation import StageTwo, adapt
from lrgd_jax.recommend.adaptation.rolling_origin import Origin
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import Popularity
from lrgd_jax.recommend.forms.registry import build
from lrgd_jax.recommend.forms.transitions import Transitions, transitions
from lrgd_jax.recommend.measure.prequential_windows import (
    Window,
    cut_windows,
    happened_before,
    latest_before,
    latest_entries,
)

__all__ = ["META", "Stream"]

META = Meta(0.8, 0.7, 0.5, 0.25, 0.0, 0.01, 0.0)
"""Without texts, so that scores are sparse; never chosen on these windows."""


@dataclass(frozen=True)
class Stream:
    """Everybody's interactions in order of time, and the recommenders that know a beginning of them.

    Attributes:
        data: a folder of data with times, or "generated".
        windows: that are reported.
        first: share of the interactions before the window on which rates are adapted only.
        popularity: weight of the popularity in W_0.
        stage: how rates are adapted.
        updates: how often, a window.
    """

    data: str
    windows: int
    first: float
    popularity: float
    stage: StageTwo
    updates: int

    @cached_property
    def events(self) -> Sequences:
        """All interactions, those that other experiments ask about among them."""
        return split_of(self.data).context("test")

    @cached_property
    def everything(self) -> Transitions:
        """Every demonstration there will be."""
        return transitions(self.events, META.keys(), len(split_of(self.data).catalogue))

    @cached_property
    def cut(self) -> list[Window]:
        """One window to adapt on, then those that are reported."""
        return cut_windows(self.events, self.windows + 1, self.first)

    @property
    def asked(self) -> list[Window]:
        """The windows that are reported."""
        return self.cut[1:]

    def known(self, now: int) -> int:
        """How many demonstrations lie before a reported window."""
        return int(happened_before(self.everything, self.asked[now].start).sum())

    def before(self, time: int) -> OneStep:
        """Knows what happened before a time, popularity included."""
        counted = self.events.seconds < time
        taken = Popularity(self.events.items[counted], None, self.everything.items)
        return self._model(self.everything.take(happened_before(self.everything, time)), taken)

    def at(self, now: int) -> OneStep:
        """Knows what happened before a reported window."""
        return self.before(self.asked[now].start)

    def daily(self, now: int) -> OneStep:
        """Knows the times of everything, so that to each query it can show all that happened before its day."""
        counted = Popularity(self.events.items, self.events.seconds, self.everything.items)
        return self._model(self.everything, counted)

    def recent(self, now: int) -> OneStep:
        """Knows as many of the latest demonstrations as the frozen one has, and as many of the latest interactions.

        Baskets are known whole, so that it may be a few fewer.
        """
        start, frozen = self.asked[now].start, self.asked[0].start
        kept = latest_entries(self.events, start, int((self.events.seconds < frozen).sum()))
        taken = Popularity(self.events.items[kept], None, self.everything.items)
        return self._model(self.everything.take(latest_before(self.everything, start, self.known(0))), taken)

    def adapted(self, now: int) -> OneStep:
        """Stage two on the window before, whose targets are labels there and demonstrations, at rate 1, afterwards."""
        window = self.cut[now]
        path = list(
            adapt(self.before(window.start), [Origin(window.queries.without_times())], self.stage, self.updates)
        )
        model = self.at(now)
        old = happened_before(model.demonstrations, window.start)
        rates = np.ones(len(old))
        rates[old] = path[-1].rates
        return model.with_rates(rates)

    def _model(self, demonstrations: Transitions, taken: Popularity) -> OneStep:
        meta = replace(META, popularity=self.popularity)
        return build("linear", demonstrations, InitialWeights.of(taken, meta), meta)
