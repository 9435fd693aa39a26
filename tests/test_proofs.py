"""Every claim of the package: complete, true wherever hypothesis looks, and able to fail."""

import pytest

from lrgd_jax.claims import Statistical, check_claim, load_claims
from lrgd_jax.claims.counterexample import smallest_counterexample

CLAIMS = load_claims()
PART_A = {
    "linear-attention",
    "order-and-batching",
    "causal-linear-attention",
    "chunked-linear-attention",
    "normalised-linear-attention",
    "softmax-attention",
    "softmax-stability",
    "softmax-taylor-features",
    "softmax-random-features",
    "rotary-position",
    "alibi-is-weight-decay",
    "sliding-window-is-forgetting",
    "multi-head",
    "grouped-query",
    "feed-forward-readout",
    "decoder-layer",
    "decoder-stack",
    "rank-one-feed-forward-update",
}


def test_part_a_is_there():
    assert {slug for slug, claim in CLAIMS.items() if claim.group == "A"} == PART_A


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
    verdict = check_claim(CLAIMS[slug], dtype="float64", instances=2)
    assert verdict.holds, verdict.failure
    assert all(mutant.rejected for mutant in verdict.mutants), verdict.mutants


@pytest.mark.parametrize("slug", [slug for slug, c in CLAIMS.items() if not isinstance(c.tolerance, Statistical)])
def test_hypothesis_finds_no_counterexample(slug):
    assert smallest_counterexample(CLAIMS[slug], "float64", magnitude=4.0, examples=20) is None
