"""What every attribution returns."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["ScoreIntervals", "Scores"]


@dataclass(frozen=True)
class ScoreIntervals:
    """A confidence interval for each score by itself.

    Attributes:
        lower: shape [N].
        upper: shape [N].
        level: the probability with which one interval holds the exact score; asymptotic, in the number of samples.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.effect import ScoreIntervals
        >>> ScoreIntervals(lower=np.array([0.5]), upper=np.array([1.5]), level=0.95).level
        0.95
    """

    lower: Float[np.ndarray, " N"]
    upper: Float[np.ndarray, " N"]
    level: float


@dataclass(frozen=True)
class Scores:
    """One number a demonstration, in units of the loss; positive helps, that is, lowers the test loss.

    Attributes:
        values: shape [N].
        method: its name.
        cost: in forward passes of one prompt, by multiplications (`lrgd_jax.effect.cost`).
        whole: the fall of the loss from zero-shot to few-shot; None where the method does not know it.
        gap: |sum of the values - whole| / |whole|, the completeness gap; None without `whole`.
        interval: where the values are estimates.
        parts: of the values by layer and head, over which they sum to the values; None unless asked for.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.effect import Scores
        >>> Scores(np.array([1.0, 2.0]), method="by hand", cost=0.0, whole=4.0).gap
        0.25
    """

    values: Float[np.ndarray, " N"]
    method: str
    cost: float
    whole: float | None = None
    interval: ScoreIntervals | None = None
    parts: Float[np.ndarray, "layers heads N"] | None = None

    @property
    def gap(self) -> float | None:
        """The completeness gap, relative to the whole effect; infinite where only the whole is zero."""
        if self.whole is None:
            return None
        missing = abs(float(np.sum(self.values)) - self.whole)
        if self.whole == 0:
            return 0.0 if missing == 0 else float("inf")
        return missing / abs(self.whole)
