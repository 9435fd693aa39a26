"""Two devices give the numbers of one; each holds its share."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.certify.rounding.running_error import running_error
from lrgd_jax.decoder import map_over_devices, replicate, shard

from .helpers import decoder, within
from .spread_work import CANDIDATES, CONFIG, POINTS, losses, scores

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def two_devices():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1", "PYTHONPATH": paths}
    program = [sys.executable, str(TESTS / "decoder" / "two_devices.py")]
    done = subprocess.run(program, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_both_devices_hold_a_share(two_devices):
    assert two_devices["devices"] == 2
    # four points, two a device, come and go divided
    assert two_devices["seen"][0] == [[[0, [2, 2]], [1, [2, 2]]], [[0, [2]], [1, [2]]]]
    assert two_devices["whole"] == [[0, [2]], [1, [2]]]
    # the weights are whole on both
    assert two_devices["params"] == [[0, [CONFIG.vocab_size, CONFIG.width]], [1, [CONFIG.vocab_size, CONFIG.width]]]


def test_three_points_cannot_be_divided_by_hand(two_devices):
    assert "shape (3, 2) cannot be divided among 2 devices" in two_devices["refused"]


@pytest.mark.parametrize("work", ["losses", "scores"])
def test_two_devices_give_the_numbers_of_one(two_devices, work):
    params = decoder(CONFIG)
    run = {"losses": lambda p: map_over_devices(lambda points: losses(p, points), POINTS, batch=2), "scores": scores}[
        work
    ]
    bound = running_error(run, params).error
    within(run(params), two_devices[work], 2 * bound)
    assert len(two_devices[work]) == {"losses": len(POINTS), "scores": len(CANDIDATES)}[work]


def test_one_device_moves_nothing():
    if jax.device_count() > 1:
        pytest.skip("there are several devices")
    tree = {"a": jnp.ones(3)}
    assert replicate(tree) is tree
    assert shard(tree) is tree


def test_batches_have_one_shape_and_the_rest_is_filled_up():
    shapes = []

    def doubled(points):
        shapes.append(points["x"].shape)
        return {"y": 2 * points["x"]}

    found = map_over_devices(doubled, {"x": jnp.arange(7)}, batch=3)
    assert found["y"].tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert set(shapes) == {(3 * jax.device_count(),)}


@pytest.mark.parametrize(
    ("points", "batch", "message"),
    [
        (jnp.zeros((2, 1)), 0, "at least one point, got batch=0"),
        (jnp.zeros((0, 1)), 1, r"at least one; got \[0\]"),
        ((jnp.zeros(2), jnp.zeros(3)), 1, r"one and the same number of points, at least one; got \[2, 3\]"),
    ],
)
def test_wrong_points_are_refused(points, batch, message):
    with pytest.raises(ValueError, match=message):
        map_over_devices(lambda x: x, points, batch=batch)
