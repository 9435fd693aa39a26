"""The walker: every way through a jaxpr gives what JAX gives."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from lrgd_jax.certify import System, UndecidableError, UnknownPrimitiveError, running_error, trace, walk

X = jnp.arange(24.0).reshape(4, 6) - 7
I = jnp.array([3, 0, 2])  # noqa: E741

MOVES = {
    "reshape": lambda x: x.reshape(2, -1, 3),
    "reshape of order": lambda x: lax.reshape(x, (24,), dimensions=(1, 0)),
    "transpose": lambda x: x.reshape(2, 2, 6).transpose(2, 0, 1),
    "broadcast": lambda x: jnp.broadcast_to(x[:, None, :1], (4, 3, 5)),
    "slice": lambda x: x[1:4:2, ::3],
    "squeeze": lambda x: lax.squeeze(x[:1, :, None], (0, 2)),
    "expand": lambda x: jnp.expand_dims(x, (0, 3)),
    "rev": lambda x: x[::-1, ::-2],
    "concatenate": lambda x: jnp.concatenate([x, x[:, :2], -x], axis=1),
    "stack": lambda x: jnp.stack([x, -x], axis=1),
    "tile": lambda x: jnp.tile(x, (2, 3)),
    "unstack": lambda x: jnp.unstack(x, axis=1)[2],
    "pad": lambda x: lax.pad(x, jnp.float64(3), ((1, 2, 0), (-1, 1, 2))),
    "pad away": lambda x: lax.pad(x, jnp.float64(3), ((-3, -1, 0), (2, -4, 1))),
    "split": lambda x: jnp.split(x, [1, 4], axis=1)[1],
    "where": lambda x: jnp.where(jnp.tril(jnp.ones((4, 6), bool)), x, -x),
    "select of three": lambda x: lax.select_n(jnp.arange(24).reshape(4, 6) % 3, x, -x, x[::-1]),
    "dynamic slice": lambda x: lax.dynamic_slice(x, (I[0], 1), (3, 4)),
    "dynamic update": lambda x: lax.dynamic_update_slice(x, -x[:2, :3], (1, I[0] + 2)),
    "take rows": lambda x: x[I],
    "take columns": lambda x: x[:, I],
    "take pairs": lambda x: x[I, I + 1],
    "take along axis": lambda x: jnp.take_along_axis(x, I[None, :] + jnp.arange(4)[:, None] - 1, axis=1),
    "take clipped": lambda x: jnp.take(x, I * 2, axis=0, mode="clip"),
    "take batched": lambda x: jax.vmap(lambda row, k: row[k])(x, jnp.array([0, 5, 2, 1])),
    "take windows": lambda x: jax.vmap(lambda k: lax.dynamic_slice(x, (k, k), (2, 3)))(I),
    "set rows": lambda x: x.at[I].set(-x[:3]),
    "set columns": lambda x: x.at[:, I].set(-x[:, :3]),
    "set dropped": lambda x: x.at[jnp.array([1, 9])].set(-x[:2], mode="drop"),
    "set batched": lambda x: jax.vmap(lambda row, k: row.at[k].set(1.0))(x, jnp.array([0, 5, 2, 1])),
    "add rows": lambda x: x.at[jnp.array([1, 1, 2])].add(x[:3]),
    "add windows": lambda x: x.at[jnp.array([[0, 1], [1, 0]]), 2:].add(1.0),
    "identity": lambda x: checkpoint_name(lax.stop_gradient(lax.optimization_barrier(jnp.copy(x))), "x"),
}


@pytest.mark.parametrize("name", MOVES)
def test_data_movement_is_exact(name):
    bounded = running_error(MOVES[name], X)
    np.testing.assert_array_equal(bounded.value, MOVES[name](X))
    if not name.startswith("add"):
        assert not bounded.error.any()


@given(st.integers(0, 2**31), st.sampled_from(["set", "add"]))
def test_indexing_agrees_with_jax(seed, kind):
    rng = np.random.default_rng(seed)
    indices = rng.permutation(5)[: rng.integers(1, 5)]
    axis = int(rng.integers(3))
    place = (slice(None),) * axis + (indices,)
    x = jnp.asarray(rng.integers(-9, 9, (5, 5, 5)).astype(np.float64))

    def function(x):
        return getattr(x.at[place], kind)(2 * x[place])

    np.testing.assert_array_equal(running_error(function, x).value, function(x))


def test_a_gather_out_of_bounds_is_not_a_number():
    bounded = running_error(lambda x: jnp.take(x, jnp.array([0, 9]), axis=0), X)
    assert np.isnan(bounded.value[1]).all()
    assert np.isinf(bounded.error[1]).all()
    assert not bounded.error[0].any()


def test_a_scatter_that_overwrites_twice_has_no_value():
    with pytest.raises(ValueError, match="twice"):
        running_error(lambda x: x.at[jnp.array([1, 1])].set(x[:2]), X)


@jax.custom_vjp
def _doubled(x):
    return 2 * x


_doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (2 * g,))


def _cumulative(x, reverse=False):
    return lax.scan(lambda c, row: (c + row, c * row), x[0], x, reverse=reverse)


CONTROL = {
    "jit": jax.jit(lambda x: jax.jit(jnp.sin)(x) + 1),
    "remat": jax.checkpoint(lambda x: jnp.sin(x) * x),
    "custom jvp": jax.nn.relu,
    "custom vjp": _doubled,
    "gradient of custom vjp": jax.grad(lambda x: _doubled(x).sum() + (x * x).sum()),
    "scan": _cumulative,
    "scan in reverse": lambda x: _cumulative(x, reverse=True),
    "scan without rows": lambda x: lax.scan(lambda c, _: (c * 2, None), x, None, length=3)[0],
    "scan of nothing": lambda x: lax.scan(lambda c, row: (c + row, row), x[0], x[:0]),
    "gradient of scan in remat": jax.grad(lambda x: jax.checkpoint(_cumulative)(x)[1].sum()),
    "gradient of scan": jax.grad(lambda x: _cumulative(x)[1].sum()),
    "gradient of softmax": jax.grad(lambda x: (jax.nn.softmax(x) ** 2).sum()),
    "for": lambda x: lax.fori_loop(0, 3, lambda k, y: y * 2 + k, x),
    "while": lambda x: lax.while_loop(lambda s: s[0] < 100, lambda s: (s[0] * 3, s[1] + 1), (x[1, 3] + 3, x))[1],
    "cond": lambda x: lax.cond(x[0, 0] < 0, jnp.sin, jnp.cos, x),
    "switch": lambda x: lax.switch(I[2], [jnp.sin, jnp.cos, jnp.tanh], x),
    "map": lambda x: lax.map(lambda row: row.sum(), x),
    "associative scan": lambda x: lax.associative_scan(jnp.add, x),
    "integers": lambda x: x[:, 0] * (jnp.cumsum(jnp.arange(4)) % 3 // 2).astype(x.dtype),
    "random bits": lambda x: x + jax.random.randint(jax.random.key(1), (4, 6), 0, 9).astype(x.dtype),
}


@pytest.mark.parametrize("name", CONTROL)
def test_control_flow(name):
    bounded = running_error(CONTROL[name], X / 8)
    for y, value, error in zip(
        *map(jax.tree.leaves, (CONTROL[name](X / 8), bounded.value, bounded.error)), strict=True
    ):
        assert y.shape == value.shape == error.shape
        assert (np.abs(np.asarray(y) - value) <= error).all()


def test_an_unknown_primitive_is_named_with_its_line():
    with pytest.raises(UnknownPrimitiveError, match=r"'lgamma'.*test_walker\.py:\d+"):
        running_error(lambda x: lax.lgamma(x), X)


def test_unused_operations_are_not_needed():
    def function(x):
        lax.lgamma(x)
        return x + 1

    assert running_error(function, X).error.any()


def test_a_program_is_bound_to_its_shapes():
    program = trace(jnp.sin, X)
    with pytest.raises(ValueError, match="traced as float64"):
        running_error(program, X[0])
    with pytest.raises(ValueError, match="traced as float64"):
        running_error(program, X.astype(jnp.float32))
    with pytest.raises(ValueError, match="structure"):
        running_error(program, (X, X))


def test_results_keep_their_structure():
    bounded = running_error(lambda p: {"a": (p["x"] + 1, p["n"] * 2), "b": p["x"] > 0}, {"x": X, "n": 3})
    assert bounded.value["a"][1] == 6
    assert bounded.error["a"][1] == 0
    assert bounded.value["b"].dtype == bool
    assert bounded.error["b"].shape == X.shape


class Exact:
    """An array of fractions that is not a `numpy.ndarray` to the walker."""

    def __init__(self, array):
        self.array = array


class Rationals(System[Exact]):
    """A number system in a few lines, as a user would write one."""

    rules = {  # noqa: RUF012
        "add": lambda eqn, x, y: Exact(x.array + y.array),
        "add_any": lambda eqn, x, y: Exact(x.array + y.array),
        "neg": lambda eqn, x: Exact(-x.array),
        "sub": lambda eqn, x, y: Exact(x.array - y.array),
        "mul": lambda eqn, x, y: Exact(x.array * y.array),
        "reduce_sum": lambda eqn, x: Exact(np.asarray(x.array.sum(axis=tuple(eqn.params["axes"])), object)),
        "gt": lambda eqn, x, y: np.asarray(x.array > y.array, bool),
    }

    def lift(self, value, dtype):
        flat = [Fraction(float(x)) for x in np.asarray(value).ravel()]
        return Exact(np.array([*flat, None], object)[:-1].reshape(np.shape(value)))

    def move(self, function, *elements):
        return Exact(function(np, *(x.array for x in elements)))


def test_another_number_system_is_a_plug_in():
    def loss(w, x):
        state, _ = lax.scan(lambda c, row: (c * row + w, None), w, x)
        return jnp.where(state > 0, state * x[1], -state).sum()

    x, w = X / 3, X[2] / 7
    program = trace(jax.grad(loss), w, x)
    system = Rationals()
    (result,) = walk(program, system, [system.lift(np.asarray(v), v.dtype) for v in (w, x)])
    bounded = running_error(program, w, x)
    for exact, value, error in zip(result.array, bounded.value, bounded.error, strict=True):
        assert isinstance(exact, Fraction)
        assert abs(exact - Fraction(float(value))) <= Fraction(float(error))


def test_a_system_that_cannot_choose_says_so():
    with pytest.raises(UndecidableError, match="decided"):
        running_error(lambda x: lax.cond((x * x - x * x).sum() > 0, jnp.sin, jnp.cos, x), X / 3)


def test_what_a_sort_carries_along_for_nobody_decides_nothing():
    """Numbers that rounding may exchange have one sorted order, but no one place for what goes with each."""
    near = jnp.array([1.0, 1.0, 2.0]) / 3

    def sort_with(read):
        return lambda x: lax.sort((x * x, jnp.arange(3.0, dtype=x.dtype)), num_keys=1)[read]

    bounded = running_error(sort_with(0), near)
    assert (bounded.error < 2.0**-20).all()
    with pytest.raises(UndecidableError):
        running_error(sort_with(1), near)
