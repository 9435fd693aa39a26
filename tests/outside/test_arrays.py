"""Arrays from outside: their numbers are what is expected, or one sentence says which is not."""

import re

import numpy as np
import pytest

from lrgd_jax.outside.arrays import require_real, require_whole


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64])
def test_whole_numbers_of_any_width_become_those_of_64_bits(dtype):
    read = require_whole("items", np.array([0, 5, 2], dtype), count=3, least=0, most=5)
    assert (read.dtype, read.tolist()) == (np.dtype(np.int64), [0, 5, 2])
    assert require_whole("items", np.zeros(0, dtype)).tolist() == []


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0, -1]), "items: expected whole numbers from 0 to 5, got -1 at place 1"),
        (np.array([6, 0]), "items: expected whole numbers from 0 to 5, got 6 at place 0"),
        (np.array([2.0, 1.0]), "items: expected whole numbers, got float64"),
        (np.array([True, False]), "items: expected whole numbers, got bool"),
        (np.array(["a", "b"]), "items: expected whole numbers, got <U1"),
        (np.array([1, 2, 3]), "items: expected the shape [2], got [3]"),
        (np.array([[1, 2]]), "items: expected the shape [2], got [1, 2]"),
        (np.array(1), "items: expected the shape [2], got []"),
    ],
)
def test_whole_numbers_that_are_refused(array, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        require_whole("items", array, count=2, least=0, most=5)


def test_a_number_beyond_64_bits_with_a_sign_is_refused():
    with pytest.raises(ValueError, match=f"of at most {2**63 - 1}, got {2**63} at place 0"):
        require_whole("times", np.array([2**63], np.uint64))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1.0, np.inf]]), "vectors: expected finite numbers, got inf at place 1"),
        (np.array([[1.0, 1.0]] * 2), "vectors: expected the shape [1, any], got [2, 2]"),
        (np.array([[1, 2]]), "vectors: expected numbers in floating point, got int64"),
        (np.array([[1j, 2]]), "vectors: expected numbers in floating point, got complex128"),
    ],
)
def test_real_numbers_that_are_refused(array, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        require_real("vectors", array, (1, None))


def test_real_numbers_come_back_as_they_are():
    vectors = np.ones((3, 2), np.float16)
    assert require_real("vectors", vectors, (3, None)) is vectors
