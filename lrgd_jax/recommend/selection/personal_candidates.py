"""What a selector for one user may see: the demonstrations that this user attends to at all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.selection.pool import Order

__all__ = ["Candidates", "PersonalSelector"]


@dataclass(frozen=True)
class Candidates:
    """The demonstrations that a user attends to and whose target is new to the user; what is known of them.

    Attributes:
        weights: what each adds to its target's score, attention weight times the target's scale, shape [n].
        targets: their items.
        cosines: cosine of key and query.
        ages: transitions of the same past user that came after.
        values: data value on validation users.
        texts: BM25 score of the target's text for the words of the history; zeros without texts.
        pseudo: effect on the user's own latest item, asked from the history before it.
        expected: effect that a predictor learnt on validation users expects.
        rows: keys and targets side by side, rows of length one, shape [n, d].

    Examples:
        >>> from lrgd_jax.recommend.selection import PERSONAL
        >>> three = {name: np.zeros(3) for name in ("cosines", "ages", "values", "texts", "pseudo", "expected")}
        >>> targets, weights = np.array([4, 4, 7]), np.array([0.5, 0.25, 2.0])
        >>> candidates = Candidates(weights=weights, targets=targets, rows=sp.csr_array(np.eye(3)), **three)
        >>> PERSONAL["attention"](candidates, 2, np.random.default_rng(0)).tolist()
        [2, 0]
    """

    weights: Float[np.ndarray, " n"]
    targets: Int[np.ndarray, " n"]
    cosines: Float[np.ndarray, " n"]
    ages: Float[np.ndarray, " n"]
    values: Float[np.ndarray, " n"]
    texts: Float[np.ndarray, " n"]
    pseudo: Float[np.ndarray, " n"]
    expected: Float[np.ndarray, " n"]
    rows: sp.csr_array

    def __len__(self) -> int:
        return len(self.targets)


PersonalSelector: TypeAlias = Callable[[Candidates, int, np.random.Generator], Order]
"""Candidates, the largest budget, chance -> positions among the candidates, the first chosen first."""
