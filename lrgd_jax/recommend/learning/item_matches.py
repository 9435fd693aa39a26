"""Where queries and demonstrations meet: every pair of a query's item and the same item in a demonstration's key."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.dataset import Queries, Sequences
from lrgd_jax.recommend.sparse_matrices import dense

__all__ = ["ItemMatches", "KeyEntries", "item_matches", "key_entries"]


@dataclass(frozen=True)
class KeyEntries:
    """The demonstrations' keys before any meta-parameter: which item at which age.

    Attributes:
        age: of each entry, shape [K].
        slot: the place (demonstration, item) in which entries add up, shape [K].
        demonstration: of each slot, shape [S].
        item: of each slot, shape [S].
        targets: of each demonstration, shape [N].
        times: of the targets, shape [N], or None.
    """

    age: Int[np.ndarray, " K"]
    slot: Int[np.ndarray, " K"]
    demonstration: Int[np.ndarray, " S"]
    item: Int[np.ndarray, " S"]
    targets: Int[np.ndarray, " N"]
    times: Int[np.ndarray, " N"] | None


@dataclass(frozen=True)
class ItemMatches:
    """A batch of queries and all that they meet; shapes are equal from batch to batch, padding has weight zero.

    Attributes:
        age: of each item of a history, whole numbers, shape [E].
        row: its query, shape [E].
        count: how often that item was taken before the query's time, shape [E].
        there: 0 for padding, shape [E].
        similar: of the item's text with all others, shape [E, items]; [E, 0] without text.
        entry: of a pair, which item of a history, shape [P].
        slot: of a pair, which place in a key, shape [P].
        cell: of a pair, query x items + target, shape [P].
        earlier: of a pair, 1 if the demonstration counts for the query, else 0, shape [P].
        counts: of all items, one row a query or one for all, shape [q or 1, items].
        targets: what the queries want, shape [q].
        candidates: which items they may be recommended, shape [q, items].
    """

    age: Float[np.ndarray, " E"]
    row: Int[np.ndarray, " E"]
    count: Float[np.ndarray, " E"]
    there: Float[np.ndarray, " E"]
    similar: Float[np.ndarray, "E w"]
    entry: Int[np.ndarray, " P"]
    slot: Int[np.ndarray, " P"]
    cell: Int[np.ndarray, " P"]
    earlier: Float[np.ndarray, " P"]
    counts: Float[np.ndarray, "#q items"]
    targets: Int[np.ndarray, " q"]
    candidates: Bool[np.ndarray, "q items"]


def key_entries(sequences: Sequences, items: int, window: int) -> KeyEntries:
    """Takes the transitions of ordered lists apart."""
    position = sequences.positions
    later = np.flatnonzero(position > 0)
    kept = np.minimum(position[later], window)
    demonstration, age = _rows_and_ages(kept)
    item = sequences.items[later[demonstration] - 1 - age]
    place, slot = np.unique(demonstration * items + item, return_inverse=True)
    times = None if sequences.times is None else sequences.times[later]
    return KeyEntries(age, slot, place // items, place % items, sequences.items[later], times)


def item_matches(
    keys: KeyEntries,
    queries: Queries,
    counts: Float[np.ndarray, "#q items"],
    vectors: Float[np.ndarray, "items d"] | sp.csr_array | None,
    window: int,
) -> ItemMatches:
    """Finds the pairs of a batch of queries.

    Args:
        keys: of the demonstrations.
        queries: the batch.
        counts: how often each item was taken, before each query's time where there are times.
        vectors: of the items' texts, or None.
        window: the latest items of a history that count.
    """
    items, histories = counts.shape[1], queries.histories
    kept = np.minimum(histories.lengths, window)
    row, age = _rows_and_ages(kept)
    item = histories.items[histories.starts[1:][row] - 1 - age]
    order = np.argsort(keys.item, kind="stable")
    starts = np.searchsorted(keys.item[order], np.arange(items + 1))
    entry, offset = _rows_and_ages(np.diff(starts)[item])
    slot = order[starts[item[entry]] + offset]
    demonstration = keys.demonstration[slot]
    earlier = np.ones(len(slot))
    if queries.times is not None and keys.times is not None:
        earlier = (keys.times[demonstration] < queries.times[row[entry]]).astype(np.float64)
        entry, slot, demonstration = (x[earlier > 0] for x in (entry, slot, demonstration))
        earlier = earlier[earlier > 0]
    candidates = np.ones((len(queries), items), bool)
    candidates[histories.owners, histories.items] = False
    similar = np.zeros((len(item), 0)) if vectors is None else dense(vectors[item] @ vectors.T)
    known = np.broadcast_to(counts, (len(queries), items))[row, item]
    cell = row[entry] * items + keys.targets[demonstration]
    there = np.ones(len(item))
    return ItemMatches(
        age.astype(np.float64),
        row,
        known,
        there,
        similar,
        entry,
        slot,
        cell,
        earlier,
        counts,
        queries.targets,
        candidates,
    )


def _rows_and_ages(lengths: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Row i as often as its length says, and 0, 1, … within each row."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.cumsum(lengths) - lengths
    return row, np.arange(len(row)) - starts[row]
