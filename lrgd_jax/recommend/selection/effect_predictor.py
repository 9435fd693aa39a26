"""A selector that learns to predict the effect from what is known of a demonstration without any label."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lrgd_jax.recommend.selection.baseline_selectors import steps_before_end
from lrgd_jax.recommend.selection.pool import Order, Pool, pool_effects, rank_by_value
from lrgd_jax.recommend.selection.similarity_selectors import attention_mass, unit_rows

__all__ = ["FEATURES", "EffectPredictor", "demonstration_features", "fit_predictor", "learned"]

FEATURES = (
    "log attention mass",
    "log popularity of the target",
    "log popularity of the latest item",
    "log length of the history",
    "log steps before the user's end",
    "log number of equal pairs",
    "share of the latest item in the key",
)
RIDGE = 1e-3
"""Of the regression, in units of the mean square of a standardised feature."""
TAILS = (0.005, 0.995)


@dataclass(frozen=True)
class EffectPredictor:
    """Ridge regression on features, their squares and products.

    Attributes:
        means: of the expanded features.
        scales: their deviations.
        weights: of the standardised ones.
        intercept: of the prediction.
    """

    means: Float[np.ndarray, " p"]
    scales: Float[np.ndarray, " p"]
    weights: Float[np.ndarray, " p"]
    intercept: float

    def __call__(self, given: Float[np.ndarray, "n f"]) -> Float[np.ndarray, " n"]:
        """Predicted effects."""
        return (_expanded(given) - self.means) / self.scales @ self.weights + self.intercept


def fit_predictor(given: Float[np.ndarray, "n f"], effect: Float[np.ndarray, " n"]) -> EffectPredictor:
    """The predictor with the least squared error and a small ridge."""
    wide = _expanded(given)
    means, scales = wide.mean(axis=0), wide.std(axis=0)
    scales[scales == 0] = 1
    standard = (wide - means) / scales
    gram = standard.T @ standard + RIDGE * len(wide) * np.eye(wide.shape[1])
    return EffectPredictor(
        means, scales, np.linalg.solve(gram, standard.T @ (effect - effect.mean())), float(effect.mean())
    )


def learned(pool: Pool, rng: np.random.Generator) -> Order:
    """By the predicted effect, each demonstration's predicted from the other half of the users' demonstrations.

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
        np.log1p(steps_before_end(demonstrations.users)),
        np.log(equal[which]),
        np.maximum.reduceat(keys.data, keys.indptr[:-1]),
    ]
    return np.stack(columns, axis=1)


def _expanded(given: Float[np.ndarray, "n f"]) -> Float[np.ndarray, "n p"]:
    first, second = np.triu_indices(given.shape[1])
    return np.concatenate([given, given[:, first] * given[:, second]], axis=1)
