"""Messages about wrongly written sides, mutants and preparations: the claim, the side, the user's own line."""

import jax
import numpy as np
import pytest
from small_claims import TRUE, all_pairs, variant
from support.faulty_functions import FAULTS, branches, named

from lrgd_jax.certify.tracing.faults import FaultError
from lrgd_jax.claims import Mutant, certify_claim, check_claim
from lrgd_jax.claims.pytest_layers import claim_layers


@pytest.mark.parametrize(("function", "text", "said"), FAULTS[:2] + FAULTS[9:15])
def test_claims_name_the_side_and_the_line(function, text, said):
    claims = {
        "left side": variant(left=function),
        "right side": variant(right=function),
        "mutant 'mine'": variant(mutants=(Mutant("mine", function), TRUE.mutants[0])),
    }
    for side, claim in claims.items():
        with pytest.raises(FaultError) as caught:
            check_claim(claim, dtype="float64", instances=1)
        named(str(caught.value), text, said)
        assert str(caught.value).startswith(f"claim squared-sum: {side} at {{'n': ")
    with pytest.raises(FaultError) as caught:
        certify_claim(claims["left side"], instances=1)
    named(str(caught.value), text, said)


@pytest.mark.parametrize(
    ("given", "text", "said"),
    [
        (lambda x: {"x": np.abs(x)}, 'lambda x: {"x": np.abs(x)}', "jax.numpy in place of numpy"),
        (
            lambda x: None,
            "lambda x: None",
            "must return a dictionary of the arguments that it changes or adds",
        ),
        (lambda x: x / 2, "lambda x: x / 2", "must return a dictionary"),
    ],
)
def test_what_prepares_the_arguments_is_named_too(given, text, said):
    with pytest.raises(FaultError) as caught:
        check_claim(variant(given=given), dtype="float64", instances=1)
    assert said in str(caught.value)
    assert "test_faults_of_sides.py:" in str(caught.value)
    assert text in str(caught.value)
    assert "`given` at {'n': " in str(caught.value)


def test_a_layer_of_a_test_suite_fails_by_itself():
    layers = claim_layers(variant(right=branches), examples=2, dtypes=("float64",))
    for layer in ("float64", "exact"):
        with pytest.raises(FaultError, match="right side"):
            layers.run(layer)


def test_a_session_of_pytest_shows_the_message_alone(pytester):
    pytester.makepyfile(
        test_mine="""
        from lrgd_jax.claims import given_claim
        from proofs_checks.linear_attention import claim as whole
        from dataclasses import replace
        def mine(keys, values, query):
            return values[0] if query[0] > 0 else values[1]
        test_mine = given_claim(replace(whole, slug="mine", right=mine), layers=("floating", "exact"), examples=1)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        ["mine (exact): error: claim mine: right side at*test_mine.py:5: `return values[[]0] if*"]
    )
    assert "Traceback" not in result.stdout.str()
    assert "jax/_src" not in result.stdout.str()


@pytest.mark.parametrize("wrong", [lambda x: (all_pairs(x),), lambda x: x, lambda x: all_pairs(x).astype("float32")])
def test_results_of_another_kind_are_named_with_both_lines(wrong):
    failure = check_claim(variant(right=wrong), dtype="float64", instances=1, mutants=False).failure
    assert failure is not None
    for part in ("small_claims.py:", "test_faults_of_sides.py:", "return the same structure, shapes and dtypes"):
        assert part in failure.reason


def test_what_a_number_system_refuses_is_said_of_the_side():
    claim = variant(left=lambda x: jax.scipy.special.erfinv(x).sum())
    with pytest.raises(ValueError, match=r"claim squared-sum: left side at .* cannot be evaluated: .*erf_inv"):
        check_claim(claim, dtype="float64", instances=1)
