"""Very many instances in one program show what single ones show."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from small_claims import FALSE, TRUE, all_pairs, variant

from lrgd_jax.claims import check_claims
from lrgd_jax.claims.check_claims import check_claim
from lrgd_jax.claims.compiled_shape import instance_key, make_shape
from lrgd_jax.claims.mapped_instances import compare_mapped
from lrgd_jax.claims.tolerances import Adjoint


def mapped(claim, *, dtype="float64", instances=40):
    return compare_mapped(make_shape(claim, 0, dtype, 1, 0), dtype, instances, seed=0)


def failure_of(claim, instances):
    failure = check_claim(claim, dtype="float64", instances=instances, mutants=False).failure
    assert failure is not None
    assert failure.instance is not None
    return failure.instance, failure


def test_a_true_claim_meets_at_every_instance(monkeypatch):
    monkeypatch.setattr("lrgd_jax.claims.mapped_instances.AT_ONCE", 16)
    outcome, single = mapped(TRUE), check_claim(replace(TRUE, shapes=TRUE.shapes[:1]), dtype="float64", instances=40)
    assert outcome is not None
    assert (outcome.instances, outcome.fallen) == (40, None)
    # the same instances, to the rounding of what XLA fuses otherwise
    assert 0 <= outcome.worst_ratio <= 1
    assert single.detection_limit is not None
    assert outcome.detection_limit is not None
    assert single.detection_limit / 2 <= outcome.detection_limit <= 2 * single.detection_limit


def test_a_wrong_claim_falls_with_the_arguments_of_its_instance():
    outcome = mapped(FALSE)
    assert outcome is not None
    assert outcome.fallen is not None
    number, arguments = outcome.fallen
    assert number == 0
    drawn = TRUE.instance(instance_key(FALSE, 0, 0, number), TRUE.shapes[0], "float64")
    for name, array in drawn.items():
        np.testing.assert_array_equal(arguments[name], array)


def test_a_check_of_many_is_one_of_the_mapped(monkeypatch):
    monkeypatch.setattr(check_claims, "MAPPED_FROM", 20)
    verdict = check_claim(TRUE, dtype="float64", instances=20)
    assert verdict.passed
    assert verdict.instances == 20 * len(TRUE.shapes)
    assert failure_of(FALSE, 20)[0] == 0


def test_a_rare_failure_is_found_and_named(monkeypatch):
    monkeypatch.setattr(check_claims, "MAPPED_FROM", 200)

    def rarely_wrong(x):
        return all_pairs(x) + jnp.where(x.sum() > 5, 1, 0)

    claim = replace(TRUE, right=rarely_wrong, shapes=TRUE.shapes[:1])
    number, failure = failure_of(claim, 200)
    assert number >= check_claims.WALKED
    assert failure.arguments is not None
    assert failure.arguments["x"].sum() > 5
    assert "times the tolerance" in failure.reason


def chooses(x):
    return all_pairs(x - x[jnp.argmax(x)])


def factorises(x):
    return jnp.linalg.cholesky(x[:, None] * x[None, :] + 9 * jnp.eye(x.size))


@pytest.mark.parametrize("changes", [{"tolerance": Adjoint()}, {"right": chooses}, {"right": factorises}])
def test_what_cannot_be_mapped_is_left_to_the_walk(changes):
    assert mapped(variant(**changes), instances=2) is None
