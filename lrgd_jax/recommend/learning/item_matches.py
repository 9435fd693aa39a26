"""Where queries and demonstrations meet: every pair of a query's item and the same item in a demonstration's key."""

from dataclasses import dataclass, fields, replace
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.item_vectors import ItemVectors
from lrgd_jax.recommend.sparse_matrices import dense

__all__ = ["ItemMatches", "KeyEntries", "KeySlots", "item_matches", "key_entries"]


AnyArray: TypeAlias = np.ndarray | Array
"""Arrays of NumPy while pairs are looked for, of JAX where they are computed with."""


@struct.dataclass
class KeySlots:
    """Where the entries of the demonstrations' keys add up.

    Attributes:
        age: age of each entry, shape [K].
        slot: in which it adds up, shape [K].
        demonstration: demonstration of each slot, shape [S].
    """

    age: Float[AnyArray, " K"]
    slot: Int[AnyArray, " K"]
    demonstration: Int[AnyArray, " S"]


@dataclass(frozen=True)
class KeyEntries:
    """The demonstrations' keys before any meta-parameter: which item at which age.

    Attributes:
        age: age of each entry, shape [K].
        slot: the place (demonstration, item) in which entries add up, shape [K].
        demonstration: demonstration of each slot, shape [S].
        item: item of each slot, shape [S].
        targets: target of each demonstration, shape [N].
        times: times of the targets, shape [N], or None.
    """

    age: Int[np.ndarray, " K"]
    slot: Int[np.ndarray, " K"]
    demonstration: Int[np.ndarray, " S"]
    item: Int[np.ndarray, " S"]
    targets: Int[np.ndarray, " N"]
    times: Int[np.ndarray, " N"] | None

    def slots(self, dtype: npt.DTypeLike) -> KeySlots:
        """What scores are computed from, as arrays of JAX, with ages of a floating type."""
        age, slot, demonstration = (jnp.asarray(x) for x in (self.age.astype(dtype), self.slot, self.demonstration))
        return KeySlots(age, slot, demonstration)


@struct.dataclass
class ItemMatches:
    """A batch of queries and all that they meet; shapes are equal from batch to batch, padding has weight zero.

    Attributes:
        age: age of each item of a history, whole numbers, shape [E].
        row: its query, shape [E].
        count: how often that item was taken before the query's time, shape [E].
        there: 0 for padding, shape [E].
        similar: similarity of the item's text with all others, shape [E, items]; [E, 0] without text.
        entry: which item of a history each pair has, shape [P].
        slot: which place in a key each pair has, shape [P].
        cell: query x items + target of each pair, shape [P].
        earlier: 1 where a pair's demonstration counts for the query, else 0, shape [P].
        counts: counts of all items, one row a query or one for all, shape [q or 1, items].
        targets: what the queries want, shape [q].
        candidates: which items they may be recommended, shape [q, items].
    """

    age: Float[AnyArray, " E"]
    row: Int[AnyArray, " E"]
    count: Float[AnyArray, " E"]
    there: Float[AnyArray, " E"]
    similar: Float[AnyArray, "E w"]
    entry: Int[AnyArray, " P"]
    slot: Int[AnyArray, " P"]
    cell: Int[AnyArray, " P"]
    earlier: Float[AnyArray, " P"]
    counts: Float[AnyArray, "#q items"]
    targets: Int[AnyArray, " q"]
    candidates: Bool[AnyArray, "q items"]

    def pad(self, entries: int, pairs: int) -> "ItemMatches":
        """Pads to so many items of histories and so many pairs."""

        def longer(x: AnyArray, length: int) -> np.ndarray:
            return np.pad(x, [(0, length - len(x))] + [(0, 0)] * (x.ndim - 1))

        of_entries = {
            name: longer(getattr(self, name), entries) for name in ("age", "row", "count", "there", "similar")
        }
        of_pairs = {name: longer(getattr(self, name), pairs) for name in ("entry", "slot", "cell", "earlier")}
        return replace(self, **of_entries, **of_pairs)

    def on_device(self) -> "ItemMatches":
        """Makes them arrays of JAX, ages and floats as float32, the rest as it is."""
        real = {"age", "count", "there", "similar", "earlier", "counts"}
        arrays = {
            x.name: jnp.asarray(getattr(self, x.name), jnp.float32 if x.name in real else None) for x in fields(self)
        }
        return ItemMatches(**arrays)


def key_entries(sequences: Sequences, items: int, window: int) -> KeyEntries:
    """Takes the transitions of ordered lists apart."""
    before = sequences.before
    later = np.flatnonzero(before > 0)
    kept, taken, age = sequences.latest(sequences.basket_starts[later], before[later], window)
    demonstration, item = np.repeat(np.arange(len(later)), kept), sequences.items[taken]
    place, slot = np.unique(demonstration * items + item, return_inverse=True)
    times = None if sequences.times is None else sequences.times[later]
    return KeyEntries(age, slot, place // items, place % items, sequences.items[later], times)


def item_matches(
    keys: KeyEntries,
    queries: Queries,
    counts: Float[np.ndarray, "#q items"],
    vectors: ItemVectors | None,
    window: int,
) -> ItemMatches:
    """Finds the pairs of a batch of queries.

    Args:
        keys: keys of the demonstrations.
        queries: the batch.
        counts: how often each item was taken, before each query's time where there are times.
        vectors: vectors of the items' texts, or None.
        window: the latest items of a history that count.
    """
    items, histories = counts.shape[1], queries.histories
    kept, taken, age = histories.latest(histories.starts[1:], histories.lengths, window)
    row, item = np.repeat(np.arange(len(queries)), kept), histories.items[taken]
    order = np.argsort(keys.item, kind="stable")
    starts = np.searchsorted(keys.item[order], np.arange(items + 1))
    entry, offset = _rows_and_places(np.diff(starts)[item])
    slot = order[starts[item[entry]] + offset]
    demonstration = keys.demonstration[slot]
    earlier = np.ones(len(slot))
    if queries.times is not None and keys.times is not None:
        earlier = (keys.times[demonstration] < queries.times[row[entry]]).astype(np.float64)
        entry, slot, demonstration = (x[earlier > 0] for x in (entry, slot, demonstration))
        earlier = earlier[earlier > 0]
    candidates = np.ones((len(queries), items), bool)
    candidates[queries.seen.owners, queries.seen.items] = False
    similar = np.zeros((len(item), 0)) if vectors is None else dense(vectors[item] @ vectors.T)
    return ItemMatches(
        age=age.astype(np.float64),
        row=row,
        count=np.broadcast_to(counts, (len(queries), items))[row, item],
        there=np.ones(len(item)),
        similar=similar,
        entry=entry,
        slot=slot,
        cell=row[entry] * items + keys.targets[demonstration],
        earlier=earlier,
        counts=counts,
        targets=queries.targets,
        candidates=candidates,
    )


def _rows_and_places(lengths: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Row i as often as its length says, and 0, 1, … within each row."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.cumsum(lengths) - lengths
    return row, np.arange(len(row)) - starts[row]
