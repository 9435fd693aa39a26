r"""$\sum_i\eta_i x_iy_i^\top$, features by items, of which single entries change without a copy of the rest."""

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.transitions import Transitions, transitions
from lrgd_jax.recommend.sparse_matrices import product

__all__ = ["SummedSteps", "demonstrate", "sum_steps"]

PIECE = 1 << 18
"""Interactions whose demonstrations are made at once when everything is summed."""
SPARE = 8
"""New entries lie beside the others until they are more than one to so many."""
LEAST = 4096
"""So many may always lie beside."""


class SummedSteps:
    """The sums by feature; entries are exact, so that adding and taking away leave no trace.

    Args:
        weights: the sums so far, shape [items, items].

    Examples:
        >>> sums = SummedSteps(sp.csr_array(np.array([[0.0, 2.0], [0.0, 0.0]])))
        >>> sums.add(np.array([0, 1]), np.array([1, 0]), np.array([0.5, 1.0]))
        >>> sums.matrix().toarray().tolist()
        [[0.0, 2.5], [1.0, 0.0]]
    """

    def __init__(self, weights: sp.csr_array) -> None:
        weights.sort_indices()
        self._weights, self._handed_out, self._zeros = weights, False, False
        self._beside: dict[int, dict[int, float]] = {}
        self._as_arrays: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._count = 0

    def add(
        self, features: Int[np.ndarray, " k"], items: Int[np.ndarray, " k"], entries: Float[np.ndarray, " k"]
    ) -> None:
        """Adds entries at some places; a place may come several times."""
        if self._handed_out:
            # whoever asked for the matrix keeps what it was then
            self._weights, self._handed_out = self._weights.copy(), False
        starts, columns, data = self._weights.indptr, self._weights.indices, self._weights.data
        for feature, item, entry in zip(features.tolist(), items.tolist(), entries.tolist(), strict=True):
            start, end = int(starts[feature]), int(starts[feature + 1])
            place = bisect_left(columns, item, start, end)
            if place < end and columns[place] == item:
                data[place] += entry
                self._zeros = self._zeros or data[place] == 0
            else:
                self._add_beside(feature, item, entry)
        if self._count > max(LEAST, len(data) // SPARE):
            self._join()

    def rows(self, feature: int) -> Iterator[tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]]:
        """The items of a feature and their sums, each item once; some sums may be zero."""
        start, end = self._weights.indptr[feature : feature + 2]
        yield self._weights.indices[start:end], self._weights.data[start:end]
        if feature in self._beside:
            if feature not in self._as_arrays:
                own = self._beside[feature]
                self._as_arrays[feature] = np.array([*own], np.int64), np.array([*own.values()])
            yield self._as_arrays[feature]

    def carry(self, queries: sp.csr_array) -> sp.csr_array:
        """What the steps carry for many queries at once, shape [q, items]."""
        if self._beside or self._zeros:
            self._join()
        return product(queries, self._weights)

    def matrix(self) -> sp.csr_array:
        """All sums, none of them zero; what changes later does not change it."""
        if self._beside or self._zeros:
            self._join()
        self._handed_out = True
        return self._weights

    def grow(self, items: int) -> None:
        """More items, of which nothing is known yet."""
        weights = self.matrix().copy()
        weights.resize((items, items))
        self._weights, self._handed_out = weights, False

    def _add_beside(self, feature: int, item: int, entry: float) -> None:
        own = self._beside.setdefault(feature, {})
        self._as_arrays.pop(feature, None)
        self._count += item not in own
        own[item] = own.get(item, 0.0) + entry
        if own[item] == 0:
            del own[item]
            self._count -= 1
            if not own:
                del self._beside[feature]

    def _join(self) -> None:
        features = [feature for feature, own in self._beside.items() for _ in own]
        items = [item for own in self._beside.values() for item in own]
        entries = [entry for own in self._beside.values() for entry in own.values()]
        change = sp.csr_array((entries, (features, items)), shape=self._weights.shape, dtype=np.float64)
        weights = sp.csr_array(self._weights + change)
        weights.eliminate_zeros()
        weights.sort_indices()
        self._weights, self._handed_out, self._zeros = weights, False, False
        self._beside, self._as_arrays, self._count = {}, {}, 0


def sum_steps(
    lists: Sequences, rates: Float[np.ndarray, " m"], keys: HistoryKeys, items: int, *, piece: int = PIECE
) -> sp.csr_array:
    """The sums of all demonstrations of some lists, made piece by piece: never all keys at once.

    Args:
        lists: one a user.
        rates: one an entry.
        keys: keys of the demonstrations.
        items: size of the catalogue.
        piece: interactions at once, about.

    Returns:
        Shape [items, items], none of the stored entries zero.
    """
    # sums of 1, 2, 4, ... pieces, as in a binary counter: an entry is added to others a logarithm of times
    waiting: list[tuple[int, sp.csr_array]] = []
    bounds = np.unique(np.searchsorted(lists.starts, np.arange(0, len(lists.items) + piece, piece)).clip(0, len(lists)))
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        own = slice(lists.starts[first], lists.starts[last])
        made, size = _summed(demonstrate(lists.block(slice(first, last)), rates[own], keys, items)), 1
        while waiting and waiting[-1][0] == size:
            made, size = sp.csr_array(waiting.pop()[1] + made), 2 * size
        waiting.append((size, made))
    total = sp.csr_array((items, items))
    for _, made in reversed(waiting):
        total = made if not total.nnz else sp.csr_array(total + made)
    total.eliminate_zeros()
    return total


def demonstrate(lists: Sequences, rates: Float[np.ndarray, " m"], keys: HistoryKeys, items: int) -> Transitions:
    """All transitions of some lists, each at the rate of its target's entry."""
    return transitions(lists, keys, items).with_rates(rates[lists.before > 0])


def _summed(demonstrations: Transitions) -> sp.csr_array:
    return product(demonstrations.rated_keys().T, demonstrations.target_matrix())
