"""Every claim of the package: complete, true wherever hypothesis looks, and able to fail."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from conftest import ROOT

from lrgd_jax.certify.verdicts.enclosures import RADIUS, Exclusion
from lrgd_jax.certify.verdicts.random_fields import FALSE_ACCEPT, Disagreement
from lrgd_jax.claims import Statistical, check_claim, load_claims
from lrgd_jax.claims.certify_claims import SHAPES, certify_claim
from lrgd_jax.claims.floating_counterexample import smallest_counterexample
from lrgd_jax.claims.groups import GROUPS

CLAIMS = load_claims()


def test_every_file_is_a_claim_of_its_own_name():
    files = {file.stem.replace("_", "-") for file in (ROOT / "proofs_checks").glob("[!_]*.py")}
    assert files == set(CLAIMS)


def test_every_claim_is_of_a_group_and_every_group_has_claims():
    assert {claim.group for claim in CLAIMS.values()} == {group.letter for group in GROUPS}


@pytest.mark.parametrize("slug", CLAIMS)
def test_a_claim_is_written_out(slug):
    claim = CLAIMS[slug]
    for text in (claim.title, claim.statement, claim.proof, claim.source):
        assert text.strip()
    assert claim.assumptions
    assert "$" in claim.statement
    assert r"\square" in claim.proof
    assert claim.statement.count("$") % 2 == claim.proof.count("$") % 2 == 0


@pytest.mark.parametrize("slug", CLAIMS)
def test_a_claim_holds_and_its_mutants_fall(slug):
    """As compiled, which takes longer than all else: at the largest shape, and at all where that shows too little."""
    claim = CLAIMS[slug]
    largest = max(claim.shapes, key=lambda dimensions: sum(dimensions.values()))
    verdict = check_claim(replace(claim, shapes=(largest,)), dtype="float64", instances=1)
    assert verdict.holds, verdict.failure
    if not all(mutant.rejected for mutant in verdict.mutants):
        verdict = check_claim(claim, dtype="float64", instances=2)
        assert verdict.holds, verdict.failure
    assert all(mutant.rejected for mutant in verdict.mutants), verdict.mutants


EXACT = {
    "alibi-is-weight-decay",
    "causal-linear-attention",
    "chunked-linear-attention",
    "grouped-query",
    "linear-attention",
    "multi-head",
    "normalised-linear-attention",
    "order-and-batching",
    "sliding-window-is-forgetting",
    "softmax-attention",
    "softmax-stability",
    "delta-rule",
    "delta-rule-chunked",
    "gated-delta-rule",
    "gd-plus-plus",
    "layers-are-steps",
    "least-squares-step",
    "many-steps-is-a-spectral-filter",
    "momentum",
    "preconditioned-step",
    "recursive-least-squares",
    "ridge-attention",
    "decoder-layer",
    "decoder-stack",
    "anchored-regularisation",
    "demonstration-dropout",
    "key-noise-is-ridge",
    "negative-samples",
    "weight-decay-is-retention",
    "aumann-shapley",
    "effect-decomposition",
    "effect-of-demonstrations",
    "gradient-alignment",
    "rate-gradient",
    "shapley-squared-loss",
    "unlearning",
    "ease-is-ridge-attention",
    "effect-is-data-value",
    "item-knn-is-one-step",
    "popularity-is-the-initial-weights",
    "user-knn-is-softmax-attention",
    "attention-sink",
    "softmax-is-kernel-regression",
    "full-batch-test-time-training",
    "gated-delta-net-2",
    "newton-iterations-are-gradient-steps",
    "order-of-the-delta-rule",
    "proximal-delta-rule",
    "lrgd-first-duality",
    "convergence-from-the-spectrum",
    "one-step-gain",
    "shapley-interactions",
    "chunk-start-gradients",
    "conjugate-gradient-steps",
    "cross-entropy-kernel-step",
    "delta-product",
    "dropout-is-item-weighted-ridge",
    "embedding-gradient",
    "hopfield-step",
    "implicit-descent",
    "joint-ridge-is-backfitting",
    "log-linear-attention",
    "minimal-norm-update",
    "momentum-delta-rule",
    "oja-rule",
    "online-learners",
    "optimum-of-one-layer",
    "preconditioned-linear-attention",
    "richardson-iteration",
    "star-is-one-step",
    "two-hop-scores",
}
"""Claims that are known to hold as identities of polynomials, fractions and exponentials, at every input of a shape.

A new claim need not be here; one that is here must not fall back to points."""

DETERMINISTIC = [slug for slug, claim in CLAIMS.items() if not isinstance(claim.tolerance, Statistical)]


@pytest.mark.parametrize("slug", DETERMINISTIC)
def test_a_claim_is_certified_and_its_mutants_fall_at_every_layer(slug):
    found = certify_claim(CLAIMS[slug])
    assert found.passed, (found.refuted, found.reasons, found.mutants)
    assert len(found.shapes) >= SHAPES
    assert found.rigorous is not None, found.reasons
    assert found.rigorous.radius <= RADIUS
    assert (found.exact is not None) >= (slug in EXACT), found.reasons
    assert found.exact is None or found.exact.false_accept <= FALSE_ACCEPT
    assert len(found.mutants) == len(CLAIMS[slug].mutants)
    for mutant in found.mutants:
        assert mutant.rigorous, mutant
        # a mutant may need an order that the claim itself does not need
        assert found.exact is None or mutant.exact is not False, mutant


NOT_ATTAINED = {"perturbation-bound"}
"""Bounds that the claim's own instances come near to but do not reach, so that a slight fault does not break them."""


@pytest.mark.parametrize("slug", [slug for slug in DETERMINISTIC if slug not in NOT_ATTAINED])
def test_a_relative_fault_of_two_to_the_minus_forty_is_seen(slug):
    """Far below float32, and below what the rounding bounds of deep programs leave."""
    claim = CLAIMS[slug]

    def off(**known):
        # for "at most" the left side must come out too large
        return jax.tree.map(lambda x: x + jnp.abs(x) * 2.0**-40, claim.call(claim.left, known, {}))

    def scaled(**known):
        return jax.tree.map(lambda x: x * (1 + 2.0**-40), claim.call(claim.left, known, {}))

    wrong = scaled if claim.relation == "equal" else off
    found = certify_claim(replace(claim, left=wrong, shapes=claim.shapes[:1]), mutants=False)
    assert found.refuted is not None
    assert any(isinstance(shape.rigorous, Exclusion) for shape in found.shapes)
    if slug in EXACT:
        assert any(isinstance(shape.exact, Disagreement) for shape in found.shapes)


@pytest.mark.parametrize("slug", DETERMINISTIC)
def test_hypothesis_finds_no_counterexample(slug):
    assert smallest_counterexample(CLAIMS[slug], "float64", magnitude=4.0, examples=10) is None
