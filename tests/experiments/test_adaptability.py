"""The experiment on adaptability: units, variants, gaps, figure, refusals."""

from dataclasses import replace

import jax
import pytest

from lrgd_jax.experiments import adaptability
from lrgd_jax.experiments.adaptability.measures import variants

FEW = replace(adaptability.QUICK, windows=2, decays=(0.25,), updates=1)


@pytest.fixture(scope="module")
def rows():
    return [row for unit in adaptability.units(FEW) for row in run_unit(FEW, unit)]


def run_unit(config, unit):
    # optax raises floats to the power of an integer count
    with jax.numpy_dtype_promotion("standard"):
        return adaptability.run_unit(config, unit)


def test_windows_are_answered_by_every_variant(rows):
    known = variants(FEW)
    assert {row["variant"] for row in rows} == set(known)
    assert len(rows) == len(known) * (FEW.windows + 1)
    together = {row["variant"]: row for row in rows if row["window"] == -1}
    assert together["frozen"]["over_frozen"] == together["updated"]["over_updated"] == 0
    assert together["frozen"]["over_updated"] == -together["updated"]["over_frozen"]
    # nothing has happened yet between the freezing and the first window
    first = {row["variant"]: row for row in rows if row["window"] == 0}
    assert first["updated"]["ndcg"] == first["frozen"]["ndcg"] == first["latest only"]["ndcg"]


def test_gaps_are_summed_up(rows):
    found = adaptability.summary(FEW, rows)["variants"]
    assert {x["variant"] for x in found} == set(variants(FEW))
    assert all(0 <= x["windows clearly above"] <= 2 for x in found if x["variant"] != "frozen")


def test_a_unit_is_a_function_of_its_name(rows):
    again = run_unit(FEW, "seed=0/generated-small")
    assert all(row in rows for row in again)
    assert all(isinstance(x, int | float | str | bool) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        adaptability.run_unit(FEW, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    adaptability.figure(FEW, rows).savefig(path)
    assert path.stat().st_size > 0


def test_missing_data_are_named():
    config = adaptability.Config(data=("nowhere",))
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere"):
        adaptability.run_unit(config, "seed=0/nowhere")


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(FEW, data=("a/x", "b/x")), "folders of different names"),
        (lambda: replace(FEW, windows=1), "at least two windows"),
        (lambda: replace(FEW, decays=(0.0,)), r"decays must lie in \(0, 1\)"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
