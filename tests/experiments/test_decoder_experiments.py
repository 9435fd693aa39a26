"""The experiments on a decoder: what they compute from, what they compute, and what they refuse."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from decoder.helpers import TINY, decoder

from lrgd_jax.certify.adjoint import adjoint_bound
from lrgd_jax.decoder import apply, load_directory
from lrgd_jax.experiments import dual_of_a_layer, icl_against_fine_tuning
from lrgd_jax.experiments import register as register_experiment
from lrgd_jax.experiments.dual_of_a_layer.measures import setting_of
from lrgd_jax.experiments.dual_of_a_layer.summaries import needed, summarised
from lrgd_jax.experiments.icl_against_fine_tuning.fine_tuning import (
    Texts,
    differences,
    fine_tuned,
    predictions,
    text_loss,
    texts,
)
from lrgd_jax.experiments.icl_against_fine_tuning.measures import chosen_rate, tuning_rows
from lrgd_jax.experiments.running import runner
from lrgd_jax.experiments.shared.bootstrap import bootstrap, interval_of_mean
from lrgd_jax.experiments.shared.prompts import Prompt, filled, load_model, pair_prompts, prompts_of, story_prompt

EPS = float(np.finfo(np.float64).eps)
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
TUNING = icl_against_fine_tuning.Config(
    seeds=2,
    tuning=1,
    model="random",
    orders=2,
    passes=(1, 2),
    optimisers=("sgd",),
    sgd_rates=(0.01, 0.1),
)
PROMPT = Prompt((1,), ((5, 6), (7, 8, 9)), (2, 1), (10, 11), (12,))


def test_a_prompt_is_its_parts_in_order():
    assert PROMPT.tokens() == (1, 5, 6, 7, 8, 9, 10, 11, 12)
    assert PROMPT.tokens((1, 0)) == (1, 7, 8, 9, 5, 6, 10, 11, 12)
    assert PROMPT.tokens(()) == (1, 10, 11, 12)
    assert PROMPT.segments().tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3]
    assert filled(PROMPT.target, 3).tolist() == [12, 0, 0]


def test_texts_train_on_their_outputs():
    found = texts((1,), list(PROMPT.demonstrations), list(PROMPT.outputs), 5)
    assert found.tokens.tolist() == [[1, 5, 6, 0, 0], [1, 7, 8, 9, 0]]
    assert found.counted.tolist() == [[0, 1, 1, 0, 0], [0, 0, 0, 1, 0]]
    # nothing predicts a first token
    assert texts((), [(5, 6)], [2], 2).counted.tolist() == [[0, 1]]


def test_differences_of_known_distributions():
    one, other = np.log([[1 / 2, 1 / 2]]), np.log([[1 / 4, 3 / 4]])
    found = differences(one, other)
    divergence = (math.log(2) + math.log(2 / 3)) / 2
    mixture = np.array([3 / 8, 5 / 8])
    shannon = sum(p @ np.log(p / mixture) / 2 for p in (np.array([1 / 2, 1 / 2]), np.array([1 / 4, 3 / 4])))
    # a few roundings of numbers below two
    assert abs(found["kl"][0] - divergence) <= 16 * EPS
    assert abs(found["total_variation"][0] - 1 / 4) <= 16 * EPS
    assert abs(found["jensen_shannon"][0] - shannon) <= 16 * EPS
    assert abs(differences(other, one)["jensen_shannon"][0] - shannon) <= 16 * EPS
    assert differences(one, other)["top_1"][0] == 0
    same = differences(other, other)
    assert (same["kl"][0], same["total_variation"][0], same["top_1"][0], same["top_10"][0]) == (0, 0, 1, 1)


def test_overlap_of_the_ten_likeliest():
    one = np.log(np.arange(20, 0, -1) / 210)[None]
    assert differences(one, one[:, ::-1])["top_10"][0] == 0
    assert differences(one, np.roll(one, 5, axis=1))["top_10"][0] == 1 / 2


ONE_LAYER = dataclasses.replace(TINY, layers=1)


@pytest.fixture
def standard_promotion():
    """Optax computes Adam's corrections from whole and floating numbers together."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def test_a_pass_of_sgd_is_a_step_against_the_gradient():
    params, probe, rate = decoder(ONE_LAYER), jnp.array([1, 4]), jnp.asarray(0.25)
    batch = Texts(jnp.array([[1, 5, 6, 0], [1, 7, 8, 9]]), jnp.array([[0.0, 1, 1, 0], [0, 0, 0, 1]]))

    def ours(p):
        return fine_tuned(p, ONE_LAYER, jax.tree.map(lambda x: x[None, None], batch), probe, rate, optimiser="sgd")[0]

    def by_hand(p):
        likelihoods = [
            -jax.nn.log_softmax(apply(p, ONE_LAYER, tokens)[at - 1])[tokens[at]]
            for tokens, ats in zip(batch.tokens, ((1, 2), (3,)), strict=True)
            for at in ats
        ]
        return sum(likelihoods[1:], start=likelihoods[0]) / 3

    def stepped(p):
        moved = jax.tree.map(lambda w, g: w - rate * g, p, jax.grad(by_hand)(p))
        return jax.nn.log_softmax(apply(moved, ONE_LAYER, probe))

    found, expected = jax.jit(ours)(params), jax.jit(stepped)(params)
    bound = adjoint_bound(stepped, params, cuts="names").worst
    assert np.isfinite(bound).all()
    # both sides are this program up to the order of their sums
    assert (np.abs(found - expected) <= 2 * bound).all()
    unmoved = jax.nn.log_softmax(apply(params, ONE_LAYER, probe))
    assert (np.abs(found - unmoved) > 2 * bound).all()
    assert float(text_loss(params, ONE_LAYER, batch)) > 0


