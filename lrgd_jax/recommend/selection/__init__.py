"""Ways to choose demonstrations under a budget: for one context that all users share, and for each user alone."""

from lrgd_jax.recommend.selection.personal import PERSONAL, Candidates, PersonalSelector
from lrgd_jax.recommend.selection.pool import Pool, Selector, by_value, chosen_rates, effects
from lrgd_jax.recommend.selection.shared import LABELLED, SHARED

__all__ = [
    "LABELLED",
    "PERSONAL",
    "SHARED",
    "Candidates",
    "PersonalSelector",
    "Pool",
    "Selector",
    "by_value",
    "chosen_rates",
    "effects",
]
