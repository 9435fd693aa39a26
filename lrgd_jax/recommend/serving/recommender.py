"""The recommender as its users hold it: fit, recommend, explain, update, erase; no weight is trained."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Catalogue, Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.score_explanation import ScoreExplanation, explanation
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.registry import build
from lrgd_jax.recommend.serving.item_lists import Choice, ItemLists, top
from lrgd_jax.recommend.serving.knowledge import Knowledge
from lrgd_jax.recommend.serving.name_lookup import number_of, require_number
from lrgd_jax.recommend.serving.recommended import Recommended, lists_table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Recommender"]


USUAL = 10
"""How long a list is where nobody says."""


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
        history: Sequence[str | int] | None = None,
        time: int | None = None,
        seen: bool = False,
        allow: Iterable[str | int] | None = None,
        deny: Iterable[str | int] | None = None,
    ) -> Recommended:
        """The k best items that the user has not had.

        Args:
            user: whose history is continued.
            k: how many items; 10, or the whole catalogue where it is smaller, unless given.
            history: in place of a known user's, names or numbers of items, oldest first.
            time: demonstrations at or after it do not count.
            seen: whether items that the user has had may be in the list.
            allow: names or numbers of the only items that may be in it.
            deny: names or numbers of items that may not.

        Raises:
            ValueError: neither or both of user and history, an unknown user or item, or k larger than the catalogue.
        """
        if (user is None) == (history is None):
            raise ValueError("give either the name of a user or a history")
        choice = self._choice(k, seen, allow, deny)
        if user is not None:
            past = self._past(user, time)
        else:
            past = Sequences.from_lists([self._numbers("an item of a history", history or [])])
        return next(self._lists_for(past, choice, None if time is None else np.array([time])))

    def recommend_many(
        self,
        users: Sequence[str] | None = None,
        k: int | None = None,
        *,
        seen: bool = False,
        allow: Iterable[str | int] | None = None,
        deny: Iterable[str | int] | None = None,
        progress: Callable[[int], object] = lambda done: None,
    ) -> "pl.DataFrame":
        """The lists of many users as one table.

        Args:
            users: whose; everybody's unless given.
            k: how many items each; 10, or the whole catalogue where it is smaller, unless given.
            seen: whether items that a user has had may be in the list.
            allow: names or numbers of the only items that may be in one.
            deny: names or numbers of items that may not.
            progress: is told after each list how many there are.

        Returns:
            Columns user, place from 1, item, title where the items have titles, and score.

        Raises:
            ValueError: an unknown user or item, or k larger than the catalogue.

        Examples:
            >>> from lrgd_jax.recommend import Meta
            >>> past = Sequences.from_lists([[0, 1], [0, 2]])
            >>> shop = Recommender(Catalogue(("atlas", "lamp", "tent")), Meta(similarity=0.0)).fit(past, ["Ada", "Bo"])
            >>> shop.recommend_many(k=1).select("user", "place", "item").rows()
            [('Ada', 1, 'tent'), ('Bo', 1, 'lamp')]
        """
        choice, memory = self._choice(k, seen, allow, deny), self.memory
        names = [*memory.histories] if users is None else list(users)
        for name in names:
            memory.require_user(name)
        listed = []
        for made in self._lists_for(memory.histories.lists(names)[0], choice):
            listed.append(made)
            progress(len(listed))
        return lists_table(names, listed)

    def _choice(
        self, k: int | None, seen: bool, allow: Iterable[str | int] | None, deny: Iterable[str | int] | None
    ) -> Choice:
        size = len(self.memory.counts)
        k = min(USUAL, size) if k is None else require_number("k", k)
        if not 1 <= k <= size:
            raise ValueError(f"k = {k}: expected 1 to {size}, the size of the catalogue")
        allowed, denied = (
            None if items is None else np.unique(np.array(self._numbers(what, items), np.int64))
            for what, items in (("an item to allow", allow), ("an item to deny", deny))
        )
        return Choice(k, allowed, denied, seen)

    def _numbers(self, what: str, items: Iterable[str | int]) -> list[int]:
        if isinstance(items, str):
            raise ValueError(f"{what}: expected a list of names, got the one text {items!r}")
        known, most = self.item_numbers, len(self.catalogue) - 1
        return [
            number_of("item", x, known) if isinstance(x, str) else require_number(what, x, most=most) for x in items
        ]

    def _lists_for(
        self, histories: Sequences, choice: Choice, times: Int[np.ndarray, " q"] | None = None
    ) -> Iterator[Recommended]:
        for number, (items, scores) in enumerate(self._best(histories, choice, times)):
            had = np.isin(items, histories.of(number)) if choice.seen else np.zeros(len(items), bool)
            yield Recommended(items, scores, self.catalogue, had)

    def _best(
        self, histories: Sequences, choice: Choice, times: Int[np.ndarray, " q"] | None
    ) -> Iterator[tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]]:
        """By the sums alone where the form has them, else by a score of every item."""
        if self.form == "linear" and times is None:
            memory = self.memory
            if self._item_lists is None:
                self._item_lists = ItemLists(memory, self.meta, self._vectors)
            yield from self._item_lists.best(histories, choice)
            return
        for rows, scores in self.model.blocks(histories, times):
            for number, row in zip(range(rows.start, rows.stop), scores, strict=True):
                row[choice.barred(histories.of(number))] = -np.inf
                items = np.arange(len(row)) if choice.allowed is None else choice.allowed
                yield top(items, row[items], choice.k)

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

    def __repr__(self) -> str:
        if not self.fitted:
            return f"{type(self).__name__}({self.form}, {len(self.catalogue)} items, not fitted)"
        memory, kept = self.memory, "" if self._log is None else f", kept in {self._log.file.name}"
        counts = f"{len(memory.histories)} users, {len(self.catalogue)} items, {int(memory.counts.sum())} interactions"
        return f"{type(self).__name__}({self.form}, {counts}{kept})"

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
