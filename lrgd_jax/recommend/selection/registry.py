"""The table of selectors for a context that all users share."""

from collections.abc import Mapping
from types import MappingProxyType

from lrgd_jax.recommend.selection.baseline_selectors import popular, random, recent
from lrgd_jax.recommend.selection.effect_predictor import learned
from lrgd_jax.recommend.selection.effect_selectors import effect, iterated, non_redundant, robust
from lrgd_jax.recommend.selection.pool import Selector
from lrgd_jax.recommend.selection.reproduction_selector import reproduce
from lrgd_jax.recommend.selection.similarity_selectors import attention, dpp, mmr, similar

__all__ = ["LABELLED", "SHARED"]

SHARED: Mapping[str, Selector] = MappingProxyType(
    {
        "random": random,
        "recent": recent,
        "popular": popular,
        "similar": similar,
        "MMR": mmr,
        "DPP": dpp,
        "attention": attention,
        "reproduce": reproduce,
        "learned": learned,
        "effect": effect,
        "effect, iterated": iterated,
        "effect, not redundant": non_redundant,
        "effect, robust": robust,
    }
)
"""Name -> selector; from no knowledge to stage one."""

LABELLED = ("learned", "effect", "effect, iterated", "effect, not redundant", "effect, robust")
"""Those that read what the validation users took. None reads a test item."""
