"""A selector that learns to predict the effect from what is known of a demonstration without any label."""

import numpy as np
from jaxtyping import Float

from lrgd_jax.recommend.forms.transitions import steps_before_end
from lrgd_jax.recommend.selection.effect_predictor import fit_predictor
from lrgd_jax.recommend.selection.pool import Order, Pool, pool_effects, rank_by_value
from lrgd_jax.recommend.selection.similarity_selectors import attention_mass
from lrgd_jax.recommend.sparse_matrices import unit_rows

__all__ = ["FEATURES", "demonstration_features", "learned"]

FEATURES = (
    "log attention mass",
    "log popularity of the target",
    "log popularity of the latest item",
    "log length of the history",
    "log steps before the user's end",
    "log number of equal pairs",
    "share of the latest item in the key",
)
"""What is known of a demonstration, the columns of `demonstration_features`."""
TAILS = (0.005, 0.995)
"""Quantiles at which effects are cut before they are learnt."""


def learned(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks by the predicted effect, each demonstration's predicted from the other half of the users' demonstrations.

    Effects have heavy tails, so what is learnt is cut at the quantiles `TAILS`.
    """
    values, given = pool_effects(pool), demonstration_features(pool)
    learnt = np.clip(values, *np.quantile(values, TAILS))
    users = pool.model.demonstrations.users
    fold = rng.permutation(users.max() + 1)[users] % 2
    predicted = np.empty(len(values))
    for held in (0, 1):
        predicted[fold == held] = fit_predictor(given[fold != held], learnt[fold != held])(given[fold == held])
    return rank_by_value(predicted, rng)


def demonstration_features(pool: Pool) -> Float[np.ndarray, "N f"]:
    """`FEATURES` of every demonstration."""
    demonstrations, counts = pool.model.demonstrations, pool.model.initial.counts()
    pairs = demonstrations.previous.astype(np.int64) * pool.model.items + demonstrations.targets
    _, which, equal = np.unique(pairs, return_inverse=True, return_counts=True)
    keys = unit_rows(demonstrations.keys)
    columns = [
        np.log(attention_mass(pool) + 1e-3),
        np.log1p(counts[demonstrations.targets]),
        np.log1p(counts[demonstrations.previous]),
        np.log(np.maximum(np.diff(keys.indptr), 1)),
        np.log1p(steps_before_end(demonstrations)),
        np.log(equal[which]),
        np.maximum.reduceat(keys.data, keys.indptr[:-1]),
    ]
    return np.stack(columns, axis=1)
