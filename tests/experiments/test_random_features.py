"""The predicted variances are those of the estimates, the wrong ones are not; rows are reproducible and drawn."""

import dataclasses
import math
from fractions import Fraction

import jax
import numpy as np
import pytest
from scipy import stats

from lrgd_jax.experiments import find, random_features
from lrgd_jax.experiments.random_features.config import Config
from lrgd_jax.experiments.random_features.measures import draw_instance, orthogonal_covariance, predicted, run_unit
from lrgd_jax.experiments.running import runner

TINY = Config(seeds=2, features=(2, 8), width=2, value_width=2, keys=3, queries=2, draws=64, dtype="float32")
EPS = float(np.finfo(np.float64).eps)
FALSE_ALARM = 1e-4
"""Of one comparison of a mean with its expectation, if means of so many draws are normal."""
DEVIATIONS = float(stats.norm.isf(FALSE_ALARM / 2))


def exact_covariance(square: Fraction, width: int) -> float:
    """The same series over the rationals, summed far beyond rounding; only e^{-2x} is rounded."""
    x, c, terms = square / 2, Fraction(width, 2), 60

    def rising(m: int) -> Fraction:
        return math.prod((c + k for k in range(m)), start=Fraction(1))

    rises = [rising(m) for m in range(2 * terms)]
    total = sum(
        x ** (m + n) / (math.factorial(m) * math.factorial(n)) * (rises[m] * rises[n] / rises[m + n] - 1)
        for m in range(terms)
        for n in range(terms)
    )
    return math.exp(-2 * float(x)) * float(total)


@pytest.mark.parametrize("width", [2, 5])
@pytest.mark.parametrize("square", [Fraction(1, 8), Fraction(3)])
def test_the_covariance_of_orthogonal_rows_is_the_series(square, width):
    exact = exact_covariance(square, width)
    # a sum of logarithms of at most 120 terms, each below 6 in size, loses fewer than 1000 roundings of a total below 1
    assert abs(orthogonal_covariance(float(square), width) - exact) <= 1000 * EPS
    assert exact < 0


def test_the_covariance_at_zero_and_its_width():
    assert orthogonal_covariance(0.0, 3) == 0
    with pytest.raises(ValueError, match="width 2 or more"):
        orthogonal_covariance(1.0, 1)


@pytest.fixture(scope="module")
def measured():
    """Rows of many draws at d = 2, where orthogonality matters most."""
    config = dataclasses.replace(TINY, features=(2, 32), length=0.5, draws=2**14, dtype="float64")
    # orthogonality shows in a few per cent of the error
    return config, {
        2: run_unit(dataclasses.replace(config, draws=2**17), "seed=0/features=2"),
        32: run_unit(config, "seed=0/features=32"),
    }


def distance(row, prediction):
    """From a measured mean to a prediction, in standard errors."""
    return abs(row["error"] - prediction) / row["standard_error"]


def test_the_exact_variances_are_measured(measured):
    _, rows = measured
    exact = [row for row in rows[2] + rows[32] if row.get("prediction") == "exact"]
    assert len(exact) == 6
    for row in exact:
        assert distance(row, row["predicted"]) < DEVIATIONS, row


def test_wrong_variances_are_rejected(measured):
    config, rows = measured
    queries, keys, values = draw_instance(jax.random.split(jax.random.key(0))[0], config)
    plain, orthogonal = (next(row for row in rows[2] if row["rows"] == kind) for kind in random_features.KINDS)
    assert (plain["quantity"], orthogonal["quantity"]) == ("kernel", "kernel")
    # plain rows' variance for orthogonal rows, and the difference of query and key for their sum
    assert distance(orthogonal, plain["predicted"]) > DEVIATIONS
    mirrored = predicted(-queries, keys, values, features=2, orthogonal=False)["kernel"][0]
    assert distance(plain, mirrored) > DEVIATIONS
    output = next(row for row in rows[2] if row["quantity"] == "output" and row["rows"] == "plain")
    uncorrelated = predicted(queries, keys[:1], values[:1], features=2, orthogonal=False)["output"][0]
    assert distance(output, uncorrelated) > DEVIATIONS


def test_the_first_order_variance_comes_nearer_with_more_features(measured):
    _, rows = measured
    few, many = (next(row for row in rows[r] if row.get("prediction") == "first order") for r in (2, 32))
    ratio = [row["error"] / row["predicted"] for row in (few, many)]
    assert abs(ratio[1] - 1) < abs(ratio[0] - 1)


def test_a_unit_is_reproducible(measured):
    config, rows = measured
    assert run_unit(config, "seed=0/features=32") == rows[32]


def test_a_run_in_float32_is_summed_up_and_drawn(tmp_path):
    run = runner.run("random-features", TINY, tmp_path)
    assert len(run.rows) == len(random_features.units(TINY)) * 6
    assert set(run.summary) == {"errors", "gain of orthogonal rows"}
    assert {row["rows"] for row in run.summary["errors"]} == set(random_features.KINDS)
    drawn = find("random-features").figure(TINY, run.rows)
    assert [axes.get_xlabel() != "" for axes in drawn.axes] == [True] * 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": (4,)}, "two or more different"),
        ({"features": (4, 4)}, "two or more different"),
        ({"features": (0, 4)}, r"features\[0\] must be at least 1"),
        ({"width": 0}, "width must be at least 1"),
        ({"draws": 1}, "draws must be at least 2"),
        ({"length": 0.0}, "length must be positive"),
    ],
)
def test_a_wrong_setting_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **changes)


def test_one_dimension_has_no_orthogonal_pairs():
    instance = draw_instance(jax.random.key(0), dataclasses.replace(TINY, width=1))
    plain, orthogonal = (predicted(*instance, features=4, orthogonal=x)["kernel"] for x in (False, True))
    assert plain == orthogonal