@pytest.mark.slow
def test_passes_go_on_from_each_other(standard_promotion):
    """Two passes over one batch are one pass over two; Adam's first step has the size of its rate."""
    params, probe = decoder(ONE_LAYER), jnp.array([1, 4, 2])
    batch = Texts(jnp.array([[1, 5, 6, 2]]), jnp.ones((1, 4)))
    twice = jax.tree.map(lambda x: jnp.stack([x, x]), batch)
    rate = jnp.asarray(0.25)
    apart = fine_tuned(params, ONE_LAYER, jax.tree.map(lambda x: x[:, None], twice), probe, rate, optimiser="adam")
    together = fine_tuned(params, ONE_LAYER, jax.tree.map(lambda x: x[None], twice), probe, rate, optimiser="adam")
    assert apart.shape == (2, 3, 13)
    assert together.shape == (1, 3, 13)
    # the same updates in the same order, compiled twice: roundings only, while a step moves everything
    assert np.abs(apart[1] - together[0]).max() < np.abs(apart[1] - apart[0]).max() * np.sqrt(EPS)
    state = optax.adam(0.25).init(params)
    update, _ = optax.adam(0.25).update(jax.grad(text_loss)(params, ONE_LAYER, batch), state)
    moved = max(float(jnp.abs(x).max()) for x in jax.tree.leaves(update))
    assert moved <= 0.25 * (1 + np.sqrt(EPS))


def test_predictions_start_where_they_are_told():
    params, tokens = decoder(TINY), jnp.array([1, 5, 3, 3, 7])
    whole = predictions(params, TINY, tokens, jnp.asarray(0), 5)
    part = predictions(params, TINY, tokens, jnp.asarray(2), 3)
    assert np.abs(np.asarray(part) - np.asarray(whole[2:])).max() <= 64 * EPS * np.abs(whole).max()


