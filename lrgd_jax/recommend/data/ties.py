"""What to make of interactions of one user that share a time: a basket, a random order, or the order of the file."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Int

from lrgd_jax.recommend.data.sequences import Sequences

__all__ = ["AS_STORED", "BASKETS", "TieKind", "TieRule"]

TieKind: TypeAlias = Literal["basket", "shuffle", "as-stored"]


@dataclass(frozen=True)
class TieRule:
    """How the order within one time is read.

    Attributes:
        kind: "basket": it has no order, and no interaction of it is history to another. "shuffle": it is put into a
            random order, which then counts. "as-stored": the order of the file counts, as in the literature.
        seed: of the random order; for "shuffle" alone, where it must be given.

    Examples:
        >>> lists = Sequences.from_lists([[3, 1, 2]], [[5, 9, 9]])
        >>> TieRule("basket").of(lists).before.tolist(), TieRule("as-stored").of(lists).before.tolist()
        ([0, 1, 1], [0, 1, 2])
        >>> TieRule("shuffle", seed=0).of(lists).items.tolist()[0]
        3
    """

    kind: TieKind = "basket"
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("basket", "shuffle", "as-stored"):
            raise ValueError(f"unknown rule {self.kind!r} for ties; expected basket, shuffle or as-stored")
        if (self.seed is not None) != (self.kind == "shuffle"):
            raise ValueError("a random order of ties needs a seed, and no other rule takes one")

    def of(self, sequences: Sequences, owners: Int[np.ndarray, " n"] | None = None) -> Sequences:
        """The lists, read by this rule.

        A shuffled entry stands where its user, item, time and the seed put it, so that an interaction has the same
        place beside others of its time in whatever lists they are.

        Args:
            sequences: lists with what is known of their times.
            owners: whose each list is; 0, 1, … unless given.
        """
        if self.seed is None:
            return replace(sequences, ordered=self.kind == "as-stored")
        users = sequences.owners if owners is None else owners[sequences.owners]
        moments = sequences.moments if sequences.times is None else sequences.times
        drawn = _mix(self.seed, users, sequences.items, users if moments is None else moments)
        baskets = replace(sequences, ordered=False).basket_starts
        return replace(sequences.pick(sequences.starts, np.lexsort((drawn, baskets))), ordered=True)


BASKETS, AS_STORED = TieRule("basket"), TieRule("as-stored")


def _mix(seed: int, *columns: Int[np.ndarray, " m"]) -> np.ndarray:
    """A number for each row that looks random and depends on the row alone.

    Source: Steele, Lea and Flood 2014, OOPSLA, "Fast splittable pseudorandom number generators" (the finaliser).
    """
    state = np.full(len(columns[0]), seed % 2**64, np.uint64)
    for column in columns:
        state = (state ^ column.astype(np.int64).view(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state
