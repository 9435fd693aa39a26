"""Figures of what demonstrations are worth: from given numbers, with every axis named."""

import numpy as np
import pytest

from lrgd_jax.report.effect_figures import effect_path_figure, fidelity_figure, parts_figure
from lrgd_jax.report.style import save_figure

PARTS = np.random.default_rng(0).standard_normal((5, 3, 4))
FRACTIONS = np.linspace(0, 1, 11)


def made_path():
    falls = {"rates": np.stack([3 - FRACTIONS, 2 - 2 * FRACTIONS]), "gates": np.stack([3 - FRACTIONS**2] * 2)}
    return effect_path_figure(FRACTIONS, falls, marked=0.5)


def made_fidelity():
    truth = PARTS.sum(axis=(0, 1))
    return fidelity_figure(truth, {"itself": truth, "its opposite": -truth})


@pytest.mark.parametrize(
    "make", [made_path, made_fidelity, lambda: parts_figure(PARTS, list("abcd"))], ids=["path", "fidelity", "parts"]
)
def test_every_axis_is_named(make, tmp_path):
    figure = make()
    maps = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(maps) == 2
    for axes in maps:
        assert axes.get_title(loc="left")
        assert axes.get_xlabel()
    assert save_figure(figure, tmp_path / "picture.png").stat().st_size


def test_the_share_that_is_reached_stands_in_the_title():
    titles = [axes.get_title(loc="left") for axes in made_path().axes]
    assert titles == ["rates: 50% up to 0.5", "gates: 25% up to 0.5"]
    # whether the loss falls by one or by two, the share is the same
    (median,) = [line for line in made_path().axes[0].lines if line.get_label() == "median"]
    assert [float(y) for y in np.asarray(median.get_ydata())[[0, -1]]] == [0.0, 1.0]


def test_the_correlation_stands_in_the_title():
    titles = [axes.get_title(loc="left") for axes in made_fidelity().axes]
    assert titles == ["itself, r = 1.00", "its opposite, r = -1.00"]


def test_the_heads_are_those_of_the_largest_score():
    best = "abcd"[int(np.argmax(PARTS.sum(axis=(0, 1))))]
    assert parts_figure(PARTS, list("abcd")).axes[1].get_title(loc="left") == f"Heads: {best}"
    (drawn,) = parts_figure(PARTS, list("abcd"), shown=2).axes[1].images
    assert (np.asarray(drawn.get_array()) == PARTS[:, :, 2].T).all()
