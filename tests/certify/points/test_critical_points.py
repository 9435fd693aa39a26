"""The programs' own points: edges are met exactly, both sides of them are seen, and what was not reached is named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import NotCertifiableError, equal, trace
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.points.critical_points import critical_points, dyadic_between
from lrgd_jax.certify.points.decision_margins import MarginProbe, SidePrograms
from lrgd_jax.certify.points.sample_points import Leaf, is_within
from lrgd_jax.certify.points.search_lines import _coordinates
from lrgd_jax.certify.points.unreached_branches import unreached
from lrgd_jax.certify.tracing.cost import Cost, cost_of

ONE = [Leaf((1,))]


def walked(*functions, size=1):
    return SidePrograms(tuple(trace(f, jax.ShapeDtypeStruct((size,), np.float64)) for f in functions))


def found(*functions, leaves=ONE, size=1, most=60):
    known = [[np.zeros(leaf.shape)] for leaf in leaves]
    return critical_points(walked(*functions, size=size), leaves, known, known, seed=0, most=most)


@pytest.fixture(autouse=True)
def _in_64_bits():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(
    ("function", "edges"),
    [
        (lambda x: jnp.where(x > 20, 1.0, x), [20.0]),
        (lambda x: jnp.clip(x, -3, 8), [-3.0, 8.0]),
        (lambda x: jnp.maximum(3 * x - 6, 0), [2.0]),
        (lambda x: jnp.floor(x / 64), [-64.0, 0.0, 64.0]),
        (lambda x: jnp.where(x * x * x < 1000, x, 0.0), [10.0]),
        (lambda x: 1 / (x - 7), [7.0]),
        (lambda x: jnp.round(x - 4), [3.5, 4.5, 5.5]),
        (lambda x: (x / 4).astype(jnp.int64), [-4.0, 4.0]),
    ],
)
def test_edges_are_met_exactly_and_from_both_sides(function, edges):
    values = [float(x[0]) for (x,) in found(function)] + [0.0]
    for edge in edges:
        assert edge in values
        beside = [x - edge for x in values if 0 < abs(x - edge) < max(1, abs(edge)) / 512]
        assert min(beside) < 0 < max(beside)


def test_an_edge_that_no_float_is_on_is_seen_from_both_sides():
    values = np.array([float(x[0]) for (x,) in found(lambda x: jnp.where(x * x > 2, x, 0.0))])
    near = values[np.abs(np.abs(values) - np.sqrt(2)) < 2.0**-20]
    assert (near**2 > 2).any()
    assert (near**2 < 2).any()


def test_ties_are_met_exactly():
    leaves = [Leaf((3,))]
    points = [x for (x,) in found(lambda x: jnp.argmax(x), leaves=leaves, size=3)]
    ordered = [np.sort(x) for x in points]
    assert any(a < b == c for a, b, c in ordered)


def test_points_keep_to_the_domain():
    leaves = [Leaf((1,), above=0.0)]
    points = found(lambda x: jnp.where(x > 9, jnp.log(x), x), leaves=leaves)
    assert points
    assert all(is_within(leaves, point) for point in points)
    assert 9.0 in [float(x[0]) for (x,) in points]


def test_a_program_without_decisions_has_no_points_of_its_own():
    assert found(lambda x: x * x + 1) == []


def test_a_search_that_may_evaluate_little_is_left():
    programs = walked(lambda x: jnp.where(x > 20, 1.0, x))
    zero = [[np.zeros(1)]]
    assert critical_points(programs, ONE, zero, zero, seed=0, most=9, steps=10) == []


def test_directions_along_one_entry_are_unit_vectors():
    leaves = [Leaf((2,)), Leaf((), below=3), Leaf(())]
    found = [np.concatenate([x.ravel() for x in direction]).tolist() for direction in _coordinates(leaves)]
    assert found == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_decisions_within_loops_and_calls():
    def looped(x):
        def step(total, k):
            return total + jax.nn.relu(x - 10.0 * k), None

        return jax.lax.scan(step, jnp.zeros_like(x), jnp.arange(1.0, 4.0))[0]

    values = [float(x[0]) for (x,) in found(looped)]
    assert {10.0, 20.0, 30.0} <= set(values)


@pytest.mark.parametrize(
    ("low", "high", "short"),
    [(3.3, 7.7, 4.0), (-7.7, -3.3, -4.0), (-1.0, 5.0, 0.0), (0.3, 0.45, 0.375), (9.9, 10.1, 10.0), (5.0, 5.0, 5.0)],
)
def test_the_shortest_binary_fraction(low, high, short):
    assert dyadic_between(low, high) == short


def test_margins_are_differences_of_operands():
    programs = walked(lambda x: jax.lax.clamp(-1.0, x, 2.0) + jnp.maximum(x, 5.0) + jnp.abs(x))
    margins = MarginProbe().margins_at(programs, [np.array([3.0])])
    assert margins is not None
    assert sorted(float(x[0]) for x in margins.values()) == [-2.0, 1.0, 3.0, 4.0]


def test_a_program_that_cannot_be_probed_has_no_margins():
    assert MarginProbe().margins_at(walked(lambda x: jnp.sin(x)), [np.zeros(7), np.zeros(2)]) is None


def test_branches_that_no_point_reaches_are_named():
    programs = walked(lambda x: jnp.where(x > 20, 1.0, jnp.abs(x)) + jax.lax.clamp(-1.0, x, 2.0))
    points = [[np.array([k])] for k in (0.0, 1.0, 3.0)]
    lines = unreached(programs, points)
    assert len(lines) == 3
    assert any(line.endswith("was never true") and "test_critical_points.py" in line for line in lines)
    assert any(line.endswith("was never of a negative number") for line in lines)
    assert any(line.endswith("was never at its lower bound") for line in lines)
    assert unreached(programs, [*points, [np.array([-2.0])], [np.array([21.0])]]) == ()


def test_what_no_point_reaches_is_said():
    def error_function(x):
        # exp(x) is never negative
        return jnp.where(jnp.exp(x) < 0, 1.0, jax.lax.erf(x))

    # odd, which no exact layer knows of it
    result = equal(error_function, lambda x: -jax.lax.erf(-x), "x:n=1")
    assert isinstance(result, Unrefuted)
    assert any(line.startswith("'lt' at ") and line.endswith("was never true") for line in result.unreached)
    assert "not reached: 'lt' at " in str(result)
    assert result.as_dict()["unreached"] == list(result.unreached)


@pytest.mark.parametrize(
    ("f", "g"),
    [
        (lambda x: jnp.sqrt(x) ** 2, lambda x: x),
        (
            lambda x: jnp.sin(x - 7) / (x - 7),
            lambda x: jnp.where(x == 7, 1.0, jnp.sin(x - 7) / jnp.where(x == 7, 1.0, x - 7)),
        ),
        (lambda x: jnp.exp(jnp.log(x)), lambda x: x),
        (lambda x: jnp.cos(jnp.arccos(x)), lambda x: x),
    ],
)
def test_no_value_on_one_side_is_a_difference(f, g):
    result = equal(f, g, "x:n=1")
    assert isinstance(result, Counterexample)
    assert "nan" in str(result.left)


def test_no_value_on_both_sides_is_none():
    result = equal(lambda x: jnp.arctan(jnp.log(x)), lambda x: -jnp.arctan(-jnp.log(x)), "x:n=2")
    assert isinstance(result, Unrefuted)
    assert result.skipped > 5
    assert result.points > 5
    assert f"skipped: {result.skipped} points" in str(result)


def test_a_wide_ball_is_no_proof_of_nan():
    # the argument of the root is zero, which no ball can tell
    def root(x):
        return jnp.sqrt(jnp.exp(x) * jnp.exp(-x) - 1) + jnp.sin(x)

    with pytest.raises(NotCertifiableError, match="is there a value to compare"):
        equal(root, lambda x: -jnp.sin(-x), "x:n=1 above 0.5")


def test_the_cost_of_a_walk_counts_rounds_and_products():
    def looped(x):
        return jax.lax.fori_loop(0, 5, lambda _, y: y * x, x)

    assert cost_of(trace(lambda x: x * x, np.ones(3))) == Cost(1, 3)
    assert cost_of(trace(lambda x: x @ x, np.ones((3, 3)))) == Cost(1, 27)
    assert cost_of(trace(looped, np.ones(3))).numbers >= 15
