"""What may be demonstrated to who asks: other users' transitions from before, and what is known of each."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from lrgd_jax.language_recommender.prompts import TitledTransition
from lrgd_jax.recommend.data.dataset import Catalogue, Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.data_values import data_values
from lrgd_jax.recommend.forms.item_vectors import ItemVectors, item_vectors
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.registry import build_from_histories
from lrgd_jax.recommend.sparse_matrices import dense, product, unit_rows

__all__ = ["AskedDemonstrations", "DemonstrationPool"]


@dataclass(frozen=True)
class AskedDemonstrations:
    """The demonstrations that one query may be shown, and what is known of them without its answer.

    Attributes:
        pool: whose they are.
        which: their numbers in the pool, shape [n].
        weights: attention weight of the one-step recommender, with the target's scale, shape [n].
        cosines: cosine of key and query, shape [n].
        users: cosine of the two users' sets of items, the other's from before the query, shape [n].
        titles: likeness of the latest titles of both histories, shape [n].
        latest: place among all transitions by time, the latest largest, shape [n].
        values: data value on validation users, zero without any, shape [n].
        popularity: log(1 + count) of the target, counted before the query, shape [n].

    Examples:
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> split = generate_split(0, users=40, items=60)
        >>> pool = DemonstrationPool.of(split.catalogue, split.context("test"), np.ones(60, bool))
        >>> asked = pool.asked(split.test, 0).take(np.arange(3))
        >>> len(asked), asked.features().shape, len(asked.transitions)
        (3, (3, 6), 3)
    """

    pool: "DemonstrationPool"
    which: Int[np.ndarray, " n"]
    weights: Float[np.ndarray, " n"]
    cosines: Float[np.ndarray, " n"]
    users: Float[np.ndarray, " n"]
    titles: Float[np.ndarray, " n"]
    latest: Float[np.ndarray, " n"]
    values: Float[np.ndarray, " n"]
    popularity: Float[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.which)

    def take(self, positions: Int[np.ndarray, " k"]) -> "AskedDemonstrations":
        """Some of them, in the order of their positions."""
        columns = ("which", "weights", "cosines", "users", "titles", "latest", "values", "popularity")
        return AskedDemonstrations(self.pool, *(getattr(self, name)[positions] for name in columns))

    @property
    def transitions(self) -> list[TitledTransition]:
        """Each one's history and target."""
        known = self.pool.transitions
        return [TitledTransition(known.histories.of(i).tolist(), int(known.targets[i])) for i in self.which]

    def features(self) -> Float[np.ndarray, "n 6"]:
        """What a predictor of effects reads; heavy tails as logarithms."""
        heavy = np.log1p(np.maximum(self.weights, 0))
        return np.stack([heavy, self.cosines, self.users, self.titles, self.values, self.popularity], axis=1)


