"""A sequence spread over devices: certified as a program, and run on devices that the host pretends to have."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.attention import LinearState, causal_linear_attention, sequence_parallel_linear_attention
from lrgd_jax.attention.sequence_parallel import attend_shard
from lrgd_jax.certify import equal, running_error, trace
from lrgd_jax.features import elu_plus_one, identity

ROOT = Path(__file__).resolve().parents[2]

# reads the arguments, and writes what the given numbers of devices make of them
ON_DEVICES = """
import json, sys, jax, numpy as np
from jax.experimental import multihost_utils
from lrgd_jax.attention import LinearState, sequence_parallel_linear_attention
from lrgd_jax.features import elu_plus_one
q, k, v, decays, *state = [np.asarray(x, np.float32) for x in json.load(sys.stdin)]
results = []
for devices in map(int, sys.argv[1].split(",")):
    mesh = jax.make_mesh((devices,), ("tokens",), devices=jax.devices()[:devices])
    outputs, after = jax.jit(lambda q, k, v, decays, state: sequence_parallel_linear_attention(
        q, k, v, mesh, feature_map=elu_plus_one, normalised=True, decays=decays, state=LinearState(*state), chunk=2
    ))(q, k, v, decays, state)
    assert len(outputs.sharding.device_set) == devices
    gathered = multihost_utils.process_allgather((outputs, *after), tiled=True)
    results.append([np.asarray(x, np.float64).tolist() for x in gathered])
print(json.dumps(results))
"""
ONE_OF_THE_PROCESSES = """
import sys, jax
jax.distributed.initialize(sys.argv[2], int(sys.argv[1]), int(sys.argv[3]))
"""


def in_parts(parts, phi, normalised, q, k, v, a, values, normaliser):
    """What the devices of a mesh do, as one program: `jax.vmap` in the place of the mesh."""

    def cut(x):
        return jnp.moveaxis(x.reshape(x.shape[0], parts, -1, *x.shape[2:]), 1, 0)

    one = partial(attend_shard, axis="tokens", feature_map=phi, normalised=normalised, chunk=2)
    each = jax.vmap(one, in_axes=(0, 0, None), axis_name="tokens")
    outputs, states = each((cut(q), cut(k), cut(v)), cut(a), LinearState(values, normaliser))
    return jnp.moveaxis(outputs, 0, 1).reshape(*q.shape[:2], -1), states.values[0], states.normaliser[-1]


def at_once(phi, normalised, q, k, v, a, values, normaliser):
    state = LinearState(values, normaliser)
    outputs, state = causal_linear_attention(
        q, k, v, feature_map=phi, normalised=normalised, decays=a, state=state, chunk=3
    )
    return outputs, *state


@pytest.mark.parametrize(("gates", "normalised"), [("a:h,n", True), ("a:h,n,d", False)])
def test_the_parts_of_a_sequence_are_certified_to_be_the_whole(gates, normalised):
    shapes = f"q:h=1,n=6,d=2; k:h,n,d; v:h,n,dv=1; {gates}; values:h,dv,d; normaliser:h,d"
    assert equal(
        lambda q, k, v, a, values, normaliser: in_parts(3, identity, normalised, q, k, v, a, values, normaliser),
        lambda q, k, v, a, values, normaliser: at_once(identity, normalised, q, k, v, a, values, normaliser),
        shapes,
    )


def some_arguments():
    rng = np.random.default_rng(0)
    shapes = (2, 8, 3), (2, 8, 3), (2, 8, 2)
    given = [
        *(rng.standard_normal(shape) for shape in shapes),
        rng.uniform(size=(2, 8)),
        rng.standard_normal((2, 2, 3)),
        rng.uniform(1, 2, (2, 3)),
    ]
    return [np.asarray(x, np.float32) for x in given]


def start(program, *arguments, devices=1):
    flags = os.environ.get("XLA_FLAGS", "") + f" --xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def results_of(processes, given):
    """What the first of them writes, once all have ended well."""
    with ThreadPoolExecutor(len(processes)) as threads:
        arguments = json.dumps([x.tolist() for x in given])
        told = list(threads.map(lambda process: process.communicate(arguments), processes))
    for process, (_, errors) in zip(processes, told, strict=True):
        assert process.returncode == 0, errors
    # a library of communication writes lines of its own
    [written] = [line for line in told[0][0].splitlines() if line.startswith("[[")]
    return json.loads(written)


def within_the_bounds(counts, found, given):
    """Of what several devices compute and of what one device computes."""
    arguments = tuple(map(jnp.asarray, given))
    one = running_error(trace(partial(at_once, elu_plus_one, True), *arguments), *arguments)
    for devices, results in zip(counts, found, strict=True):
        parts = running_error(trace(partial(in_parts, devices, elu_plus_one, True), *arguments), *arguments)
        bounds = zip(results, one.value, one.error, parts.error, strict=True)
        for result, value, error, also in bounds:
            assert np.all(np.abs(np.asarray(result) - value) <= error + also), devices


def test_two_and_four_devices_give_the_result_of_one():
    given = some_arguments()
    within_the_bounds((2, 4), results_of([start(ON_DEVICES, "2,4", devices=4)], given), given)


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_processes_that_talk_over_a_network_give_the_result_of_one(count):
    given = some_arguments()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    programs = [start(ONE_OF_THE_PROCESSES + ON_DEVICES, count, address, number) for number in range(count)]
    within_the_bounds((count,), results_of(programs, given), given)


def test_gradients_pass_through_the_mesh():
    rng = np.random.default_rng(1)
    tokens = tuple(jnp.asarray(rng.standard_normal((1, 4, 2))) for _ in range(3))
    mesh = jax.make_mesh((1,), ("tokens",))

    def loss(attend, *tokens):
        return jnp.sum(attend(*tokens)[0] ** 2)

    spread = jax.grad(
        partial(loss, lambda q, k, v: sequence_parallel_linear_attention(q, k, v, mesh)), argnums=(0, 1, 2)
    )
    whole = jax.grad(partial(loss, causal_linear_attention), argnums=(0, 1, 2))
    bound = running_error(trace(whole, *tokens), *tokens)
    for found, value, error in zip(jax.jit(spread)(*tokens), bound.value, bound.error, strict=True):
        assert np.all(np.abs(found - value) <= 2 * error)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("devices", "axis", "message"),
    [
        (4, None, "7 tokens cannot be divided among the 4 devices of axis 'tokens'; take a mesh"),
        (1, "heads", "axis must be one of the mesh's, tokens; got 'heads'"),
    ],
)
def test_a_mesh_that_does_not_fit_is_named(devices, axis, message):
    # no program runs, so that one device may stand for many
    tokens = jnp.ones((1, 7, 2))
    mesh: Any = jax.sharding.AbstractMesh((devices,), ("tokens",))
    with pytest.raises(ValueError, match=message):
        sequence_parallel_linear_attention(tokens, tokens, tokens, mesh, axis=axis)
