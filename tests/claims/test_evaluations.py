"""Claims one by one: what one of them raises is kept beside what the others find; an interruption waits for none."""

import contextlib
import random
import threading
from dataclasses import replace

import pytest
from small_claims import FALSE, TRUE, all_pairs, variant

from lrgd_jax.claims import Unevaluated, Verdict, certify_all, check_all, load_claims
from lrgd_jax.claims.certify_claims import shapes_to_certify
from lrgd_jax.claims.evaluation_processes import (
    EvaluationOptions,
    count_processes,
    evaluate_elsewhere,
    evaluations_of,
)
from lrgd_jax.claims.evaluations import attempt, evaluate_each
from lrgd_jax.executors import local_processes

BROKEN = variant(slug="broken", right=lambda x: all_pairs(x) if x[0] > 0 else x)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_others_have_their_verdicts_in_the_order_of_the_claims(workers):
    done = []
    found = check_all([BROKEN, FALSE, TRUE], dtype="float64", instances=1, workers=workers, progress=done.append)
    assert [one.slug for one in found] == ["broken", "wrong-sign", "squared-sum"]
    broken, false, true = found
    assert isinstance(broken, Unevaluated)
    assert (broken.layer, broken.internal) == ("float64", False)
    assert "right side" in broken.reason
    assert isinstance(false, Verdict)
    assert isinstance(true, Verdict)
    assert (false.holds, true.holds) == (False, True)
    assert len(done) == 3


def test_certification_goes_on_too():
    broken, true = certify_all([BROKEN, TRUE])
    assert isinstance(broken, Unevaluated)
    assert broken.layer == "exact layers"
    assert not isinstance(true, Unevaluated)
    assert true.passed


def test_wrong_options_are_nobodys_row():
    with pytest.raises(ValueError, match="unknown dtype"):
        check_all([TRUE], dtype="float63")
    with pytest.raises(ValueError, match="at least one instance"):
        check_all([TRUE], dtype="float64", instances=0)


def test_a_mistake_of_the_package_is_told_from_one_of_the_claim():
    found = attempt(TRUE, "float64", lambda: {}["missing"])
    assert isinstance(found, Unevaluated)
    assert found.internal
    assert found.reason.startswith("internal error: KeyError: 'missing' (at ")
    assert attempt(TRUE, "float64", lambda: 3) == 3


def test_a_claim_that_comes_with_the_package_is_never_the_users_fault():
    known = load_claims()
    assert all(claim.shipped for claim in known.values())
    assert not TRUE.shipped
    assert not replace(known["linear-attention"], right=lambda keys: keys).shipped


def test_what_has_not_begun_is_let_go_and_what_has_is_not_waited_for():
    begun, release, ran = threading.Event(), threading.Event(), []

    def long():
        begun.set()
        release.wait(timeout=60)

    evaluations = [
        (TRUE, "float64", lambda: 1),
        (TRUE, "float64", long),
        (TRUE, "float64", long),
        (TRUE, "float64", lambda: ran.append(1)),
    ]
    with contextlib.closing(evaluate_each(evaluations, workers=2)) as found:
        assert next(found) == (0, 1)
        assert begun.wait(timeout=60)
    assert not release.is_set()
    release.set()
    assert ran == []


def test_processes_find_what_this_one_finds():
    known = load_claims()
    options = EvaluationOptions(instances=1)
    slugs = ["item-knn-is-one-step", "user-knn-is-softmax-attention"]
    claims = [known[slug] for slug in slugs]
    asked = [*evaluations_of(claims, "float32", options), *evaluations_of(claims, "exact layers", options)]
    with local_processes(2) as executor:
        found = dict(evaluate_elsewhere(asked, options, executor, paths=()))
    for place, one in enumerate(asked):
        here = attempt(*one)
        assert not isinstance(here, Unevaluated)
        assert replace(found[place], seconds=0.0) == replace(here, seconds=0.0)


def test_what_a_process_raises_is_raised_here():
    options = EvaluationOptions(instances=1)
    # no claim of that name is loaded by a process
    asked = evaluations_of([BROKEN], "float32", options)
    with local_processes(1) as executor:
        [(place, found)] = evaluate_elsewhere(asked, options, executor, paths=())
    assert place == 0
    assert isinstance(found, Unevaluated)
    assert "right side" in found.reason


def test_a_side_is_traced_a_second_time_by_the_first_layer_only():
    calls = []

    def left(x):
        calls.append(1)
        return all_pairs(x)

    claim = replace(TRUE, left=left, right=TRUE.left)
    options = EvaluationOptions(instances=1, mutants=False)
    counts = []
    for layer in ("float32", "float32", "exact layers"):
        calls.clear()
        [evaluation] = evaluations_of([claim], layer, options)
        attempt(*evaluation)
        counts.append(len(calls))
    assert counts[1] < counts[0]
    # with and without shortcuts of JAX at every shape
    assert counts[2] <= 2 * len(shapes_to_certify(claim))
    [wavering] = evaluations_of([replace(claim, left=lambda x: all_pairs(x) + random.random())], "float32", options)
    for _ in range(2):
        found = attempt(*wavering)
        assert isinstance(found, Unevaluated)
        assert "two traces of it are different programs" in found.reason


def test_few_claims_start_no_processes():
    assert count_processes(3) == 1
    assert count_processes(1000) >= 1
