"""The tables of selectors: a new one is a function, a line here, and with it a row of the tests and the experiments."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from lrgd_jax.recommend.selection import personal_selectors as personal
from lrgd_jax.recommend.selection.baseline_selectors import popular, random, recent
from lrgd_jax.recommend.selection.effect_selectors import effect, iterated, non_redundant, robust
from lrgd_jax.recommend.selection.learned_selector import learned
from lrgd_jax.recommend.selection.personal_candidates import PersonalSelector
from lrgd_jax.recommend.selection.pool import Selector
from lrgd_jax.recommend.selection.reproduction_selector import reproduce
from lrgd_jax.recommend.selection.similarity_selectors import attention, dpp, mmr, similar

__all__ = ["LABELLED", "PERSONAL", "PERSONAL_LABELLED", "SHARED", "SelectorEntry"]

Select = TypeVar("Select")


@dataclass(frozen=True)
class SelectorEntry(Generic[Select]):
    """A line of a table.

    Attributes:
        select: the selector.
        labelled: whether it reads what validation users took. None reads a test item.
    """

    select: Select
    labelled: bool = False


_SHARED: dict[str, SelectorEntry[Selector]] = {
    "random": SelectorEntry(random),
    "recent": SelectorEntry(recent),
    "popular": SelectorEntry(popular),
    "similar": SelectorEntry(similar),
    "MMR": SelectorEntry(mmr),
    "DPP": SelectorEntry(dpp),
    "attention": SelectorEntry(attention),
    "reproduce": SelectorEntry(reproduce),
    "learned": SelectorEntry(learned, labelled=True),
    "effect": SelectorEntry(effect, labelled=True),
    "effect, iterated": SelectorEntry(iterated, labelled=True),
    "effect, not redundant": SelectorEntry(non_redundant, labelled=True),
    "effect, robust": SelectorEntry(robust, labelled=True),
}

_PERSONAL: dict[str, SelectorEntry[PersonalSelector]] = {
    "random": SelectorEntry(personal.random),
    "recent": SelectorEntry(personal.recent),
    "similar": SelectorEntry(personal.rank_by("cosines")),
    "BM25": SelectorEntry(personal.rank_by("texts")),
    "MMR": SelectorEntry(personal.mmr),
    "DPP": SelectorEntry(personal.dpp),
    "attention": SelectorEntry(personal.rank_by("weights")),
    "reproduce": SelectorEntry(personal.reproduce),
    "data value": SelectorEntry(personal.rank_by("values"), labelled=True),
    "attention, value positive": SelectorEntry(personal.attention_of_helpful, labelled=True),
    "effect on a pseudo-target": SelectorEntry(personal.rank_by("pseudo")),
    "learned effect": SelectorEntry(personal.rank_by("expected"), labelled=True),
}

SHARED: Mapping[str, Selector] = MappingProxyType({name: entry.select for name, entry in _SHARED.items()})
"""Name -> selector of one context for all users; from no knowledge to stage one."""

LABELLED = tuple(name for name, entry in _SHARED.items() if entry.labelled)
"""Those that read what the validation users took. None reads a test item."""

PERSONAL: Mapping[str, PersonalSelector] = MappingProxyType({name: x.select for name, x in _PERSONAL.items()})
"""Name -> selector of a context for each user alone."""

PERSONAL_LABELLED = tuple(name for name, entry in _PERSONAL.items() if entry.labelled)
"""Those that read what the validation users took."""
