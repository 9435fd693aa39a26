"""The experiments on attacked and perturbed data and on adaptability: units, verdicts, figures, refusals."""

from dataclasses import replace

import jax
import pytest

from lrgd_jax.experiments import adaptability, robustness

SMALL = replace(
    robustness.QUICK,
    attacks=("bandwagon",),
    perturbations=("key noise", "query noise"),
    regularisers=("none", "half step", "pruning: worst 5 %", "pruning: outlying items"),
)
FEW = replace(adaptability.QUICK, windows=2, decays=(0.25,), updates=1)


@pytest.fixture(scope="module")
def rows():
    return [row for unit in robustness.units(SMALL) for row in robustness.run_unit(SMALL, unit)]


@pytest.fixture(scope="module")
def window_rows():
    return [row for unit in adaptability.units(FEW) for row in run_unit(adaptability, FEW, unit)]


def run_unit(module, config, unit):
    # optax raises floats to the power of an integer count
    with jax.numpy_dtype_promotion("standard"):
        return module.run_unit(config, unit)


def test_every_condition_is_measured_under_every_regulariser(rows):
    assert len(rows) == len(SMALL.regularisers) * len(robustness.units(SMALL))
    plain = [row for row in rows if row["regulariser"] == "none"]
    assert all(row["gain"] == 0 for row in plain)
    assert [row["change"] for row in plain if row["part"] == "clean"] == [0]
    attacked = [row for row in rows if row["part"] == "attack"]
    assert all("attack_share" in row for row in attacked)
    assert {row["regulariser"] for row in attacked if "fake_pruned" in row} == {*SMALL.regularisers[2:]}


def test_the_pushed_item_is_shown_and_pruning_takes_it_away(rows):
    attacked = {row["regulariser"]: row for row in rows if row["part"] == "attack"}
    assert attacked["none"]["attack_share"] > 0.1
    assert attacked["pruning: outlying items"]["attack_share"] < attacked["none"]["attack_share"]
    assert attacked["none"]["area_lift"] > 0.9


def test_the_summary_has_a_verdict_for_every_cell(rows):
    found = robustness.summary(SMALL, rows)
    assert found["cells"] == len(rows) * 3 / 4
    assert sum(x["helps"] + x["harms"] + x["none seen"] for x in found["verdicts"]) == found["cells"]
    assert [x["kind"] for x in found["detection"]] == ["bandwagon"]


@pytest.mark.parametrize(("gain", "verdict"), [(1.0, "helps"), (-1.0, "harms"), (0.2, "none seen")])
def test_a_gain_counts_only_beyond_its_interval(rows, gain, verdict):
    changed = [row if row["regulariser"] == "none" else {**row, "gain": gain, "gain_error": 0.1} for row in rows]
    lines = robustness.summary(SMALL, changed)["perturbations"]
    assert {line["verdict"] for line in lines if line["regulariser"] != "none"} == {verdict}


def test_windows_are_answered_by_every_variant(window_rows):
    variants = adaptability.measures.variants(FEW)
    assert {row["variant"] for row in window_rows} == set(variants)
    assert len(window_rows) == len(variants) * (FEW.windows + 1)
    together = {row["variant"]: row for row in window_rows if row["window"] == -1}
    assert together["frozen"]["over_frozen"] == together["updated"]["over_updated"] == 0
    assert together["frozen"]["over_updated"] == -together["updated"]["over_frozen"]
    # nothing has happened yet between the freezing and the first window
    first = {row["variant"]: row for row in window_rows if row["window"] == 0}
    assert first["updated"]["ndcg"] == first["frozen"]["ndcg"] == first["latest only"]["ndcg"]


def test_gaps_are_summed_up(window_rows):
    found = adaptability.summary(FEW, window_rows)["variants"]
    assert {x["variant"] for x in found} == set(adaptability.measures.variants(FEW))
    assert all(0 <= x["windows clearly above"] <= 2 for x in found if x["variant"] != "frozen")


@pytest.mark.parametrize(
    ("module", "config", "unit"),
    [(robustness, SMALL, "seed=0/attack/bandwagon/0.03"), (adaptability, FEW, "seed=0/generated-small")],
)
def test_a_unit_is_a_function_of_its_name(module, config, unit, rows, window_rows):
    table = rows if module is robustness else window_rows
    again = run_unit(module, config, unit)
    assert all(row in table for row in again)
    assert all(isinstance(x, int | float | str | bool) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        module.run_unit(config, "other")


def test_figures_are_drawn(rows, window_rows, tmp_path):
    for module, config, table in ((robustness, SMALL, rows), (adaptability, FEW, window_rows)):
        path = tmp_path / f"{module.__name__}.png"
        module.figure(config, table).savefig(path)
        assert path.stat().st_size > 0


def test_missing_data_are_named():
    config = robustness.Config(data="nowhere")
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere"):
        robustness.run_unit(config, "seed=0/clean/none/0")
    config = adaptability.Config(data=("nowhere",))
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere"):
        adaptability.run_unit(config, "seed=0/nowhere")


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(SMALL, attacks=("other",)), "attacks must be among random.* got 'other'"),
        (lambda: replace(SMALL, perturbations=("other",)), "perturbations must be among .* got 'other'"),
        (lambda: replace(SMALL, regularisers=("none", "other")), "regularisers must be among .* got 'other'"),
        (lambda: replace(SMALL, regularisers=("ridge",)), "must hold 'none'"),
        (lambda: replace(SMALL, shares=(1.0,)), r"shares and strengths lie in \(0, 1\)"),
        (lambda: replace(SMALL, queries=1), "at least two queries"),
        (lambda: replace(FEW, data=("a/x", "b/x")), "folders of different names"),
        (lambda: replace(FEW, windows=1), "at least two windows"),
        (lambda: replace(FEW, decays=(0.0,)), r"decays must lie in \(0, 1\)"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
