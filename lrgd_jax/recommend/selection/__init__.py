"""Ways to choose demonstrations under a budget: for one context that all users share, and for each user alone."""

from lrgd_jax.recommend.selection.personal_candidates import Candidates, PersonalSelector
from lrgd_jax.recommend.selection.pool import Pool, Selector, budget_rates, pool_effects, rank_by_value
from lrgd_jax.recommend.selection.registry import LABELLED, PERSONAL, PERSONAL_LABELLED, SHARED

__all__ = [
    "LABELLED",
    "PERSONAL",
    "PERSONAL_LABELLED",
    "SHARED",
    "Candidates",
    "PersonalSelector",
    "Pool",
    "Selector",
    "budget_rates",
    "pool_effects",
    "rank_by_value",
]
