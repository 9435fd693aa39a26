"""The checker: what it accepts, what it rejects, and what it would still notice."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_claims import FALSE, TRUE, all_pairs, squared_sum, variant, wrong_sign

from lrgd_jax.certify import Bounded
from lrgd_jax.claims import Adjoint, Integers, Mutant, Statistical, Verdict, check_all, check_claim, compare
from lrgd_jax.claims.compiled_shape import instance_key


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_a_true_claim_holds_and_its_mutants_are_rejected(dtype):
    verdict = check_claim(TRUE, dtype=dtype)
    assert verdict.holds
    assert verdict.passed
    assert verdict.instances == 16
    assert verdict.failure is None
    assert [mutant.rejected for mutant in verdict.mutants] == [True, True]
    assert verdict.detection_limit is not None
    assert verdict.detection_limit > 0


def test_the_adjoint_tolerance_serves_as_well():
    verdict = check_claim(variant(tolerance=Adjoint()), dtype="float64", instances=5)
    assert verdict.passed
    assert verdict.instances == 4


def test_a_false_claim_falls_and_says_where():
    verdict = check_claim(FALSE, dtype="float64", mutants=False)
    assert not verdict.holds
    assert verdict.failure is not None
    assert verdict.failure.arguments is not None
    assert verdict.worst_ratio > 1
    assert verdict.mutants == ()
    assert verdict.failure.dimensions == {"n": 5}
    assert verdict.failure.arguments["x"].shape == (5,)
    np.testing.assert_array_equal(np.sign(verdict.failure.left), -np.sign(verdict.failure.right))


def poisoned(value):
    return lambda x: squared_sum(x) * jnp.asarray(value, x.dtype)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sides", [("left",), ("right",), ("left", "right")])
def test_what_is_not_finite_never_passes(value, sides):
    verdict = check_claim(variant(**{side: poisoned(value) for side in sides}), dtype="float64", instances=1)
    assert verdict.failure is not None
    assert "not finite" in verdict.failure.reason


def test_one_nan_among_many_numbers_never_passes():
    good, bad = np.zeros(3), np.array([0.0, np.nan, 0.0])
    for left, right in ((good, bad), (bad, good), (bad, bad)):
        assert not compare(Bounded(left, np.ones(3)), Bounded(right, np.ones(3))).holds


@pytest.mark.parametrize("bound", [np.inf, np.nan])
def test_a_bound_that_is_not_finite_decides_nothing(bound):
    compared = compare(Bounded(np.zeros(2), np.array([0.0, bound])), Bounded(np.zeros(2), np.zeros(2)))
    assert not compared.holds
    assert not compared.finite


def test_a_mutant_that_is_right_is_reported_alive():
    verdict = check_claim(variant(mutants=(*TRUE.mutants, Mutant("no change", all_pairs))), dtype="float64")
    assert verdict.holds
    assert not verdict.passed
    alive = verdict.mutants[-1]
    assert (alive.rejected, alive.instances) == (False, 16)
    assert "within the tolerance" in str(alive.reason)


def test_a_mutant_that_is_never_finite_is_not_honestly_rejected():
    verdict = check_claim(variant(mutants=(*TRUE.mutants, Mutant("NaN", poisoned(np.nan)))), dtype="float64")
    assert not verdict.mutants[-1].rejected
    assert "never finite" in str(verdict.mutants[-1].reason)


def test_a_mutant_that_cannot_run_is_named():
    def broken(x):
        return x @ jnp.ones((7, 7), x.dtype)

    claim = variant(mutants=(*TRUE.mutants, Mutant("of another width", broken)))
    with pytest.raises(ValueError, match="of another width"):
        check_claim(claim, dtype="float64")


def test_a_mutant_of_another_shape_is_named():
    claim = variant(mutants=(*TRUE.mutants, Mutant("a vector", lambda x: x)))
    with pytest.raises(ValueError, match="same structure"):
        check_claim(claim, dtype="float64")


def faulty(fault):
    def side(x):
        return all_pairs(x) * (1 + jnp.asarray(fault, x.dtype))

    return Mutant(f"off by {fault}", side)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_detection_limit_is_where_faults_begin_to_be_noticed(dtype):
    one = variant(shapes=({"n": 5},))
    limit = check_claim(one, dtype=dtype, instances=1, mutants=False).detection_limit
    assert limit is not None
    claim = replace(one, mutants=(faulty(2 * limit), faulty(limit / 100)))
    verdict = check_claim(claim, dtype=dtype, instances=1)
    assert [mutant.rejected for mutant in verdict.mutants] == [True, False]


def test_sides_of_different_structure_fall_with_a_reason():
    verdict = check_claim(variant(right=lambda x: {"sum": all_pairs(x)}), dtype="float64")
    assert verdict.failure is not None
    assert "results cannot be compared" in verdict.failure.reason


def test_sides_of_different_dtype_fall():
    assert not check_claim(variant(right=lambda x: all_pairs(x).astype(jnp.float32)), dtype="float64").holds


def test_pytrees_are_compared_leaf_by_leaf():
    def two(second):
        return lambda x: {"a": squared_sum(x), "b": (second(x), x)}

    assert check_claim(variant(left=two(squared_sum), right=two(all_pairs), mutants=alive(two)), dtype="float64").passed


def alive(two):
    return (Mutant("in the second leaf", two(wrong_sign)), Mutant("on the left", two(wrong_sign), replaces="left"))


@pytest.mark.parametrize(("shift", "holds"), [(1.0, True), (0.0, True), (-1.0, False)])
def test_at_most(shift, holds):
    claim = variant(relation="at most", right=lambda x: all_pairs(x) + jnp.asarray(shift, x.dtype))
    assert check_claim(claim, dtype="float64", mutants=False).holds == holds


def test_sides_that_return_nothing_prove_nothing():
    claim = variant(left=lambda x: (), right=lambda x: (), mutants=TRUE.mutants)
    failure = check_claim(claim, dtype="float64", mutants=False).failure
    assert failure is not None
    assert "return nothing" in failure.reason


def test_zero_against_zero_has_no_detection_limit():
    zero = variant(left=lambda x: x - x, right=lambda x: x * 0)
    verdict = check_claim(zero, dtype="float64", mutants=False)
    assert verdict.holds
    assert verdict.worst_ratio == 0
    assert verdict.detection_limit is None


def test_integers_are_compared_exactly():
    claim = variant(
        arguments={"x": "n", "i": Integers("n", below="n")},
        left=lambda x, i: (i.sum(), x[i]),
        right=lambda i, x: (jnp.flip(i).sum(), x[i]),
        mutants=(
            Mutant("one more", lambda x, i: (i.sum() + 1, x[i])),
            Mutant("reversed", lambda x, i: (i.sum(), jnp.flip(x[i]))),
        ),
    )
    assert check_claim(claim, dtype="float64").passed


def test_a_given_function_prepares_the_arguments():
    claim = variant(
        given=lambda x: {"x": x / jnp.sum(x)},
        right=lambda x: jnp.ones((), x.dtype),
        relation="at most",
        left=lambda x: jnp.sum(x) / 2,
        mutants=(Mutant("twice", lambda x: jnp.sum(x) * 2, "left"), Mutant("0", lambda x: jnp.sum(x) * 0)),
    )
    assert check_claim(claim, dtype="float64").passed


SAMPLES = 400
FALSE_ALARM = 1e-9


def uniform_mean(seed):
    return jnp.mean(jax.random.uniform(jax.random.key(seed), (SAMPLES,), jnp.float64))


def hoeffding():
    """Hoeffding 1963: the mean of SAMPLES numbers in [0, 1] is further off with probability FALSE_ALARM at most."""
    return jnp.sqrt(jnp.log(jnp.asarray(2 / FALSE_ALARM, jnp.float64)) / (2 * SAMPLES))


def test_a_statistical_claim_allows_its_deviation_and_no_more():
    claim = variant(
        arguments={"x": "n", "seed": Integers("", below="seeds")},
        dimensions={"n": (1, 5), "seeds": (1, 1000)},
        shapes=({"n": 1, "seeds": 1000},),
        left=lambda x: x[0],
        right=lambda x: x[0] * 1.0 + 0.0,
        tolerance=Statistical(lambda x: jnp.abs(x[0]) / 2, FALSE_ALARM),
        mutants=(Mutant("too far", lambda x: 2 * x[0]), Mutant("near enough", lambda x: x[0] * 1.25)),
    )
    verdict = check_claim(claim, dtype="float64")
    assert verdict.holds
    assert [mutant.rejected for mutant in verdict.mutants] == [True, False]
    assert not check_claim(
        variant(right=lambda x: squared_sum(x) + 1, tolerance=Statistical(lambda: hoeffding(), FALSE_ALARM)),
        dtype="float64",
    ).holds


def test_instances_are_reproducible_and_independent_of_their_number():
    first, second = (jax.random.key_data(instance_key(TRUE, 3, 1, 2)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    others = [instance_key(FALSE, 3, 1, 2), *(instance_key(TRUE, *x) for x in ((4, 1, 2), (3, 0, 2), (3, 1, 1)))]
    assert all((jax.random.key_data(other) != first).any() for other in others)
    few, many = (check_claim(TRUE, dtype="float64", instances=n, mutants=False).worst_ratio for n in (2, 6))
    assert few <= many


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": "float63"}, "unknown dtype"),
        ({"dtype": "float64", "instances": 0}, "at least one instance"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        check_claim(TRUE, **arguments)


def test_float64_without_64_bits_is_refused():
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        check_claim(TRUE, dtype="float64")


def test_a_claim_without_shapes_is_refused():
    with pytest.raises(ValueError, match="no shapes"):
        check_claim(variant(shapes=()), dtype="float64")


@pytest.mark.parametrize("workers", [1, 2])
def test_all_claims_in_order_with_progress(workers):
    done = []
    verdicts = check_all([TRUE, FALSE], dtype="float64", instances=1, workers=workers, progress=done.append)
    assert [verdict.slug for verdict in verdicts] == ["squared-sum", "wrong-sign"]
    assert [isinstance(verdict, Verdict) and verdict.holds for verdict in verdicts] == [True, False]
    assert len(done) == 2


def quotients(x):
    """Exactly one; but XLA turns (a/b)/c into a/(bc), and the product of the divisors overflows in float32."""
    u = 1 + 0 * x
    return ((u * 1e30) / (u * 1e25)) / (u * 1e20) * 1e15


def test_what_the_compiler_takes_out_of_range_decides_nothing():
    verdict = check_claim(variant(left=quotients, right=lambda x: jnp.zeros_like(x)), dtype="float32", mutants=False)
    assert not verdict.holds
    assert verdict.failure is not None
    assert "not finite" in verdict.failure.reason


def test_the_same_program_on_both_sides_compares_nothing():
    verdict = check_claim(variant(left=lambda x: x.sum(), right=lambda x: x.sum()), dtype="float64", instances=1)
    assert not verdict.holds
    assert verdict.failure is not None
    assert "same program" in verdict.failure.reason
