"""The experiment on the dual of a real layer: what it computes, and what it refuses."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.experiments import dual_of_a_layer
from lrgd_jax.experiments import register as register_experiment
from lrgd_jax.experiments.dual_of_a_layer.measures import setting_of
from lrgd_jax.experiments.dual_of_a_layer.summaries import needed, summary
from lrgd_jax.experiments.running import runner
from lrgd_jax.experiments.shared.prompts import load_model, prompts_of

LAYER = dual_of_a_layer.Config(
    seeds=2,
    model="random",
    layers=(1,),
    features=(8,),
    degrees=3,
    draws=1,
    chain_prompts=1,
    chain_features=(8,),
    chain_tokens=2,
    chain_draws=1,
)


@pytest.fixture(scope="module")
def layer_run(tmp_path_factory):
    register_experiment("dual-of-a-layer", "lrgd_jax.experiments.dual_of_a_layer")
    return runner.run("dual-of-a-layer", LAYER, tmp_path_factory.mktemp("layer"))


def test_the_dual_of_a_layer_is_measured(layer_run):
    summary = layer_run.summary
    assert list(summary["layers"]) == ["1"]
    exact, *finite = summary["chains"]
    assert exact["chain"] == "exact"
    assert exact["agreeing"]["value"] == 1
    assert {line["keys"] for line in finite} == {"as they are", "centred"}
    steps = [row for row in layer_run.rows if row["measure"] == "step"]
    assert len(steps) == 2 * 4
    for row in steps:
        assert 0 < row["attention_on_demonstrations"] < 1
        assert 1 <= row["rank"] <= 5
        assert -1 <= row["alignment"] <= 1
    dimensions = {row["features"]: row["dimension"] for row in layer_run.rows if row.get("map") == "Taylor"}
    assert dimensions == {0: 1, 1: 5, 2: 15, 3: 35}


def test_needed_features_are_counted_honestly():
    rows = [
        {"prompt": 0, "layer": 0, "head": head, "features": r, "dimension": float(r), "error": error}
        for head, errors in enumerate([(0.5, 0.2), (0.9, 0.8)])
        for r, error in zip((8, 64), errors, strict=True)
    ]
    found = needed(rows, 0.25)
    assert found[0, 0, 0] == rows[1]
    assert found[0, 0, 1] is None
    labelled = [{**row, "measure": "features", "map": "random", "keys": "centred"} for row in rows]
    numbers = {name: 0.5 for name in ("alignment", "zero_shot_alignment", "tokens")}
    from lrgd_jax.experiments.dual_of_a_layer.summaries import STEP

    step = {"measure": "step", "prompt": 0, "layer": 0, "head": 0, **numbers, **dict.fromkeys(STEP, 0.5)}
    config = dataclasses.replace(LAYER, tolerances=(0.25,))
    line = summary(config, [step, *labelled])["needed features"][0]
    assert line["reached"] == 1 / 2
    assert (line["half of heads"], line["nine tenths of heads"]) == (64, ">64")


def test_a_missing_model_is_named():
    with pytest.raises(FileNotFoundError, match="--set model=smollm2"):
        load_model("no/such/folder", jnp.float32)
    with pytest.raises(ValueError, match=r"layers must be among 0 to 1 of random, got \[7\]"):
        setting_of(dataclasses.replace(LAYER, layers=(7,)))
    with pytest.raises(ValueError, match="need a tokenizer"):
        prompts_of(load_model("random", jnp.float32), "pairs", 1, 1)


def test_a_unit_is_a_function_of_its_name_and_is_drawn(layer_run, tmp_path):
    unit = dual_of_a_layer.units(LAYER)[-1]
    precision = jax.enable_x64(LAYER.dtype == "float64")
    with precision:
        rows = dual_of_a_layer.run_unit(LAYER, unit)
    last = [{k: x for k, x in row.items() if x is not None} for row in layer_run.rows[-len(rows) :]]
    assert rows == last
    file = tmp_path / "figure.png"
    dual_of_a_layer.figure(LAYER, layer_run.rows).savefig(file)
    assert file.stat().st_size > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": (8, 4)}, "rising"),
        ({"features": ()}, "features and tolerances"),
        ({"tolerances": (2.0,)}, "between 0 and 1"),
        ({"draws": 0}, "draws must be at least 1"),
    ],
)
def test_a_wrong_setting_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(LAYER, **changes)
