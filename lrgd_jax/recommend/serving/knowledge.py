"""What a recommender knows, and how that changes: fit, update, erase, new items; kept in a log where it was opened."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Float

from lrgd_jax.display import HtmlDisplay
from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.item_vectors import ItemVectors, item_vectors
from lrgd_jax.recommend.forms.meta_parameters import ORDERED, TIMED, Meta
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.registry import check_form
from lrgd_jax.recommend.serving.changes import Change, Erasure, Interactions, NewItems
from lrgd_jax.recommend.serving.interaction_memory import Memory
from lrgd_jax.recommend.serving.item_lists import ItemLists
from lrgd_jax.recommend.serving.name_lookup import number_of, require_name, require_number
from lrgd_jax.recommend.serving.update_log import UpdateLog

__all__ = ["Knowledge"]


class Knowledge(HtmlDisplay):
    """The catalogue, everybody's history and the meta-parameters; `Recommender` adds the answers.

    Args:
        catalogue: the items.
        meta: the meta-parameters; unless given, those for data with or without times.
        form: which attention, a name of `FORMS`.
        options: options of the form alone, such as {"temperature": 0.1}.

    Raises:
        ValueError: there is no such form, or it has no such option.
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
        self._meta, self._memory = meta, None
        self._model: OneStep | None = None
        self._item_lists: ItemLists | None = None
        self._log: UpdateLog | None = None
        self._applied = 0

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
        self._model = self._item_lists = None
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
    def fitted(self) -> bool:
        """Whether it has read anybody's history."""
        return self._memory is not None

    @property
    def memory(self) -> Memory:
        """Everybody's history.

        Raises:
            ValueError: `fit` was not called.
        """
        if self._memory is None:
            raise ValueError("this recommender has no demonstrations yet; call fit first")
        if self._log is not None and self._log.changed():
            self.catch_up()
        return self._memory

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
        memory, known = self.memory, self.item_numbers
        numbers = [number_of("item", x, known) if isinstance(x, str) else require_number("item", x) for x in items]
        seconds = None if times is None and not memory.timed else [require_number("time", x) for x in times or []]
        if seconds is not None and len(seconds) != len(numbers):
            raise ValueError(
                f"expected one time for each of {len(numbers)} items, got {len(seconds)}"
                if times is not None
                else "these histories have times: give one with every interaction"
            )
        if numbers:
            self._change(Interactions(user, tuple(numbers), None if seconds is None else tuple(seconds), together))
        return self

    def erase(self, user: str) -> Self:
        """Forgets a user, exactly: what is left is what a fit without the user would have been.

        Raises:
            ValueError: there is no such user.
        """
        self._change(Erasure(user))
        return self

    def add_items(
        self,
        names: Sequence[str],
        titles: Sequence[str] | None = None,
        vectors: Float[np.ndarray, "n d"] | None = None,
    ) -> Self:
        """New items, which nobody has taken yet; a text or a vector says what they are like.

        Args:
            names: different from each other and from all that are there.
            titles: a text each, where the catalogue has titles; none unless given.
            vectors: one each, where the catalogue has vectors, shape [n, d]; similar to nothing unless given.

        Raises:
            ValueError: a name is taken, or titles or vectors do not fit the catalogue; nothing is changed.
        """
        named = tuple(require_name("item", name) for name in names)
        texts = None if titles is None else tuple(require_name("title", title) for title in titles)
        rows = None if vectors is None else tuple(map(tuple, np.asarray(vectors, np.float64).tolist()))
        self._change(NewItems(named, texts, rows))
        return self

    def _change(self, change: Change) -> None:
        """One change, checked, then written where there is a log, then done."""
        memory, number = self.memory, 0
        if self._log is None:
            change.check(self.catalogue, memory)
        else:
            with self._log.turn():
                self.catch_up()
                change.check(self.catalogue, memory)
                number = self._log.append(change)
        self._apply(change, number)

    def _apply(self, change: Change, number: int) -> None:
        assert self._memory is not None  # noqa: S101 (whoever calls this has asked for it)
        before = self.catalogue
        self.catalogue = change.apply(before, self._memory)
        self._applied, self._model = number, None
        if self.catalogue is not before:
            self._item_lists = None
            for derived in ("item_numbers", "_vectors"):
                self.__dict__.pop(derived, None)

    def follow(self, log: UpdateLog, held: int, *, keep: bool = True) -> Self:
        """Does again what a log says, and from now on writes into it what happens.

        Args:
            log: of the file that this recommender was read from.
            held: how many of the log's changes that file holds already.
            keep: whether to go on with the log; else it is read once.
        """
        self._log, self._applied = log, held
        try:
            self.catch_up()
        except BaseException:
            self._log = None
            raise
        self._log = log if keep else None
        return self

    def catch_up(self) -> int:
        """Does what other processes have written into the log meanwhile; the number of the latest change."""
        if self._log is not None:
            for number, change in self._log.after(self._applied):
                self._apply(change, number)
        return self._applied

    @property
    def log(self) -> UpdateLog:
        """The log of an opened recommender.

        Raises:
            ValueError: it was not opened.
        """
        if self._log is None:
            raise ValueError("this recommender has no log, since it was not opened; see Recommender.open")
        return self._log

    def close(self) -> None:
        """Lets go of the log of an opened recommender; what happens to it from now on is not kept."""
        if self._log is not None:
            self._log.close()
            self._log = None

    @cached_property
    def item_numbers(self) -> dict[str, int]:
        """From names of items to their numbers."""
        return {name: number for number, name in enumerate(self.catalogue.names)}

    @cached_property
    def _vectors(self) -> ItemVectors | None:
        return item_vectors(self.catalogue)