def test_a_bootstrap_interval_holds_its_value():
    found = interval_of_mean([0.0, 1.0, 2.0, 3.0])
    assert found["value"] == 3 / 2
    assert found["low"] < found["value"] < found["high"]
    constant = bootstrap(lambda a, b: a.sum(axis=1) / b.sum(axis=1), [1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert constant == {"value": 0.5, "low": 0.5, "high": 0.5}


@pytest.fixture(scope="module")
def layer_run(tmp_path_factory):
    register_experiment("dual-of-a-layer", "lrgd_jax.experiments.dual_of_a_layer")
    return runner.run("dual-of-a-layer", LAYER, tmp_path_factory.mktemp("layer"))


@pytest.fixture(scope="module")
def tuning_run(tmp_path_factory):
    register_experiment("icl-against-fine-tuning", "lrgd_jax.experiments.icl_against_fine_tuning")
    return runner.run("icl-against-fine-tuning", TUNING, tmp_path_factory.mktemp("tuning"))


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


def test_fine_tuning_is_compared_with_reading(tuning_run):
    lines = tuning_run.summary["methods"]
    assert [line["method"] for line in lines[:3]] == ["in context", "zero-shot", "in context, other order"]
    zero_shot = lines[1]
    assert zero_shot["kl / zero-shot"] == {"value": 1, "low": 1, "high": 1}
    tuned = [line for line in lines if line["method"] == "fine-tuned"]
    # 2 kinds of batches, 2 numbers of passes, 2 rules
    assert len(tuned) == 8
    assert {line["learning_rate"] for line in tuned} <= set(TUNING.sgd_rates)
    assert all(("order_deviation" in line) == (line["batches"] == "one by one") for line in tuned)
    assert tuning_run.summary["prompts"] == TUNING.seeds


def test_rates_are_chosen_on_other_prompts(tuning_run):
    rows = tuning_rows(TUNING)
    assert not [row for row in tuning_run.rows if row["method"] == "tuning" and "prompt" in row and row["prompt"]]
    for rule, column, sign in (("nearest", "kl", 1), ("likeliest", "likelihood", -1)):
        own = [row for row in rows if (row["batches"], row["passes"]) == ("all", 2)]
        best = min(own, key=lambda row: sign * row[column])
        assert chosen_rate(TUNING, rows, rule, "sgd", "all", 2) == best["learning_rate"]
    broken = [{**row, "kl": math.nan} if row["learning_rate"] == 0.01 else row for row in rows]
    assert chosen_rate(TUNING, broken, "nearest", "sgd", "all", 1) == 0.1


@pytest.mark.parametrize(
    ("module", "config"), [(dual_of_a_layer, LAYER), (icl_against_fine_tuning, TUNING)], ids=["layer", "tuning"]
)
def test_a_unit_is_a_function_of_its_name_and_is_drawn(module, config, layer_run, tuning_run, tmp_path):
    run = layer_run if module is dual_of_a_layer else tuning_run
    unit = module.units(config)[-1]
    precision = jax.enable_x64(config.dtype == "float64")
    with precision:
        rows = module.run_unit(config, unit)
    last = [{k: x for k, x in row.items() if x is not None} for row in run.rows[-len(rows) :]]
    assert rows == last
    pytest.importorskip("matplotlib")
    file = tmp_path / "figure.png"
    module.figure(config, run.rows).savefig(file)
    assert file.stat().st_size > 0


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
    line = summarised(config, [step, *labelled])["needed features"][0]
    assert line["reached"] == 1 / 2
    assert (line["half of heads"], line["nine tenths of heads"]) == (64, ">64")


def test_a_missing_model_is_named():
    with pytest.raises(FileNotFoundError, match="--set model=smollm2"):
        load_model("no/such/folder", jnp.float32)
    with pytest.raises(ValueError, match=r"layers must be among 0 to 1 of random, got \[7\]"):
        setting_of(dataclasses.replace(LAYER, layers=(7,)))
    with pytest.raises(ValueError, match="need a tokenizer"):
        prompts_of(load_model("random", jnp.float32), "pairs", 1, 1)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (LAYER, {"features": (8, 4)}, "rising"),
        (LAYER, {"features": ()}, "features and tolerances"),
        (LAYER, {"tolerances": (2.0,)}, "between 0 and 1"),
        (LAYER, {"draws": 0}, "draws must be at least 1"),
        (TUNING, {"orders": 1}, "nothing varies"),
        (TUNING, {"tuning": 0}, "tuning must be at least 1"),
        (TUNING, {"passes": (1, 1)}, "different values"),
        (TUNING, {"sgd_rates": (0.0,)}, "positive"),
    ],
)
def test_a_wrong_setting_is_named(config, changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(config, **changes)


@pytest.fixture(scope="module")
def stories(shared_data):
    folder = shared_data / "stories260K"
    if not folder.is_dir():
        pytest.skip(f"no checkpoint at {folder}")
    return load_directory(folder)


def test_lines_and_pairs_become_prompts(stories, shared_data):
    lines = (shared_data / "prompts" / "stories.txt").read_text(encoding="utf-8").strip().split("\n")
    prompt = story_prompt(stories.tokenizer, stories.config, lines)
    assert prompt.first == (1,)
    assert len(prompt.demonstrations) == 3
    text = stories.tokenizer.decode(jnp.asarray(prompt.tokens()))
    assert "\n".join(lines[:3]) in text
    assert stories.tokenizer.decode(jnp.asarray(prompt.target)).strip()
    pairs = pair_prompts(stories.tokenizer, stories.config, 4, 3)
    assert len(set(pairs)) == 4
    for pair in pairs:
        told = [stories.tokenizer.decode(jnp.asarray(part)) for part in pair.demonstrations]
        assert all(" -> " in line for line in told)
        answers = [part[-k:] for part, k in zip(pair.demonstrations, pair.outputs, strict=True)]
        assert all("->" not in stories.tokenizer.decode(jnp.asarray(answer)) for answer in answers)
        assert "->" in stories.tokenizer.decode(jnp.asarray(pair.query))
    with pytest.raises(ValueError, match="too few for 12"):
        pair_prompts(stories.tokenizer, stories.config, 1, 12)


@pytest.mark.slow
def test_a_model_writes_its_own_prompts(stories):
    found = prompts_of(stories, "stories", 3, 2)
    assert len(set(found)) == 3
    assert found == prompts_of(stories, "stories", 3, 2)
    with pytest.raises(ValueError, match="fewer prompts"):
        prompts_of(stories, "stories", 1000, 2)
