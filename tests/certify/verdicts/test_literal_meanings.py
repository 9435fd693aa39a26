"""Which numbers literals mean, and that hardly any other number is taken for one of them."""

import math

import jax
import numpy as np
import pytest
from flint import arb

from lrgd_jax.certify import Balls, trace, walk
from lrgd_jax.certify.balls.ball_arithmetic import precision
from lrgd_jax.certify.verdicts.literal_meanings import meaning_of

MEANT = {
    "1/3": 1 / 3,
    "2/7": 2 / 7,
    "3/10": 0.1 + 0.2,
    "-1/7": -1 / 7,
    "999/1000": 0.999,
    "sqrt(3)": math.sqrt(3),
    "1/sqrt(2)": 2**-0.5,
    "1/sqrt(128)": 1 / math.sqrt(128),
    "sqrt(2/3)": math.sqrt(2 / 3),
    "pi": math.pi,
    "2/pi": 2 / math.pi,
    "2 pi/3": 2 * math.pi / 3,
    "e": math.e,
    "log(2)": math.log(2),
    "1/log(2)": 1 / math.log(2),
    "sqrt(2/pi)": math.sqrt(2 / math.pi),
    "1/sqrt(pi)": 1 / math.sqrt(math.pi),
    "sqrt(2/pi)/2": 1 / math.sqrt(2 * math.pi),
    "log(2 pi)": math.log(2 * math.pi),
    "0.044715": 0.044715,
    "0.000001": 1e-6,
}


@pytest.mark.parametrize("text", MEANT)
def test_a_literal_is_recognised_and_built(text):
    meaning = meaning_of(MEANT[text])
    assert meaning is not None
    assert meaning.text == text
    with precision(200):
        (built,) = walk(trace(lambda: meaning.build(np.float64)), Balls(), [])
        ball = built.array.item()
        assert ball.rad() < arb(2) ** -180
        # not the literal itself, which is a neighbour
        assert ball != arb(MEANT[text])
        assert abs(ball - arb(MEANT[text])) < abs(arb(MEANT[text])) * arb(2) ** -50


def test_a_unit_in_the_last_place_does_not_matter_and_more_do():
    for value in (1 / math.sqrt(3), 1 / 3, math.pi):
        meaning = meaning_of(value)
        assert meaning is not None
        for wrong in (0.0, math.inf):
            beside = meaning_of(math.nextafter(value, wrong))
            assert beside is not None
            assert beside.text == meaning.text
        assert meaning_of(value * (1 + 2.0**-45)) is None


SINGLE = {"1/10": 0.1, "1/sqrt(3)": 1 / math.sqrt(3), "pi": math.pi, "2/pi": 2 / math.pi, "-1/3": -1 / 3}


@pytest.mark.parametrize("text", SINGLE)
def test_literals_of_float32(text):
    meaning = meaning_of(float(np.float32(SINGLE[text])))
    assert meaning is not None
    assert meaning.text == text


@pytest.mark.parametrize("value", [0.0, -0.0, 0.5, 3.0, 0.375, -1024.0, 1e30, 2.0**-40, math.inf, -math.inf, math.nan])
def test_what_means_itself(value):
    assert meaning_of(value) is None


def test_other_numbers_are_seldom_taken_for_one():
    rng = np.random.default_rng(0)
    assert not any(meaning_of(x) for x in rng.normal(size=20_000).tolist())
    assert sum(meaning_of(x) is not None for x in rng.normal(size=20_000).astype(np.float32).tolist()) < 60


def test_what_is_built_keeps_its_format():
    meaning = meaning_of(1 / math.sqrt(3))
    assert meaning is not None
    built = jax.eval_shape(lambda: meaning.build(np.float32))
    assert built.dtype == np.float32
