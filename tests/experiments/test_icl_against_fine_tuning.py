"""The experiment on in-context learning and fine-tuning: what it computes from, what it computes, what it refuses."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from decoder.helpers import TINY, decoder

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import apply
from lrgd_jax.experiments import icl_against_fine_tuning
from lrgd_jax.experiments import register as register_experiment
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

EPS = float(np.finfo(np.float64).eps)
TUNING = icl_against_fine_tuning.Config(
    seeds=2,
    tuning=1,
    model="random",
    orders=2,
    passes=(1, 2),
    optimisers=("sgd",),
    sgd_rates=(0.01, 0.1),
)


def test_texts_train_on_their_outputs():
    found = texts((1,), [(5, 6), (7, 8, 9)], [2, 1], 5)
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


@pytest.fixture(scope="module")
def tuning_run(tmp_path_factory):
    register_experiment("icl-against-fine-tuning", "lrgd_jax.experiments.icl_against_fine_tuning")
    return runner.run("icl-against-fine-tuning", TUNING, tmp_path_factory.mktemp("tuning"))


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


def test_a_unit_is_a_function_of_its_name_and_is_drawn(tuning_run, tmp_path):
    unit = icl_against_fine_tuning.units(TUNING)[-1]
    precision = jax.enable_x64(TUNING.dtype == "float64")
    with precision:
        rows = icl_against_fine_tuning.run_unit(TUNING, unit)
    last = [{k: x for k, x in row.items() if x is not None} for row in tuning_run.rows[-len(rows) :]]
    assert rows == last
    file = tmp_path / "figure.png"
    icl_against_fine_tuning.figure(TUNING, tuning_run.rows).savefig(file)
    assert file.stat().st_size > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"orders": 1}, "nothing varies"),
        ({"tuning": 0}, "tuning must be at least 1"),
        ({"passes": (1, 1)}, "different values"),
        ({"sgd_rates": (0.0,)}, "positive"),
    ],
)
def test_a_wrong_setting_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TUNING, **changes)
