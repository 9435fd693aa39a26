"""Mutants made by saying what changes: arguments of a side, or results."""

import re
from dataclasses import replace
from functools import partial

import jax.numpy as jnp
import pytest
from small_claims import TRUE, all_pairs, squared_sum, variant

from lrgd_jax.claims import Mutant, alter, alter_results, check_claim, load_claims
from lrgd_jax.claims.side import parameters_of


def scaled(x, n, factor=1.0):
    return factor * n * x


def both(x):
    return {"sum": jnp.sum(x), "squares": jnp.sum(x * x)}


def everything(**rest):
    return rest


def test_an_argument_is_a_function_of_itself_and_of_those_it_names():
    assert alter(scaled, x=lambda x: -x)(x=2, n=3) == -6
    assert alter(scaled, x=lambda x, n: x + n, n=lambda n: n + 1)(x=2, n=3) == 20
    assert alter(scaled, x=lambda x, m: x * m)(x=2, n=3, m=5) == 30


def test_a_parameter_of_the_sides_own_is_a_value():
    assert alter(scaled, factor=2)(x=2, n=3) == 12
    assert alter(partial(scaled, factor=2), x=lambda x: -x)(x=2, n=3) == -12


def test_a_side_needs_what_its_changes_name():
    assert parameters_of(alter(scaled, x=lambda x, m: x * m)) == ({"x", "n", "m"}, False)
    assert parameters_of(alter(everything, x=lambda x: -x)) == ({"x"}, True)
    assert alter(everything, x=lambda x: -x)(x=1, y=2) == {"x": -1, "y": 2}


def test_results_are_computed_otherwise():
    side = alter_results(both, {"squares": lambda x, n: n * jnp.max(x)})
    assert parameters_of(side) == ({"x", "n"}, False)
    assert {name: float(x) for name, x in side(x=jnp.arange(3.0), n=3).items()} == {"sum": 3.0, "squares": 6.0}


def test_altered_sides_are_mutants_that_fall_and_whoever_alters_is_their_author():
    claim = variant(
        mutants=(
            Mutant("half", alter(all_pairs, x=lambda x: x / 2)),
            Mutant("shifted by the size", alter(squared_sum, x=lambda x, n: x + n), replaces="left"),
        )
    )
    verdict = check_claim(claim, dtype="float64", instances=1)
    assert verdict.holds
    assert [mutant.rejected for mutant in verdict.mutants] == [True, True]
    assert all(mutant.side.__module__ == __name__ for mutant in claim.mutants)
    shipped = load_claims()["linear-attention"]
    assert not replace(shipped, right=alter(shipped.right, values=lambda values: values)).shipped


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: alter(scaled), "scaled is altered in nothing"),
        (lambda: alter(scaled, y=lambda y: y), "scaled has no parameter 'y' to change, only ['n', 'x']"),
        (lambda: alter(scaled, x=3), "a function of it, such as lambda x: -x; got 3"),
        (lambda: alter_results(both, {}), "both is altered in nothing"),
        (lambda: alter_results(both, {"product": jnp.prod})(x=jnp.ones(2), a=1), "returns no 'product' to alter"),
    ],
)
def test_what_changes_nothing_is_refused(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wrong()


def test_a_change_that_the_claim_cannot_supply_is_named():
    with pytest.raises(ValueError, match=r"asks for \['m'\]"):
        variant(mutants=(*TRUE.mutants, Mutant("unknown", alter(all_pairs, x=lambda x, m: x * m))))
