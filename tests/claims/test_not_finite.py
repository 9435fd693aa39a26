"""A NaN or an infinity on either side, in one entry or in a bound: the claim falls, and it rejects no mutant."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_claims import all_pairs, squared_sum, squares_only, variant

from lrgd_jax.certify import Bounded
from lrgd_jax.claims import Adjoint, Mutant, Statistical, check_claim, compare, compiled_shape
from lrgd_jax.claims.floating_counterexample import smallest_counterexample

VALUES = [np.nan, np.inf, -np.inf]
SIDES = [("left",), ("right",), ("left", "right")]
HONEST = {"left": squared_sum, "right": all_pairs}


def spoiled(side, value):
    """One entry of two is `value`; it is no constant, so it is computed."""

    def vector(x):
        return jnp.stack([side(x), jnp.exp(x[0]) * jnp.asarray(value, x.dtype)])

    return vector


def sound(side):
    return lambda x: jnp.stack([side(x), jnp.exp(x[0])])


def claim_with(sides, value, **changes):
    made = {name: spoiled(side, value) if name in sides else sound(side) for name, side in HONEST.items()}
    mutants = (Mutant("squares only", sound(squares_only)), Mutant("the same", sound(squares_only), "left"))
    return variant(**made, mutants=mutants, shapes=({"n": 2},), **changes)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("relation", ["equal", "at most"])
@pytest.mark.parametrize("error", [0.0, 1.0, np.inf])
def test_a_comparison_falls(sides, value, relation, error):
    numbers = {name: np.array([1.0, value if name in sides else 1.0]) for name in HONEST}
    bounds = np.array([0.0, error])
    found = compare(Bounded(numbers["left"], bounds), Bounded(numbers["right"], bounds), relation=relation)
    assert not found.holds
    assert not found.finite
    assert found.ratio == np.inf
    assert found.reason is not None
    assert sides[0] in found.reason


@pytest.mark.parametrize("bound", [np.nan, np.inf])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("relation", ["equal", "at most"])
def test_a_bound_that_is_not_finite_fails_a_comparison(side, bound, relation):
    errors = {name: np.array([1.0, bound if name == side else 1.0]) for name in HONEST}
    found = compare(Bounded(np.zeros(2), errors["left"]), Bounded(np.zeros(2), errors["right"]), relation=relation)
    assert not found.holds
    assert not found.finite


@pytest.mark.parametrize("deviation", [(np.nan, 0.0), (np.inf, 0.0), (1.0, np.nan), (1.0, np.inf)])
def test_a_deviation_that_is_not_finite_fails_a_comparison(deviation):
    zero = Bounded(np.zeros(2), np.zeros(2))
    found = compare(zero, zero, deviation=Bounded(*(np.asarray(x) for x in deviation)))
    assert not found.holds
    assert not found.finite


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_claim_falls(sides, value, dtype):
    verdict = check_claim(claim_with(sides, value), dtype=dtype, instances=2, mutants=False)
    assert not verdict.holds
    assert not verdict.passed
    assert verdict.worst_ratio == np.inf
    assert verdict.failure is not None
    assert "not finite" in verdict.failure.reason


TOLERANCES = {"adjoint": Adjoint(), "statistical": Statistical(lambda x: jnp.abs(x[0]) + 1, 0.5)}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_a_claim_falls_whatever_its_tolerance(sides, value, tolerance):
    claim = claim_with(sides, value, tolerance=TOLERANCES[tolerance], relation="at most")
    assert not check_claim(claim, dtype="float64", instances=1, mutants=False).holds


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_statistical_claim_falls_where_its_deviation_is_not_finite(value):
    tolerance = Statistical(lambda x: jnp.exp(x[0]) * jnp.asarray(value, x.dtype), 0.5)
    assert not check_claim(variant(tolerance=tolerance), dtype="float64", instances=1, mutants=False).holds


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("sides", SIDES)
def test_the_search_finds_it(sides, value):
    found = smallest_counterexample(claim_with(sides, value), "float64", examples=10)
    assert found is not None
    assert found.dimensions == {"n": 1}
    assert not found.comparison.holds
    assert not found.comparison.finite
    shown = {"left": found.left, "right": found.right}
    assert {name for name, result in shown.items() if not np.isfinite(result).all()} == set(sides)


def test_the_search_finds_it_where_few_arguments_lead_to_it():
    """The logarithm of a negative number on one side, which all other instances do not meet."""
    claim = variant(left=lambda x: squared_sum(x) + 0 * jnp.log(x[0] + 4), right=all_pairs)
    found = smallest_counterexample(claim, "float64")
    assert found is not None
    assert not found.comparison.finite
    assert found.arguments["x"][0] <= -4


def vector_claim(*mutants):
    honest = {name: sound(side) for name, side in HONEST.items()}
    mutants = (Mutant("squares only", sound(squares_only)), *mutants)
    return variant(**honest, mutants=mutants, shapes=({"n": 2},))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("wrong", [False, True])
def test_no_mutant_is_rejected_for_a_result_that_is_not_finite(side, value, wrong):
    """Even if another entry is wrong by much."""
    mutant = Mutant("not finite", spoiled(squares_only if wrong else HONEST[side], value), side)
    verdict = check_claim(vector_claim(mutant), dtype="float64", instances=2)
    assert verdict.holds
    assert not verdict.passed
    honest, spoilt = verdict.mutants
    assert honest.rejected
    assert not spoilt.rejected
    assert "never finite" in str(spoilt.reason)


def test_no_mutant_is_rejected_where_it_is_not_finite_now_and_then():
    mutant = Mutant("right or NaN", lambda x: jnp.stack([all_pairs(x) + 0 * jnp.sqrt(x[0]), jnp.exp(x[0])]))
    verdict = check_claim(vector_claim(mutant), dtype="float64")
    assert not verdict.mutants[-1].rejected
    assert "within the tolerance" in str(verdict.mutants[-1].reason)


def test_a_mutant_is_rejected_by_the_instances_at_which_it_is_finite():
    mutant = Mutant("wrong or NaN", lambda x: jnp.stack([-all_pairs(x) + 0 * jnp.sqrt(x[0]), jnp.exp(x[0])]))
    assert check_claim(vector_claim(mutant), dtype="float64").mutants[-1].rejected


def shifted(x):
    """A quarter, but XLA adds the constants first, and the quarter vanishes beside the large one."""
    return (x + LARGE) + 1 / 4


LARGE = 2.0**60


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_constants_that_the_compiler_adds_up_first_decide_nothing(dtype):
    """JAX 0.10 does; 0.12 computes as it is written, and then the true claim holds and the wrong one falls."""
    honest = variant(given=lambda x: {"x": 0 * x - LARGE}, left=shifted, right=lambda x: 0 * x + 1 / 4)
    missing = variant(given=lambda x: {"x": 0 * x - LARGE}, left=shifted, right=lambda x: 0 * x)
    as_written = bool((jax.jit(shifted)(jnp.full(3, -LARGE, dtype)) == 1 / 4).all())
    for claim in (honest, missing):
        verdict = check_claim(claim, dtype=dtype, instances=1, mutants=False)
        assert verdict.holds == (as_written and claim is honest)
        reason = "" if verdict.failure is None else verdict.failure.reason
        assert ("not finite" in reason) == (not as_written)


def thrice(x):
    """One over the common value of all entries, but XLA multiplies the divisors first, and their product overflows."""
    return (x[0] / x[1]) / x[2]


@pytest.mark.parametrize(("dtype", "huge"), [("float64", 2.0**700), ("float32", 2.0**100)])
def test_divisors_that_the_compiler_multiplies_first_decide_nothing(dtype, huge):
    """In every release so far."""
    assert jax.jit(thrice)(jnp.full(3, huge, dtype)) == 0
    options = {"given": lambda x: {"x": 0 * x + huge}, "left": thrice, "shapes": ({"n": 3},)}
    honest = variant(**options, right=lambda x: 1 / x[0])
    missing = variant(**options, right=lambda x: 0 * x[0])
    for claim in (honest, missing):
        verdict = check_claim(claim, dtype=dtype, instances=1, mutants=False)
        assert verdict.failure is not None
        assert "not finite" in verdict.failure.reason


def precision():
    return jax.config.values["jax_default_matmul_precision"]


def contracting(seen):
    """A claim about a matrix product whose functions say under which precision they were traced."""

    def told(name, function):
        def side(x):
            seen.append((name, precision()))
            return function(x)

        return side

    return variant(
        arguments={"x": "n n"},
        given=told("given", lambda x: {"x": x + x @ x}),
        left=told("left", lambda x: x @ (x @ x)),
        right=told("right", lambda x: (x @ x) @ x),
        mutants=(Mutant("two", told("mutant", lambda x: x @ x)), Mutant("none", told("mutant", lambda x: x), "left")),
        tolerance=Statistical(told("deviation", lambda x: jnp.abs(x @ x)), 0.5),
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_everything_is_traced_for_products_in_full_precision(dtype):
    seen = []
    before = precision()
    check_claim(contracting(seen), dtype=dtype, instances=1)
    assert {name for name, _ in seen} == {"given", "left", "right", "mutant", "deviation"}
    assert {value for _, value in seen} == {"highest"}
    assert precision() == before


def test_the_search_traces_for_products_in_full_precision():
    seen = []
    claim = contracting(seen)
    smallest_counterexample(variant(arguments={"x": "n n"}, given=claim.given, left=claim.left), "float32", examples=3)
    assert {value for _, value in seen} == {"highest"}


@pytest.mark.parametrize("outside", ["bfloat16", "tensorfloat32", "default"])
def test_what_is_compiled_multiplies_in_full_precision(outside, monkeypatch):
    traced, trace_side = [], compiled_shape.trace_side

    def kept(*arguments, **options):
        traced.append((trace_side(*arguments, **options), arguments[3]))
        return traced[-1][0]

    monkeypatch.setattr(compiled_shape, "trace_side", kept)
    with jax.default_matmul_precision(outside):
        check_claim(contracting([]), dtype="float32", instances=1)
        texts = [side.compiled.lower(*side.program.flatten((dict(x),))).as_text() for side, x in traced]
    products = [line for text in texts for line in text.splitlines() if "stablehlo.dot_general" in line]
    assert products
    assert all("precision = [HIGHEST, HIGHEST]" in line for line in products)
