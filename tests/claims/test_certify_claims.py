"""Certification of small claims, true and false, and the certificates that are kept."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from small_claims import FALSE, TRUE, all_pairs, squared_sum, variant, wrong_sign

from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable
from lrgd_jax.claims import Mutant, Statistical
from lrgd_jax.claims.certificates import layers_content, read_certificates, write_certificate
from lrgd_jax.claims.certify_claims import STATISTICAL, certify_claim, shapes_to_certify
from lrgd_jax.claims.failure_texts import certification_text
from lrgd_jax.claims.pytest_layers import claim_layers
from lrgd_jax.claims.recheck import recheck


def test_a_polynomial_identity_is_exact_and_rigorous():
    found = certify_claim(TRUE)
    assert found.passed
    assert found.exact is not None
    assert found.exact.degree == 2
    assert not found.exact.symbols
    assert found.rigorous is not None
    assert all(mutant.exact and mutant.rigorous for mutant in found.mutants)


def test_a_claim_of_few_shapes_is_certified_at_three():
    shapes = shapes_to_certify(TRUE)
    assert shapes[: len(TRUE.shapes)] == TRUE.shapes
    assert {"n": 5} in shapes
    assert len(shapes_to_certify(variant(shapes=({"n": 2},)))) == 3


def test_a_false_claim_is_refuted_for_sure():
    found = certify_claim(FALSE)
    assert not found.passed
    assert found.refuted is not None
    assert isinstance(found.refuted.exact, Disagreement)
    assert found.refuted.exact.certain
    assert isinstance(found.refuted.rigorous, Exclusion)
    text = certification_text(FALSE, found)
    for part in (FALSE.title, "differ at n = 5", "GF(", "left", "right"):
        assert part in text


def test_a_surviving_mutant_is_named():
    found = certify_claim(
        variant(mutants=(Mutant("wrong sign", wrong_sign), Mutant("no mutant", lambda x: all_pairs(x))))
    )
    assert found.refuted is None
    assert not found.passed
    assert "mutant not rejected: no mutant (exact and rigorous)" in certification_text(TRUE, found)


def positive_part(x):
    return jnp.maximum(x, 0).sum()


def half_of_sum_and_magnitudes(x):
    return (x + jnp.abs(x)).sum() / 2


def test_a_mutant_that_shows_at_larger_shapes_only_is_not_held_against_a_layer_that_stops_before():
    """Case by case one number is decided, twelve are not; and one number has no rest that the mutant could add."""
    claim = variant(
        left=positive_part,
        right=half_of_sum_and_magnitudes,
        shapes=({"n": 12}, {"n": 1}, {"n": 11}),
        dimensions={"n": (1, 12)},
        mutants=(
            Mutant("the rest once more", lambda x: half_of_sum_and_magnitudes(x) + x[1:].sum()),
            Mutant("negative part", lambda x: half_of_sum_and_magnitudes(-x)),
        ),
    )
    found = certify_claim(claim)
    assert [isinstance(shape.exact, Agreement) for shape in found.shapes] == [False, True, False]
    assert [mutant.exact for mutant in found.mutants] == [None, True]
    assert all(mutant.rigorous for mutant in found.mutants)
    assert found.passed


def test_a_statistical_claim_has_no_exact_layer():
    def deviation(x):
        return jnp.ones(())

    found = certify_claim(variant(tolerance=Statistical(deviation, 0.5)))
    assert found.reason == STATISTICAL
    assert found.passed
    assert layers_content(found)["not_applicable"] == STATISTICAL


def test_an_inequality_is_rigorous_only():
    squares = variant(
        left=lambda x: jnp.zeros(()) * x[0],
        right=squared_sum,
        relation="at most",
        mutants=(
            Mutant("negative", lambda x: -1 - squared_sum(x)),
            Mutant("left too large", lambda x: 1 + squared_sum(x), "left"),
        ),
    )
    found = certify_claim(squares)
    assert found.passed
    assert found.exact is None
    assert "no order" in found.reasons["exact"]
    assert [(mutant.exact, mutant.rigorous) for mutant in found.mutants] == [(None, True), (None, True)]


def test_a_claim_that_no_layer_can_evaluate_says_so():
    found = certify_claim(variant(left=lambda x: jax.scipy.special.i0e(x).sum(), right=squared_sum))
    assert isinstance(found.shapes[0].exact, NotApplicable)
    assert isinstance(found.shapes[0].rigorous, NotApplicable)
    assert found.reason is not None
    assert "'bessel_i0e'" in found.reason
    assert found.status == "not applicable"


def test_a_free_function_stands_for_every_function():
    def left(x, f):
        return jnp.sum(f(x)) * 2

    def right(x, f):
        return jnp.sum(f(x) + f(x))

    def another(x, f):
        return jnp.sum(2 * f(2 * x))

    def compares(x):
        return jnp.where(x > 0, x, jnp.exp(x))

    claim = variant(
        free={"f": compares},
        left=left,
        right=right,
        mutants=(Mutant("another argument", another), Mutant("once", lambda x, f: jnp.sum(f(x)))),
    )
    found = certify_claim(claim)
    assert found.passed
    assert found.exact is not None
    assert all(mutant.exact and mutant.rigorous for mutant in found.mutants)
    named = replace(
        claim,
        free={},
        left=lambda x: left(x, compares),
        right=lambda x: right(x, compares),
        mutants=TRUE.mutants,
    )
    # the function itself compares numbers, which takes more than one case
    exact = certify_claim(named, mutants=False).exact
    assert exact is not None
    assert found.exact.cases == 1 < exact.cases


@pytest.mark.parametrize("inline", [False, True])
def test_inlined_programs_say_the_same(inline):
    found = certify_claim(TRUE, inline=inline)
    assert all(isinstance(shape.exact, Agreement) and isinstance(shape.rigorous, Enclosure) for shape in found.shapes)


@pytest.fixture
def kept(tmp_path):
    write_certificate(tmp_path, TRUE, certify_claim(TRUE))
    return tmp_path


def test_a_certificate_is_evaluated_anew(kept):
    (certificate,) = read_certificates(kept)
    again = recheck(certificate, {TRUE.slug: TRUE})
    assert again.certified
    assert not again.changes
    assert again.now is not None
    assert again.now.exact is not None
    assert not set(again.now.exact.fields) & set(certificate["exact"]["fields"])


def test_what_changed_since_is_said(kept):
    (certificate,) = read_certificates(kept)
    rewritten = replace(TRUE, right=lambda x: jnp.sum(x) * x @ jnp.ones_like(x), statement="$1 = 1$")
    again = recheck(certificate | {"versions": certificate["versions"] | {"jax": "0.0.1"}}, {TRUE.slug: rewritten})
    assert again.certified
    said = "\n".join(again.changes)
    for part in ("jax was 0.0.1", "statement was changed", "program of the right side changed at"):
        assert part in said
    assert "left" not in said


def test_a_claim_that_became_false_falls(kept):
    (certificate,) = read_certificates(kept)
    again = recheck(certificate, {TRUE.slug: replace(TRUE, right=wrong_sign)})
    assert not again.certified
    assert any("the sides differ at" in change for change in again.changes)
    gone = recheck(certificate, {"another": FALSE})
    assert not gone.certified
    assert "the claim is gone" in gone.changes[0]


def test_the_same_seed_is_no_other_evaluation(kept):
    (certificate,) = read_certificates(kept)
    with pytest.raises(ValueError, match="another seed"):
        recheck(certificate, {TRUE.slug: TRUE}, seed=certificate["seed"])


def test_files_that_are_no_certificates(tmp_path):
    with pytest.raises(FileNotFoundError, match="no certificates"):
        read_certificates(tmp_path / "nowhere")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"a\.json is no certificate"):
        read_certificates(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(ValueError, match="expected the fields"):
        read_certificates(tmp_path)


def clipped_sines(x):
    return jnp.sum(jnp.sin(jnp.clip(x, -10, 10)))


def sines(x):
    return jnp.sum(jnp.sin(x))


def area_sines(x):
    return jnp.sum(jnp.arcsinh(x))


def turned_area_sines(x):
    """The same, since the function is odd, which the exact layer does not know."""
    return -jnp.sum(jnp.arcsinh(-x))


FAR = variant(left=clipped_sines, right=sines)


def test_a_claim_that_falls_where_no_random_instance_is_falls():
    found = certify_claim(FAR, mutants=False)
    assert found.status == "not certified"
    assert found.refuted is not None
    assert isinstance(found.refuted.rigorous, Exclusion)
    layers = claim_layers(FAR, layers=("rigorous",))
    with pytest.raises(AssertionError, match="rigorous"):
        layers.run("rigorous")


def test_a_claim_that_only_points_decide_is_not_called_certified():
    found = certify_claim(variant(left=turned_area_sines, right=area_sines), mutants=False)
    assert found.passed
    assert found.status == "points"
    assert found.points == sum(shape.points for shape in found.shapes) > 40
    content = layers_content(found)
    assert (content["certified"], content["status"]) == (False, "points")
    assert content["points"] == {"compared": found.points, "skipped": found.skipped, "unreached": []}


def test_nan_on_one_side_alone_lets_a_claim_fall():
    found = certify_claim(variant(left=lambda x: jnp.sum(jnp.sqrt(x) ** 2), right=lambda x: jnp.sum(x)), mutants=False)
    assert found.refuted is not None
    assert isinstance(found.refuted.rigorous, Exclusion)
    assert "nan" in str(found.refuted.rigorous.left)
