"""What can happen to a recommender after its fit: interactions, an erased user, new items; each whole or not at all."""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import numpy as np

from lrgd_jax.outside.arrays import require_real
from lrgd_jax.outside.convert import convert_record
from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.serving.interaction_memory import Memory

__all__ = ["Change", "Erasure", "Interactions", "NewItems", "describe_change", "restore_change"]


@dataclass(frozen=True)
class Interactions:
    """New interactions of one user.

    Attributes:
        user: whose; may be new.
        items: numbers, oldest first.
        times: one each, where the histories have times.
        together: where they have none, whether the items came at one time.
    """

    user: str
    items: tuple[int, ...]
    times: tuple[int, ...] | None = None
    together: bool = False

    @property
    def moments(self) -> list[tuple[int, int | None]]:
        """Each item with its time, None where there are no times."""
        return list(zip(self.items, self.times or [None] * len(self.items), strict=True))

    def check(self, catalogue: Catalogue, memory: Memory) -> None:
        """Raises an error where it cannot happen.

        Raises:
            ValueError: an item is not in the catalogue, or times are missing, out of order or not wanted.
        """
        if self.times is not None and len(self.times) != len(self.items):
            raise ValueError(f"expected one time for each of {len(self.items)} items, got {len(self.times)}")
        memory.check(self.user, self.moments, together=self.together)

    def apply(self, catalogue: Catalogue, memory: Memory) -> Catalogue:
        """One more step each; the catalogue stays."""
        memory.extend(self.user, self.moments, together=self.together)
        return catalogue


@dataclass(frozen=True)
class Erasure:
    """A user is forgotten.

    Attributes:
        user: a known one.
    """

    user: str

    def check(self, catalogue: Catalogue, memory: Memory) -> None:
        """Raises an error where there is no such user.

        Raises:
            ValueError: there is none.
        """
        memory.require_user(self.user)

    def apply(self, catalogue: Catalogue, memory: Memory) -> Catalogue:
        """All steps of the user back; the catalogue stays."""
        memory.forget(self.user)
        return catalogue


@dataclass(frozen=True)
class NewItems:
    """Items that were not in the catalogue; they come after those that are, in this order.

    Attributes:
        names: different from each other and from all that are there.
        titles: a text each, empty where there is none; only where the catalogue has titles.
        vectors: one each, only where the catalogue has vectors; without, they are similar to nothing.
    """

    names: tuple[str, ...]
    titles: tuple[str, ...] | None = None
    vectors: tuple[tuple[float, ...], ...] | None = None

    def check(self, catalogue: Catalogue, memory: Memory) -> None:
        """Raises an error where they do not fit the catalogue.

        Raises:
            ValueError: a name is there already or comes twice, or titles or vectors are not one each or not wanted.
        """
        known = Counter((*catalogue.names, *self.names))
        for name in self.names:
            if known[name] > 1:
                raise ValueError(f"the catalogue would have two items {name[:60]!r}; give each new item a new name")
        if self.titles is not None and catalogue.titles is None:
            raise ValueError("this catalogue has no titles, so a new item has none either; fit anew with titles")
        if self.titles is not None and len(self.titles) != len(self.names):
            raise ValueError(f"expected one title for each of {len(self.names)} items, got {len(self.titles)}")
        if self.vectors is not None and catalogue.vectors is None:
            raise ValueError("this catalogue has no vectors; give new items without")
        if self.vectors is not None and catalogue.vectors is not None:
            shape = (len(self.names), catalogue.vectors.shape[1])
            lengths = {len(vector) for vector in self.vectors}
            if len(self.vectors) != shape[0] or lengths - {shape[1]}:
                raise ValueError(
                    f"expected {shape[0]} vectors of {shape[1]} numbers, got {len(self.vectors)} of {lengths}"
                )
            require_real("vectors", np.array(self.vectors, np.float64).reshape(shape), shape)

    def apply(self, catalogue: Catalogue, memory: Memory) -> Catalogue:
        """The larger catalogue, of which the memory knows."""
        names, titles, vectors = (*catalogue.names, *self.names), catalogue.titles, catalogue.vectors
        if titles is not None:
            titles = (*titles, *(self.titles or [""] * len(self.names)))
        if vectors is not None:
            shape = (len(self.names), vectors.shape[1])
            added = np.array(self.vectors, vectors.dtype).reshape(shape) if self.vectors else np.zeros(shape)
            vectors = np.concatenate([vectors, added.astype(vectors.dtype)])
        memory.grow(len(names))
        return replace(catalogue, names=names, titles=titles, vectors=vectors)


Change: TypeAlias = Interactions | Erasure | NewItems

KINDS: dict[str, type[Change]] = {"interactions": Interactions, "erasure": Erasure, "items": NewItems}


def describe_change(change: Change) -> dict[str, object]:
    """A change as JSON can say it.

    Examples:
        >>> describe_change(Erasure("Ada"))
        {'kind': 'erasure', 'user': 'Ada'}
    """
    kind = next(name for name, known in KINDS.items() if type(change) is known)
    return {"kind": kind, **asdict(change)}


def restore_change(described: dict[str, object], *, where: str) -> Change:
    """What `describe_change` described.

    Args:
        described: what JSON said.
        where: begins every error.

    Raises:
        ValueError: it describes no change.

    Examples:
        >>> restore_change({"kind": "erasure", "user": "Ada"}, where="m.npz.updates")
        Erasure(user='Ada')
    """
    kind = described.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{where}: kind: expected one of {', '.join(KINDS)}, got {str(kind)[:60]!r}")
    fields = {name: value for name, value in described.items() if name != "kind"}
    return convert_record(fields, KINDS[kind], where=where)
