"""Bootstrap intervals of statistics over prompts."""

import numpy as np
import pytest

from lrgd_jax.bootstrap import bootstrap, interval_of_mean, percentile_interval


def test_a_bootstrap_interval_holds_its_value():
    found = interval_of_mean([0.0, 1.0, 2.0, 3.0])
    assert found["value"] == 3 / 2
    assert found["low"] < found["value"] < found["high"]
    constant = bootstrap(lambda a, b: a.sum(axis=1) / b.sum(axis=1), [1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert constant == {"value": 0.5, "low": 0.5, "high": 0.5}


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match="expected a probability between 0 and 1"):
        percentile_interval(np.arange(3.0), level)
