"""The recommender as its users hold it: fit, recommend, explain, update, erase; no weight is trained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Catalogue, Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.score_explanation import ScoreExplanation, explanation
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.registry import build
from lrgd_jax.recommend.measure.ranking import NOBODY, best
from lrgd_jax.recommend.serving.knowledge import Knowledge
from lrgd_jax.recommend.serving.name_lookup import number_of, require_number

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
        >>> from lrgd_jax.recommend import Meta
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> recommender = Recommender(Catalogue(("atlas", "lamp", "tent")), Meta(similarity=0.0)).fit(past)
        >>> best = recommender.recommend("1", k=1)
        >>> best.items.tolist(), best.scores.shape
        ([1], (1,))
    """

    items: Int[np.ndarray, " k"]
    scores: Float[np.ndarray, " k"]


class Recommender(Knowledge):
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
        >>> from lrgd_jax.recommend import Meta
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

    @classmethod
    def open(cls, file: str | Path, catalogue: Catalogue | None = None) -> "Recommender":
        """A saved recommender that keeps what happens to it: an update is on the disk when the call returns.

        Beside the file lies a log, FILE.updates, to which every process that has opened the file appends; each of them
        sees what the others wrote. Where a process ends at any moment, no update that returned is lost, and none is
        there by half.

        Args:
            file: what `save_recommender` wrote.
            catalogue: the one that it must be of; any unless given.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it or its log is damaged, the log is locked or of another file, or the catalogue is another one.

        Examples:
            >>> import tempfile
            >>> from lrgd_jax.recommend.serving.storage import save_recommender
            >>> shop = Recommender(Catalogue(("atlas", "lamp"))).fit(Sequences.from_lists([[0, 1]]), ["Ada"])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     save_recommender(shop, Path(folder) / "shop.npz")
            ...     opened = Recommender.open(Path(folder) / "shop.npz").update("Ada", ["atlas"])
            ...     opened.close()
            ...     again = Recommender.open(Path(folder) / "shop.npz")
            ...     again.history("Ada")
            ...     again.close()
            [0, 1, 0]
        """
        from lrgd_jax.recommend.serving.storage import open_recommender

        return open_recommender(Path(file), catalogue)

    def compact(self) -> Self:
        """Writes what happened since into the file itself, and empties the log.

        Only then is an erased user gone from the disk.

        Raises:
            ValueError: this recommender was not opened, or another process is writing the file.
            OSError: the file cannot be written.
        """
        from lrgd_jax.recommend.serving.storage import compact_recommender

        compact_recommender(self)
        return self

    @property
    def model(self) -> OneStep:
        """The recommender as a function of histories, on the demonstrations of now."""
        memory = self.memory
        if self._model is None:
            sequences, demonstrations = memory.sequences(), memory.demonstrations()
            counts = popularity(sequences, len(self.catalogue))
            initial = InitialWeights.of(counts, self.meta, self._vectors)
            model = build(self.form, demonstrations, initial, self.meta, **self.options)
            # the steps have kept the sums up to date
            self._model = model.with_dual_weights(memory.sums())
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
        memory = self.memory
        memory.require_user(user)
        return memory.past(user, time)
