"""Figures are made from given numbers, say what they show, and leave no state behind."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from lrgd_jax.report.step_figures import path_figure, step_figure
from lrgd_jax.report.style import save_figure
from lrgd_jax.report.verdict_figures import verdict_figure

LARGEST_PICTURE = 200_000


def made_step_figure():
    angles = np.linspace(-150.0, 150.0, 7)
    grid = np.linspace(-180.0, 180.0, 33)
    return step_figure(
        demonstrations=np.stack([angles, np.sin(angles)], axis=1),
        context=np.array([[10.0, 0.2]]),
        queries=np.array([-30.0, 60.0]),
        attended=np.array([0.1, 0.4]),
        weights=np.full(8, 1 / 8),
        shown=1,
        grid=grid,
        before=np.zeros_like(grid),
        after=np.cos(grid),
        distance=3e-16,
        bound=2e-14,
    )


def made_path_figure():
    fractions = np.linspace(0.0, 1.0, 5)
    outputs = np.outer(fractions, [1.0, -2.0])
    return path_figure(fractions=fractions, outputs=outputs, attended=outputs[-1], labels=["first", "second"])


def made_verdict_figure():
    return verdict_figure(
        {"the claim": {"float64": 0.0, "float32": 0.3}, "step uphill": {"float64": 1e14, "float32": 2e5}}
    )


@pytest.mark.parametrize("make", [made_step_figure, made_path_figure, made_verdict_figure])
def test_every_axis_is_named_and_the_picture_is_small(make, tmp_path):
    figure = make()
    assert isinstance(figure, Figure)
    for axes in figure.axes:
        assert axes.get_title(loc="left")
        assert axes.get_xlabel()
    written = save_figure(figure, tmp_path / "picture.png")
    assert 0 < written.stat().st_size < LARGEST_PICTURE


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_figure_is_written_alike_twice(suffix, tmp_path):
    files = [save_figure(made_path_figure(), tmp_path / f"{k}.{suffix}") for k in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="not a folder"):
        save_figure(made_verdict_figure(), tmp_path / "nowhere" / "picture.png")


def test_a_ratio_of_zero_is_still_drawn():
    (axes,) = made_verdict_figure().axes
    drawn = [line.get_xdata() for line in axes.lines if line.get_marker() != "None"]
    assert len(drawn) == 4
    assert all(np.all(np.asarray(x) > 0) for x in drawn)


def test_the_package_does_not_import_matplotlib():
    code = (
        "import sys, lrgd_jax, lrgd_jax.report; [getattr(lrgd_jax, name) for name in lrgd_jax.__all__];"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