@dataclass(frozen=True)
class DemonstrationPool:
    """Everybody's transitions, to be shown to queries that come after them.

    Attributes:
        transitions: histories, targets, users and times, in the order of the model's demonstrations.
        model: the one-step recommender on the same transitions.
        context: everybody's lists, of which the transitions are.
        catalogue: the items.
        titled: which items have a title; no other is demonstrated.
        values: data value of each transition on validation users; zeros where nobody was asked.

    Examples:
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> split = generate_split(0, users=40, items=60)
        >>> there = np.ones(60, bool)
        >>> pool = DemonstrationPool.of(split.catalogue, split.context("test"), there)
        >>> asked = pool.asked(split.test, 0)
        >>> bool((pool.transitions.times[asked.which] < split.test.times[0]).all())
        True
    """

    transitions: Queries
    model: OneStep
    context: Sequences
    catalogue: Catalogue
    titled: Bool[np.ndarray, " items"]
    values: Float[np.ndarray, " N"]

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        context: Sequences,
        titled: Bool[np.ndarray, " items"],
        *,
        meta: Meta | None = None,
        valid: Queries | None = None,
    ) -> "DemonstrationPool":
        """The pool of everybody's lists.

        Args:
            catalogue: the items.
            context: all that may be demonstrated, such as `Split.context`.
            titled: which items have a title.
            meta: of the one-step recommender; `Meta()` unless given.
            valid: queries of validation users, for data values; none unless given.
        """
        model = build_from_histories(context, len(catalogue), meta or Meta(similarity=0.0))
        transitions = Queries.at(context, np.flatnonzero(context.before > 0))
        values = np.zeros(len(transitions)) if valid is None else data_values(model, valid).values
        return cls(transitions, model, context, catalogue, titled, values)

    @cached_property
    def vectors(self) -> ItemVectors:
        """Of the items' titles, rows of length one."""
        made = item_vectors(self.catalogue)
        return sp.csr_array((len(self.catalogue), 1)) if made is None else made

    @cached_property
    def previous(self) -> Int[np.ndarray, " N"]:
        """The latest item of each transition's history."""
        return self.transitions.histories.items[self.transitions.histories.starts[1:] - 1]

    @cached_property
    def _latest(self) -> Float[np.ndarray, " N"]:
        times = self.transitions.times
        order = np.arange(len(self.transitions)) if times is None else np.argsort(times, kind="stable")
        places = np.empty(len(order))
        places[order] = np.arange(len(order))
        return places

    def asked(self, queries: Queries, number: int) -> AskedDemonstrations:
        """What may be shown to one query.

        Transitions of other users, before the query's time where times are known, whose target has a title and is new
        to who asks. So neither the answer's event nor anything after it is among them.

        Args:
            queries: who asks; their targets are not read.
            number: which of them.
        """
        query = queries.take(np.array([number]))
        history, time = query.histories.items, None if query.times is None else query.times[0]
        which = np.flatnonzero(self._allowed(query, time))
        demonstrations = self.model.demonstrations
        # of items, too, only what was taken before the query's time is counted
        times = query.times if self.transitions.times is not None else None
        asked = self.model.queries(query.histories, times)
        keys = demonstrations.keys[which]
        plain = dense(product(keys, asked.T)).ravel()
        targets = demonstrations.targets[which]
        unit = dense(product(unit_rows(keys), unit_rows(asked).T)).ravel()
        return AskedDemonstrations(
            pool=self,
            which=which,
            weights=plain * np.atleast_2d(self.model.target_scales(times))[0, targets],
            cosines=unit,
            users=self._alike_users(history, time)[self.transitions.users[which]],
            titles=self._alike_titles(history)[self.previous[which]],
            latest=self._latest[which],
            values=self.values[which],
            popularity=np.log1p(np.atleast_2d(self.model.initial.counts(times))[0, targets]),
        )

    def _allowed(self, query: Queries, time: int | None) -> Bool[np.ndarray, " N"]:
        known = self.transitions
        allowed = (known.users != query.users[0]) & self.titled[known.targets]
        allowed &= ~np.isin(known.targets, query.seen.items)
        return allowed if time is None or known.times is None else allowed & (known.times < time)

    def _alike_users(self, history: Int[np.ndarray, " h"], time: int | None) -> Float[np.ndarray, " users"]:
        """Cosine of everybody's items from before a time with those of a history."""
        lists = self.context
        before = np.ones(len(lists.items), bool) if time is None or lists.times is None else lists.times < time
        shared = np.bincount(lists.owners, before & np.isin(lists.items, history), minlength=len(lists))
        sizes = np.bincount(lists.owners, before, minlength=len(lists))
        return shared / np.sqrt(np.maximum(sizes, 1) * max(len(history), 1))

    def _alike_titles(self, history: Int[np.ndarray, " h"]) -> Float[np.ndarray, " items"]:
        """Likeness of every item's title to the latest of a history."""
        if not len(history):
            return np.zeros(len(self.catalogue))
        own = self.vectors[[history[-1]]]
        alike = sp.csr_array(self.vectors @ own.T)  # pyright: ignore[reportAttributeAccessIssue]
        return np.asarray(alike.toarray()).ravel()
