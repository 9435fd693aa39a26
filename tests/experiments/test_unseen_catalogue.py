"""The experiment on unseen catalogues, on small generated ones."""

from dataclasses import replace

import pytest

from lrgd_jax.experiments import unseen_catalogue
from lrgd_jax.experiments.unseen_catalogue.summaries import interval
from lrgd_jax.item_models.demonstration_choice import CHOICES

SMALL = replace(unseen_catalogue.QUICK, designs=("linear-1",), curve_designs=(), users=30, duals=6, questions=20)


@pytest.fixture(scope="module")
def rows():
    return [row for unit in unseen_catalogue.units(SMALL) for row in unseen_catalogue.run_unit(SMALL, unit)]


def test_rows_and_tables_say_what_was_measured(rows, tmp_path):
    summary = unseen_catalogue.summary(SMALL, rows)
    shown = {(x["demonstrations"], x["choice"]): x for x in summary["answers"]}
    assert {choice for count, choice in shown if count == SMALL.demonstrations} == set(CHOICES)
    alone = shown[0, "similar"]
    assert alone["nll_gain"] == alone["ndcg_gain"] == 0
    for line in shown.values():
        assert interval(line, "nll")["low"] <= line["nll_gain"] <= interval(line, "nll")["high"]
    (trained,) = summary["training"]
    assert trained["after"] <= trained["before"]
    text = "\n".join(unseen_catalogue.tables(summary, tmp_path))
    assert "| generated | basket | linear-1 | 8 random |" in text
    unseen_catalogue.figure(SMALL, rows).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0


def test_errors_grow_beyond_the_limit_and_a_linear_layer_is_a_step(rows):
    grew = {row["factor"]: row["grew"] for row in rows if row["kind"] == "stability"}
    assert {factor: share for factor, share in grew.items() if factor < 2} == {1.0: 0, 1.9: 0}
    assert {factor: share for factor, share in grew.items() if factor > 2} == {2.1: 1, 3.0: 1}
    (step,) = (row for row in rows if row["kind"] == "step")
    assert step["cosine_step"] > max(step["cosine_ridge"], step["step_to_ridge"]) - step["apart"]


@pytest.mark.parametrize("changes", [{"designs": ("softmax",)}, {"designs": ("other-1",)}, {"users": 0}, {"steps": 30}])
def test_a_wrong_configuration_is_named(changes):
    with pytest.raises(ValueError, match=r"Config: (a design is a kind and a number|sizes are at least 1)"):
        replace(unseen_catalogue.QUICK, **changes)
