"""Rotary positions, ALiBi and masks against their definitions."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.equivalence import meet

from lrgd_jax.positions import (
    Llama3Scaling,
    RotaryLayout,
    YarnScaling,
    alibi_bias,
    alibi_slopes,
    rotary_frequencies,
    rotate,
    visible,
)

WIDTH = 4
FREQUENCIES = rotary_frequencies(WIDTH, 100.0)


def as_complex_numbers(x, positions, layout):
    """The same rotation as multiplication by e^{i p omega}."""
    pairs = (x[:, :2], x[:, 2:]) if layout == "half" else (x[:, 0::2], x[:, 1::2])
    angles = positions[:, None].astype(x.dtype) * jnp.asarray(FREQUENCIES)[None, :]
    real = pairs[0] * jnp.cos(angles) - pairs[1] * jnp.sin(angles)
    imaginary = pairs[0] * jnp.sin(angles) + pairs[1] * jnp.cos(angles)
    if layout == "half":
        return jnp.concatenate([real, imaginary], axis=1)
    return jnp.stack([real[:, 0], imaginary[:, 0], real[:, 1], imaginary[:, 1]], axis=1)


def sides(layout: RotaryLayout):
    """A rotation and the same by hand; products of rotated rows, moved and unmoved."""

    def products(x, y, shift):
        positions = jnp.arange(3) + shift
        return rotate(x, positions, FREQUENCIES, layout) @ rotate(y, positions, FREQUENCIES, layout).T

    return (
        lambda x, positions: rotate(x, positions, FREQUENCIES, layout),
        lambda x, positions: as_complex_numbers(x, positions, layout),
        products,
        lambda x, y, shift: products(x, y, jnp.zeros_like(shift)),
    )


LAYOUTS = {"half": sides("half"), "interleaved": sides("interleaved")}


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.standard_normal((3, WIDTH))), jnp.asarray(rng.standard_normal((3, WIDTH)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_rotation_turns_each_pair(layout, rows):
    ours, by_hand, _, _ = LAYOUTS[layout]
    comparison = meet(ours, by_hand, rows[0], jnp.asarray([0, 1, 7]))
    assert comparison.holds, comparison


@pytest.mark.parametrize("layout", LAYOUTS)
@given(shift=st.integers(-50, 500))
def test_products_depend_on_differences_of_positions(layout, shift):
    _, _, moved, unmoved = LAYOUTS[layout]
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.standard_normal((3, WIDTH))), jnp.asarray(rng.standard_normal((3, WIDTH)))
    comparison = meet(moved, unmoved, x, y, jnp.asarray(shift))
    assert comparison.holds, comparison


def test_an_unknown_layout_and_an_odd_width_are_named(rows):
    with pytest.raises(ValueError, match="must be even to form pairs, got 3"):
        rotary_frequencies(3)
    # the test's own type checker would refuse the name first
    unchecked: Any = getattr(rotate, "__wrapped__", rotate)
    with pytest.raises(ValueError, match='"half" or "interleaved"'):
        unchecked(rows[0], jnp.arange(3), FREQUENCIES, "thirds")


def test_llama3_leaves_fast_pairs_and_slows_the_slow_ones():
    scaling = Llama3Scaling(factor=8.0, original_max_position_embeddings=64)
    plain, scaled = rotary_frequencies(64, 10_000.0), rotary_frequencies(64, 10_000.0, scaling)
    turns = 64 * plain / (2 * np.pi)
    assert np.array_equal(scaled[turns > 4], plain[turns > 4])
    assert np.array_equal(scaled[turns < 1], plain[turns < 1] / 8)
    between = (turns >= 1) & (turns <= 4)
    assert np.all((scaled[between] <= plain[between]) & (scaled[between] >= plain[between] / 8))
    assert np.all(np.diff(scaled) < 0)


@pytest.mark.parametrize("truncate", [True, False])
def test_yarn_leaves_fast_pairs_and_slows_the_slow_ones(truncate):
    scaling = YarnScaling(factor=4.0, original_max_position_embeddings=512, truncate=truncate)
    plain, scaled = rotary_frequencies(64, 10_000.0), rotary_frequencies(64, 10_000.0, scaling)
    turns = 512 * plain / (2 * np.pi)
    # the place of a pair is rounded away from the middle
    assert np.array_equal(scaled[turns > 32 * 10_000 ** (2 / 64)], plain[turns > 32 * 10_000 ** (2 / 64)])
    assert np.array_equal(scaled[turns < 10_000 ** (-2 / 64)], plain[turns < 10_000 ** (-2 / 64)] / 4)
    between = (turns >= 1) & (turns <= 32)
    assert np.all((scaled[between] <= plain[between]) & (scaled[between] >= plain[between] / 4))
    assert np.all(np.diff(scaled) < 0)


def test_yarn_with_one_place_for_both_ends_is_a_step():
    scaling = YarnScaling(factor=2.0, original_max_position_embeddings=64, beta_fast=3.0, beta_slow=3.0, truncate=False)
    share = rotary_frequencies(64, 10_000.0, scaling) / rotary_frequencies(64, 10_000.0)
    assert {*share.tolist()} == {0.5, 1.0}


def test_alibi_slopes_of_a_power_of_two_are_a_geometric_sequence():
    assert alibi_slopes(8) == tuple(2.0**-j for j in range(1, 9))
    assert len(alibi_slopes(6)) == 6
    assert alibi_slopes(6)[:4] == alibi_slopes(4)
    assert alibi_slopes(6)[4:] == (2.0**-1, 2.0**-3)
    with pytest.raises(ValueError, match="at least one head"):
        alibi_slopes(0)


def test_alibi_penalises_the_distance():
    bias = alibi_bias(2, 4, 0.5)
    assert np.array_equal(bias, [[-1.0, -0.5, 0.0, 0.5], [-1.5, -1.0, -0.5, 0.0]])


@given(queries=st.integers(1, 5), more=st.integers(0, 3), window=st.none() | st.integers(1, 4))
def test_who_sees_whom(queries, more, window):
    keys = queries + more
    mask = np.asarray(visible(queries, keys, causal=True, window=window))
    for t in range(queries):
        for i in range(keys):
            age = (more + t) - i
            assert mask[t, i] == (age >= 0 and (window is None or age < window))
    assert np.all(visible(queries, keys))


def test_masks_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="a key for every query"):
        visible(3, 2, causal=True)
    with pytest.raises(ValueError, match="window >= 1"):
        visible(2, 2, window=0)
