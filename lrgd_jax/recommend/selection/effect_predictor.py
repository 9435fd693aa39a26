"""Ridge regression that predicts effects from what is known without a label."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["EffectPredictor", "fit_predictor"]

RIDGE = 1e-3
"""Ridge of the regression, in units of the mean square of a standardised feature."""


@dataclass(frozen=True)
class EffectPredictor:
    """Ridge regression on features, their squares and products.

    Attributes:
        means: means of the expanded features.
        scales: their deviations.
        weights: weights of the standardised ones.
        intercept: intercept of the prediction.
    """

    means: Float[np.ndarray, " p"]
    scales: Float[np.ndarray, " p"]
    weights: Float[np.ndarray, " p"]
    intercept: float

    def __call__(self, given: Float[np.ndarray, "n f"]) -> Float[np.ndarray, " n"]:
        """Predicted effects."""
        return (_expand(given) - self.means) / self.scales @ self.weights + self.intercept


def fit_predictor(given: Float[np.ndarray, "n f"], effect: Float[np.ndarray, " n"]) -> EffectPredictor:
    """The predictor with the least squared error and a small ridge."""
    wide = _expand(given)
    means, scales = wide.mean(axis=0), wide.std(axis=0)
    scales[scales == 0] = 1
    standard = (wide - means) / scales
    gram = standard.T @ standard + RIDGE * len(wide) * np.eye(wide.shape[1])
    return EffectPredictor(
        means, scales, np.linalg.solve(gram, standard.T @ (effect - effect.mean())), float(effect.mean())
    )


def _expand(given: Float[np.ndarray, "n f"]) -> Float[np.ndarray, "n p"]:
    first, second = np.triu_indices(given.shape[1])
    return np.concatenate([given, given[:, first] * given[:, second]], axis=1)
