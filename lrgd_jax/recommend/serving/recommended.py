"""Lists of items as they are handed out: for one user, and for many as one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.display import HtmlDisplay
from lrgd_jax.recommend.data.dataset import Catalogue

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Recommended", "Row", "lists_table"]

SHOWN = 5
"""How many items of a list its `repr` names."""


@dataclass(frozen=True)
class Row:
    """An item of a list.

    Attributes:
        place: from 1.
        item: the item's name.
        title: its title, or its name where it has none.
        score: its score.
        had: whether the user has had it already.
    """

    place: int
    item: str
    title: str
    score: float
    had: bool


@dataclass(frozen=True, repr=False)
class Recommended(HtmlDisplay):
    """A list of items.

    Attributes:
        items: numbers in the catalogue, best first.
        scores: their scores, best first.
        catalogue: whose numbers they are.
        had: whether the user has had each already; only where that was asked for can one be.

    Examples:
        >>> from lrgd_jax.recommend import Meta, Recommender, Sequences
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> recommender = Recommender(Catalogue(("atlas", "lamp", "tent")), Meta(similarity=0.0)).fit(past)
        >>> best = recommender.recommend("1", k=1)
        >>> best.items.tolist(), best.scores.shape, best.names
        ([1], (1,), ('lamp',))
        >>> best
        Recommended(1 item: 'lamp' 1.2)
    """

    items: Int[np.ndarray, " k"]
    scores: Float[np.ndarray, " k"]
    catalogue: Catalogue
    had: Bool[np.ndarray, " k"]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the items, best first."""
        return tuple(self.catalogue.names[item] for item in self.items.tolist())

    @property
    def rows(self) -> Iterator[Row]:
        """The items, best first, with all that is known of each."""
        columns = self.items.tolist(), self.scores.tolist(), self.had.tolist()
        for place, (item, score, had) in enumerate(zip(*columns, strict=True), 1):
            yield Row(place, self.catalogue.names[item], self.catalogue.title(item), score, had)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        shown = [f"{row.title!r} {row.score:.3g}" for row, _ in zip(self.rows, range(SHOWN), strict=False)]
        rest = [f"{len(self) - SHOWN} more"] if len(self) > SHOWN else []
        count = f"{len(self)} item{'' if len(self) == 1 else 's'}"
        return f"Recommended({': '.join([count, *([', '.join([*shown, *rest])] if shown else [])])})"


def lists_table(users: Sequence[str], lists: Sequence[Recommended]) -> pl.DataFrame:
    """One row an item of each list: user, place, item, title, score.

    Args:
        users: whose the lists are.
        lists: one each, of one catalogue.
    """
    import polars as pl

    lengths = [len(one) for one in lists]
    numbers = np.concatenate([one.items for one in lists]) if lists else np.zeros(0, np.int64)
    catalogue = lists[0].catalogue if lists else Catalogue(())
    columns = {
        "user": pl.Series([*users], dtype=pl.String).gather(np.repeat(np.arange(len(lists)), lengths)),
        "place": np.concatenate([np.arange(1, n + 1) for n in lengths]) if lists else np.zeros(0, np.int64),
        "item": pl.Series(catalogue.names, dtype=pl.String).gather(numbers),
    }
    if catalogue.titles is not None:
        columns["title"] = pl.Series(catalogue.titles, dtype=pl.String).gather(numbers)
    columns["score"] = np.concatenate([one.scores for one in lists]) if lists else np.zeros(0)
    return pl.DataFrame(columns)
