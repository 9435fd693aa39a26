"""Coverage and the Gini coefficient against their definitions."""

import numpy as np
import pytest

from lrgd_jax.recommend.measure.exposure import coverage, gini


def test_the_coefficient_is_half_the_relative_mean_difference():
    counts = np.random.default_rng(0).integers(0, 20, 50)
    wanted = np.abs(counts[:, None] - counts).mean() / (2 * counts.mean())
    # whole numbers up to 50 * 50 * 20, then three divisions on either side
    assert abs(gini(counts) - wanted) <= 8 * np.finfo(float).eps


def test_its_ends():
    assert gini(np.full(7, 3)) == 0.0
    assert gini(np.array([0, 0, 5, 0])) == 3 / 4


def test_coverage_is_the_share_of_what_is_shown():
    assert coverage(np.array([0, 2, 1, 0])) == 0.5


def test_nothing_shown_is_named():
    with pytest.raises(ValueError, match="no item was shown"):
        gini(np.zeros(3, int))
    with pytest.raises(ValueError, match="empty catalogue"):
        coverage(np.zeros(0, int))
