"""The experiment on attacked and perturbed data: units, verdicts, figure, refusals."""

from dataclasses import replace

import pytest

from lrgd_jax.experiments import robustness

SMALL = replace(
    robustness.QUICK,
    attacks=("bandwagon",),
    perturbations=("key noise", "query noise"),
    regularisers=("none", "half step", "pruning: worst 5 %", "pruning: outlying items"),
)


@pytest.fixture(scope="module")
def rows():
    return [row for unit in robustness.units(SMALL) for row in robustness.run_unit(SMALL, unit)]


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


def test_a_unit_is_a_function_of_its_name(rows):
    again = robustness.run_unit(SMALL, "seed=0/attack/bandwagon/0.03")
    assert all(row in rows for row in again)
    assert all(isinstance(x, int | float | str | bool) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        robustness.run_unit(SMALL, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    robustness.figure(SMALL, rows).savefig(path)
    assert path.stat().st_size > 0


def test_missing_data_are_named():
    config = robustness.Config(data="nowhere")
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere"):
        robustness.run_unit(config, "seed=0/clean/none/0")


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(SMALL, attacks=("other",)), "attacks must be among random.* got 'other'"),
        (lambda: replace(SMALL, perturbations=("other",)), "perturbations must be among .* got 'other'"),
        (lambda: replace(SMALL, regularisers=("none", "other")), "regularisers must be among .* got 'other'"),
        (lambda: replace(SMALL, regularisers=("ridge",)), "must hold 'none'"),
        (lambda: replace(SMALL, shares=(1.0,)), r"shares and strengths lie in \(0, 1\)"),
        (lambda: replace(SMALL, queries=1), "at least two queries"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
