"""The predictor of effects: its formula on numbers that floats hold, and what does not depend on the units."""

import numpy as np

from lrgd_jax.recommend.selection.effect_predictor import EffectPredictor, fit_predictor


def test_a_prediction_is_that_of_the_standardised_features_and_their_products():
    # x = 3: features x and x^2 = 9, and 1/2 of (3 - 1) times 3 + 1/4 of (9 - 2) times 5 + 7 = 3 + 8.75 + 7
    predictor = EffectPredictor(np.array([1.0, 2.0]), np.array([2.0, 4.0]), np.array([3.0, 5.0]), 7.0)
    assert predictor(np.array([[3.0]])).tolist() == [18.75]


def test_the_unit_of_a_feature_changes_nothing():
    """A power of two scales means, deviations and features without rounding, and their quotients not at all."""
    rng = np.random.default_rng(0)
    given, effect = rng.standard_normal((50, 2)), rng.standard_normal(50)
    plain = fit_predictor(given, effect)(given)
    np.testing.assert_array_equal(fit_predictor(1024 * given, effect)(1024 * given), plain)


def test_a_feature_that_never_changes_says_nothing():
    rng = np.random.default_rng(1)
    given = np.stack([rng.standard_normal(20), np.full(20, 2.0)], axis=1)
    predictor = fit_predictor(given, np.full(20, 0.75))
    assert predictor(given).tolist() == [0.75] * 20


def test_the_ridge_shrinks_by_a_thousandth():
    """For x = -1, 1 and effects -1, 1 the features are x and the constant 1: the weight is 1/(1 + ridge)."""
    x = np.array([[-1.0], [1.0]])
    predicted = fit_predictor(x, x[:, 0])(x)
    np.testing.assert_array_equal(predicted, np.array([-1.0, 1.0]) * (2 / (2 + 2 * 1e-3)))
