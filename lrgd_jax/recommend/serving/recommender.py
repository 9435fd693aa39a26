"""The recommender as its users hold it: fit, recommend, explain, update, erase; no weight is trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Catalogue, Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.score_explanation import ScoreExplanation, explanation
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.item_vectors import ItemVectors, item_vectors
from lrgd_jax.recommend.forms.meta_parameters import ORDERED, TIMED, Meta
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.registry import build, check_form
from lrgd_jax.recommend.measure.ranking import NOBODY, best
from lrgd_jax.recommend.serving.interaction_memory import Memory
from lrgd_jax.recommend.serving.name_lookup import number_of, require_name, require_number, unknown_name

__all__ = ["Recommended", "Recommender"]


USUAL = 10
"""How long a list is where nobody says."""


@dataclass(frozen=True)
class Recommended:
    """A list of items.

    Attributes:
        items: numbers in the catalogue, best first.
        scores: their scores, best first.

    Examples:
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> recommender = Recommender(Catalogue(("atlas", "lamp", "tent")), Meta(similarity=0.0)).fit(past)
        >>> best = recommender.recommend("1", k=1)
        >>> best.items.tolist(), best.scores.shape
        ([1], (1,))
    """

    items: Int[np.ndarray, " k"]
    scores: Float[np.ndarray, " k"]


class Recommender:
    """Attention over past users' transitions, with the interface of scikit-learn.

    Args:
        catalogue: the items.
        meta: the meta-parameters; unless given, those for data with or without times.
        form: which attention, a name of `FORMS`.
        options: options of the form alone, such as {"temperature": 0.1}.

    Raises:
        ValueError: there is no such form, or it has no such option.

    Source:
        Claims `item-knn-is-one-step` (the linear form), `user-knn-is-softmax-attention`, `ease-is-ridge-attention`.

    Examples:
        >>> catalogue = Catalogue(("atlas", "lamp", "tent"))
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> recommender = Recommender(catalogue, Meta(similarity=0.0)).fit(past, ["Ada", "Bo", "Cy"])
        >>> [catalogue.names[item] for item in recommender.recommend(history=[0], k=2).items]
        ['lamp', 'tent']
        >>> for user in ("Ada", "Cy"):
        ...     recommender = recommender.erase(user)
        >>> catalogue.names[recommender.recommend(history=[0], k=1).items[0]]
        'tent'
    """

    def __init__(
        self,
        catalogue: Catalogue,
        meta: Meta | None = None,
        form: str = "linear",
        options: Mapping[str, float] | None = None,
    ) -> None:
        check_form(form, options or ())
        self.catalogue, self.form, self.options = catalogue, form, dict(options or {})
        self._meta, self._memory, self._model = meta, None, None

    def fit(
        self, sequences: Sequences, users: Sequence[str] | None = None, rates: Float[np.ndarray, " m"] | None = None
    ) -> Self:
        """Reads everybody's history; whatever was known before is forgotten.

        Args:
            sequences: one list a user, oldest first.
            users: their names; "0", "1", … unless given.
            rates: rates of the transition into each entry; all one unless given.

        Raises:
            ValueError: the names are not one a list, or an item is not in the catalogue.
        """
        names = [str(number) for number in range(len(sequences))] if users is None else users
        self._meta = self._meta or (ORDERED if sequences.times is None else TIMED)
        self._memory = Memory.of(sequences, names, self._meta.keys(), len(self.catalogue), rates)
        self._model = None
        return self

    @property
    def meta(self) -> Meta:
        """The meta-parameters.

        Raises:
            ValueError: none were given, and which are fit is not known before `fit`.
        """
        if self._meta is None:
            raise ValueError("this recommender has no demonstrations yet; call fit first")
        return self._meta

    @property
    def memory(self) -> Memory:
        """Everybody's history.

        Raises:
            ValueError: `fit` was not called.
        """
        if self._memory is None:
            raise ValueError("this recommender has no demonstrations yet; call fit first")
        return self._memory

    @property
    def model(self) -> OneStep:
        """The recommender as a function of histories, on the demonstrations of now."""
        if self._model is None:
            sequences, demonstrations = self.memory.sequences(), self.memory.demonstrations()
            counts = popularity(sequences, len(self.catalogue))
            initial = InitialWeights.of(counts, self.meta, self._vectors)
            model = build(self.form, demonstrations, initial, self.meta, **self.options)
            # the steps have kept the sums up to date
            self._model = model.with_dual_weights(self.memory.sums())
        return self._model

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """Scores of every item; where queries have times and so have the demonstrations, only earlier ones count."""
        times = queries.times if self.memory.timed else None
        return self.model.scores(queries.histories, times)

    def recommend(
        self,
        user: str | None = None,
        k: int | None = None,
        *,
        history: Sequence[int] | None = None,
        time: int | None = None,
    ) -> Recommended:
        """The k best items that the user has not had.

        Args:
            user: whose history is continued.
            k: how many items; 10, or the whole catalogue where it is smaller, unless given.
            history: in place of a known user's, oldest first.
            time: demonstrations at or after it do not count.

        Raises:
            ValueError: neither or both of user and history, an unknown user, an item that is no number of one, or k
                larger than the catalogue.
        """
        k = min(USUAL, len(self.catalogue)) if k is None else require_number("k", k)
        if (user is None) == (history is None):
            raise ValueError("give either the name of a user or a history")
        if not 1 <= k <= len(self.catalogue):
            raise ValueError(f"k = {k}: expected 1 to {len(self.catalogue)}, the size of the catalogue")
        most = len(self.catalogue) - 1
        numbers = [require_number("an item of a history", x, most=most) for x in history or []]
        histories = Sequences.from_lists([numbers]) if user is None else self._past(user, time)
        scores = self.model.scores(histories, None if time is None else np.array([time]))
        scores[0, histories.items] = -math.inf
        items = best(scores, k)[0]
        items = items[items != NOBODY]
        return Recommended(items, scores[0, items])

    def explain(self, user: str, item: str | int, time: int | None = None) -> ScoreExplanation:
        """What made the score of an item for a user, exactly.

        Args:
            user: a known one.
            item: its name or number.
            time: demonstrations at or after it do not count.

        Raises:
            ValueError: an unknown user or item.
            NotImplementedError: a form whose answer is no sum over demonstrations.
        """
        number = number_of("item", item, self.item_numbers) if isinstance(item, str) else item
        number = require_number("item", number, most=len(self.catalogue) - 1)
        return explanation(self.model, self._past(user, time), number, time)

    def history(self, user: str, time: int | None = None) -> list[int]:
        """The items of a user, oldest first, those before a time where one is given.

        Raises:
            ValueError: there is no such user, or a time is given and the histories have none.
        """
        return self._past(user, time).items.tolist()

    def _past(self, user: str, time: int | None) -> Sequences:
        if require_name("user", user) not in self.memory.histories:
            raise unknown_name("user", user, self.memory.histories)
        return self.memory.past(user, time)

    def update(
        self,
        user: str,
        items: Sequence[str | int],
        times: Sequence[int] | None = None,
        *,
        together: bool = False,
    ) -> Self:
        """New interactions of a user, who may be new: one more step each.

        Interactions at one time are a basket, also with what the user took at that time before.

        Args:
            user: whose.
            items: names or numbers, oldest first.
            times: one each, where the histories have times.
            together: where they have none, whether the items came at one time.

        Raises:
            ValueError: an unknown item, times that are missing, out of order or not wanted, or `together` beside times;
                nothing is changed.
        """
        require_name("user", user)
        numbers = [number_of("item", x, self.item_numbers) if isinstance(x, str) else x for x in items]
        moments = [None] * len(numbers) if times is None else list(times)
        if len(moments) != len(numbers):
            raise ValueError(f"expected one time for each of {len(numbers)} items, got {len(moments)}")
        self.memory.extend(user, list(zip(numbers, moments, strict=True)), together=together)
        self._model = None
        return self

    def erase(self, user: str) -> Self:
        """Forgets a user, exactly: what is left is what a fit without the user would have been.

        Raises:
            ValueError: there is no such user.
        """
        if require_name("user", user) not in self.memory.histories:
            raise unknown_name("user", user, self.memory.histories)
        self.memory.forget(user)
        self._model = None
        return self

    @cached_property
    def item_numbers(self) -> dict[str, int]:
        """From names of items to their numbers."""
        return {name: number for number, name in enumerate(self.catalogue.names)}

    @cached_property
    def _vectors(self) -> ItemVectors | None:
        return item_vectors(self.catalogue)
