"""Which tokens are demonstrations and which the query's own, written out."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.dual.token_roles import segments_of, token_roles
from lrgd_jax.positions import visible


@pytest.mark.parametrize(("demonstrations", "wanted"), [(0, [1, 1, 1]), (2, [0, 0, 1]), (3, [0, 0, 0])])
def test_a_number_of_demonstrations_is_two_segments(demonstrations, wanted):
    assert segments_of(3, demonstrations).tolist() == wanted


def test_segment_numbers_stay():
    assert segments_of(3, np.array([0, 2, 2])).tolist() == [0, 2, 2]


@pytest.mark.parametrize(
    ("demonstrations", "message"),
    [
        (-1, "between 0 and the 3 tokens, got -1"),
        (4, "between 0 and the 3 tokens, got 4"),
        (np.array([0, 1]), r"each of the 3 tokens; got int64 of shape \(2,\)"),
        (np.array([1, 0, 1]), r"must not decrease from token to token, got \[1, 0, 1\]"),
    ],
)
def test_what_is_no_segmentation_is_named(demonstrations, message):
    with pytest.raises(ValueError, match=message):
        segments_of(3, demonstrations)


def test_a_query_among_the_tokens_sees_earlier_segments_as_demonstrations():
    roles = token_roles(visible(4, 4, causal=True), jnp.asarray([0, 0, 1, 1]), ordered=True, dtype=jnp.dtype("float64"))
    assert roles.demonstrations.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]
    assert roles.context.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]


def test_a_query_after_all_tokens_belongs_to_the_last_segment():
    seen = jnp.asarray([[True, False, True, True]])
    roles = token_roles(seen, jnp.asarray([0, 1, 1, 2]), ordered=False, dtype=jnp.dtype("float32"))
    assert roles.demonstrations.tolist() == [[1, 0, 1, 0]]
    assert roles.context.tolist() == [[0, 0, 0, 1]]
    assert roles.context.dtype == jnp.float32
