"""Training that is killed and goes on ends as one that was not, bit for bit; folders of other runs are refused."""

from dataclasses import replace

import jax
import numpy as np
import optax
import pytest

from lrgd_jax.item_models.checkpoints import Checkpoints
from lrgd_jax.item_models.training import Schedule, Task, is_finished, train
from lrgd_jax.item_models.training_data import EpisodeSizes, catalogue_pool
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.data.sequences import Sequences

SCHEDULE = Schedule(steps=6, every=2, patience=3)


def toy(stop_at=None, worse_from=None):
    """A parabola with noise that follows from the step; it may be killed at a step, or turn worse from one on."""

    def gradient(params, number):
        if number == stop_at:
            raise KeyboardInterrupt
        noise = np.float32(np.random.default_rng(number).standard_normal())
        return params["w"] ** 2, {"w": 2 * params["w"] + noise}

    def validate(params):
        return float(params["w"]) ** 2 if worse_from is None else -float(params["w"])

    start = {"w": jax.numpy.float32(3.0)}
    return Task(start, optax.adam(0.1), gradient, validate)


@pytest.mark.parametrize("stop_at", [3, 4])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, stop_at):
    whole = train(toy(), SCHEDULE)
    with Checkpoints(tmp_path / "run", {"seed": 0}) as kept, pytest.raises(KeyboardInterrupt):
        train(toy(stop_at), SCHEDULE, keeper=kept)
    with Checkpoints(tmp_path / "run", {"seed": 0}) as kept:
        assert kept.latest_step == stop_at
        resumed = train(toy(), SCHEDULE, keeper=kept)
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
        assert np.asarray(one).dtype == np.asarray(other).dtype


def test_training_stops_where_validation_says_so():
    state = train(toy(worse_from=0), Schedule(steps=8, every=1, patience=20))
    assert int(state.step) == 8
    falling = Task(*toy()[:3], validate=lambda params: -float(params["w"]))
    state = train(falling, Schedule(steps=8, every=1, patience=2))
    assert int(state.step) == 2
    assert state.best_step == 0
    assert float(state.best["w"]) == 3
    assert is_finished(state, Schedule(steps=8, every=1, patience=2))


def test_a_loss_that_is_not_finite_is_named():
    task = toy()._replace(gradient=lambda params, number: (params["w"] * np.inf, params))
    with pytest.raises(ValueError, match="the loss of step 0 is not finite; lower the learning rate"):
        train(task, SCHEDULE)


def test_other_folders_are_refused_and_stay_as_they_were(tmp_path):
    with Checkpoints(tmp_path / "run", {"seed": 0, "catalogues": ["a"]}):
        pass
    with pytest.raises(
        ValueError, match=r"another set-up \(it differs in catalogues\); a checkpoint of another catalogue"
    ):
        Checkpoints(tmp_path / "run", {"seed": 0, "catalogues": ["b"]})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty and holds no training run"):
        Checkpoints(tmp_path / "other", {"seed": 0})
    assert [x.name for x in (tmp_path / "other").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("numbers", [(0, 1, 1), (3, 2, 1), (2, 1, 0)])
def test_a_schedule_without_sense_is_refused(numbers):
    with pytest.raises(ValueError, match="a schedule's numbers are at least 1"):
        Schedule(*numbers)


@pytest.mark.parametrize("part", ["training", "validation"])
def test_a_catalogue_in_which_nobody_comes_back_is_refused(part):
    split = generate_split(0, users=40, items=60)
    vectors = np.random.default_rng(0).standard_normal((60, 4))
    once = Sequences.from_lists([[user] for user in range(40)])
    changes = {"train": once} if part == "training" else {"valid": split.valid.take(np.zeros(0, np.int64))}
    split = replace(split, catalogue=replace(split.catalogue, vectors=vectors), **changes)
    with pytest.raises(ValueError, match=f"^shop has nothing to ask in its {part} part"):
        catalogue_pool(split, EpisodeSizes(), 0, where="shop")
