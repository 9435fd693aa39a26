"""The data of the recommender's experiments: folders, and the generated catalogue."""

import pytest

from lrgd_jax.experiments.shared.recommender_data import GENERATED, ordered, split_of


def test_data_that_go_by_time_are_refused_where_one_context_is_asked_for(shared_data):
    assert split_of(GENERATED).test.times is not None
    assert ordered(GENERATED).test.times is None
    with pytest.raises(ValueError, match="has times, and this experiment asks for one context"):
        ordered(str(shared_data / "amazon_office"))
