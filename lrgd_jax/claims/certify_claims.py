"""Certifies claims: in exact arithmetic, or by enclosing the difference of both sides around zero; no mutant passes."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable
from lrgd_jax.claims.arguments import Dimensions
from lrgd_jax.claims.certification import Certification, MutantLayers, ShapeCertificate
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.dtypes import check_dtype
from lrgd_jax.claims.evaluations import Evaluation, evaluate_each
from lrgd_jax.claims.exact_shape import ExactShape, only_points
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.tolerances import Statistical
from lrgd_jax.claims.verdicts import Unevaluated

__all__ = [
    "EXACT_LAYERS",
    "SHAPES",
    "STATISTICAL",
    "certifications_of",
    "certify_all",
    "certify_claim",
    "shapes_to_certify",
]

EXACT_LAYERS = "exact layers"
"""The name of what a claim goes through here."""

SHAPES = 3
"""A claim is certified at no fewer shapes."""

STATISTICAL = "the claim is statistical: its sides agree on average only, which no evaluation at a point can show"


def shapes_to_certify(claim: Claim) -> tuple[Dimensions, ...]:
    """The claim's own shapes; if they are fewer than three, the largest and the smallest of its dimensions too."""
    shapes = list(claim.shapes)
    for size in (1, 0):
        if len(shapes) < SHAPES:
            extreme = {name: span[size] for name, span in claim.dimensions.items()}
            shapes += [extreme] if extreme not in shapes else []
    return tuple(shapes)


def certify_claim(
    claim: Claim, *, seed: int = 0, instances: int = 2, mutants: bool = True, inline: bool = False
) -> Certification:
    r"""Certifies a claim at three shapes or more.

    Both traced sides are evaluated at random points of random prime fields: two different fractions of polynomials of
    degree $D$ agree at a random point of a field of $p$ elements with probability at most $D/p$. And the difference of
    both sides is enclosed in balls, at the instances, and at many points where the fields do not decide.

    Args:
        claim: what is claimed.
        seed: seed of instances, primes, points and symbols.
        instances: number of instances of each shape at which the difference is enclosed.
        mutants: whether the mutants are tried too.
        inline: trace without JAX's shortcuts: no cached sub-programs, every loop unrolled.

    Raises:
        ValueError: JAX is not in 64 bits, a side cannot be traced, or a mutant returns another structure than the side
            that it replaces.

    Examples:
        >>> import jax
        >>> from lrgd_jax.claims.claim_template import claim
        >>> with jax.enable_x64(True):
        ...     certification = certify_claim(claim)
        >>> certification.passed, len(certification.shapes), certification.refuted
        (True, 3, None)
    """
    check_dtype("float64")
    start = time.perf_counter()
    if isinstance(claim.tolerance, Statistical):
        return Certification(claim.slug, (), (), seed, 0.0, STATISTICAL)
    shapes = [ExactShape(claim, k, dims, seed, instances, inline) for k, dims in enumerate(shapes_to_certify(claim))]
    certificates = tuple(shape.certificate() for shape in shapes)
    alike = not any(shape.mismatch for shape in certificates)
    tried = tuple(_try(mutant, shapes, certificates) for mutant in claim.mutants) if mutants and alike else ()
    reasons = Certification(claim.slug, certificates, (), seed, 0.0).reasons
    silent = alike and len(reasons) == 2
    reason = " ".join(f"{layer}: {why}." for layer, why in reasons.items()) if silent else None
    return Certification(claim.slug, certificates, tried, seed, time.perf_counter() - start, reason)


def certify_all(
    claims: Sequence[Claim],
    *,
    seed: int = 0,
    mutants: bool = True,
    progress: Callable[[Claim], None] | None = None,
) -> list[Certification | Unevaluated]:
    """Certifies claims in turn; the arithmetic is Python's, which more threads do not speed up.

    Args:
        claims: which are certified.
        seed: of every random draw.
        mutants: whether the mutants are refuted too.
        progress: called with each claim's name before its turn.

    Returns:
        What was found of each claim, or why nothing was.

    Raises:
        ValueError: JAX is not in 64 bits.

    Examples:
        >>> import jax
        >>> from lrgd_jax.claims.claim_template import claim
        >>> with jax.enable_x64(True):
        ...     [certification] = certify_all([claim], mutants=False)
        >>> certification.status
        'certified'
    """
    certifications: list[Certification | Unevaluated] = []
    for place, one in evaluate_each(certifications_of(claims, seed=seed, mutants=mutants)):
        certifications.append(one)
        if progress is not None:
            progress(claims[place])
    return certifications


def certifications_of(
    claims: Sequence[Claim], *, seed: int = 0, mutants: bool = True
) -> list[Evaluation[Certification]]:
    """The certification of each claim, for `lrgd_jax.claims.evaluations.evaluate_each`."""
    return [(claim, EXACT_LAYERS, partial(certify_claim, claim, seed=seed, mutants=mutants)) for claim in claims]


def _try(mutant: Mutant, shapes: Sequence[ExactShape], certificates: Sequence[ShapeCertificate]) -> MutantLayers:
    """A mutant at the layers that certify the claim itself, the largest shape first, which most often suffices."""
    order = sorted(range(len(shapes)), key=lambda k: -sum(shapes[k].dimensions.values()))
    exact = (shapes[k].exact(mutant) for k in order if isinstance(certificates[k].exact, Agreement))
    rigorous = (
        shapes[k].rejects(mutant, many=only_points(certificates[k].exact))
        for k in order
        if isinstance(certificates[k].rigorous, Enclosure)
    )
    everywhere = all(isinstance(one.exact, Agreement) for one in certificates)
    enclosed = all(isinstance(one.rigorous, Enclosure) for one in certificates)
    return MutantLayers(
        mutant.name, _any_rejection(exact, Disagreement, everywhere), _any_rejection(rigorous, Exclusion, enclosed)
    )


def _any_rejection(verdicts: Iterator[object], kind: type, everywhere: bool) -> bool | None:
    """Whether one verdict is a rejection; None if the layer applied nowhere.

    Nor is there a verdict where none is a rejection and the layer applies at some shapes only: at the others, such as
    those that have a context, it may well be one.
    """
    applied = False
    for verdict in verdicts:
        if isinstance(verdict, kind):
            return True
        applied = applied or not isinstance(verdict, NotApplicable)
    return False if applied and everywhere else None
