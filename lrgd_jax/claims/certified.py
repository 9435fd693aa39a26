"""Certifies claims: in exact arithmetic, or by enclosing the difference of both sides around zero; no mutant passes."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.certify import Program
from lrgd_jax.certify.conditions import Condition, conditions_of
from lrgd_jax.certify.exact import Agreement, Disagreement, NotApplicable, Prepared
from lrgd_jax.certify.gaps import NO_VALUE, OneSided
from lrgd_jax.certify.piecewise import decide_exactly
from lrgd_jax.certify.rigorous import BITS, Enclosure, Exclusion
from lrgd_jax.certify.structures import comparable, mismatch
from lrgd_jax.certify.tried import Tried
from lrgd_jax.claims.check import check_dtype, instance_key
from lrgd_jax.claims.claim import Claim, Dimensions, Mutant, Side, Statistical
from lrgd_jax.claims.outcomes import Evaluation, each
from lrgd_jax.claims.points import ClaimPoints
from lrgd_jax.claims.sides import TracedSide, prepared_by, side_names, trace_side
from lrgd_jax.claims.verdicts import Unevaluated

__all__ = [
    "EXACT_LAYERS",
    "Certification",
    "MutantLayers",
    "ShapeCertificate",
    "Status",
    "certifications_of",
    "certified_shapes",
    "certify_all",
    "certify_claim",
]

EXACT_LAYERS = "exact layers"
"""What a claim goes through here."""

SHAPES = 3
"""A claim is certified at no fewer shapes."""

Status = Literal["certified", "points", "not applicable", "not certified"]
"""Of a claim: certified for all arguments of its shapes; equal at all points that were tried, which certifies nothing
of others, beside its written proof; no layer applies; it falls, or a mutant passes."""

STATISTICAL = "the claim is statistical: its sides agree on average only, which no evaluation at a point can show"


@dataclass(frozen=True)
class ShapeCertificate:
    """What the exact layers found at one shape.

    Attributes:
        dimensions: of the shape.
        exact: in prime fields.
        rigorous: in balls, at every instance.
        programs: both sides as text, what a later evaluation compares.
        mismatch: why the results cannot be compared at all; None where they can.
        conditions: where both sides have a value, and what was taken for exact or infinite.
        points: at how many points the difference was enclosed.
        skipped: at how many others nothing could be said.
        unreached: branches of the sides that no point has reached, in words.
    """

    dimensions: Dimensions
    exact: Agreement | Disagreement | NotApplicable
    rigorous: Enclosure | Exclusion | NotApplicable
    programs: tuple[str, str]
    mismatch: str | None = None
    conditions: tuple[Condition, ...] = ()
    points: int = 0
    skipped: int = 0
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True)
class MutantLayers:
    """Whether the exact layers rejected a mutant.

    Attributes:
        name: what is wrong with it.
        exact: rejected in prime fields; None where that layer does not apply to it.
        rigorous: rejected by balls; None where that layer does not apply to it.
    """

    name: str
    exact: bool | None
    rigorous: bool | None

    @property
    def rejected(self) -> bool:
        """By every layer that applies, and by one at least."""
        said = [verdict for verdict in (self.exact, self.rigorous) if verdict is not None]
        return bool(said) and all(said)


@dataclass(frozen=True)
class Certification:
    """What the exact layers say of a claim.

    Attributes:
        slug: of the claim.
        shapes: the certificates of each shape; none for a statistical claim.
        mutants: their verdicts; empty where they were not asked for.
        seed: of instances, primes, points and symbols.
        seconds: spent.
        reason: why no layer applies; None where one does.
    """

    slug: str
    shapes: tuple[ShapeCertificate, ...]
    mutants: tuple[MutantLayers, ...]
    seed: int
    seconds: float
    reason: str | None = None

    @property
    def exact(self) -> Agreement | None:
        """What holds at all shapes: common fields, largest degree and probability; None where a shape has none."""
        found = [shape.exact for shape in self.shapes if isinstance(shape.exact, Agreement)]
        if not found or len(found) < len(self.shapes):
            return None
        return Agreement(
            fields=min((one.fields for one in found), key=len),
            degree=max(one.degree for one in found),
            symbols=max(one.symbols for one in found),
            false_accept=max(one.false_accept for one in found),
            cases=max(one.cases for one in found),
            left_out=any(one.left_out for one in found),
        )

    @property
    def rigorous(self) -> Enclosure | None:
        """The widest enclosure over all shapes; None where one shape has none."""
        found = [shape.rigorous for shape in self.shapes if isinstance(shape.rigorous, Enclosure)]
        return max(found, key=lambda one: one.radius) if len(found) == len(self.shapes) > 0 else None

    @property
    def reasons(self) -> dict[str, str]:
        """Why a layer says nothing, by its name."""
        found = {}
        for shape in reversed(self.shapes):
            if isinstance(shape.exact, NotApplicable):
                found["exact"] = shape.exact.reason
            if isinstance(shape.exact, Disagreement) and not shape.exact.certain:
                found["exact"] = "the sides are not equal for every function in the place of the free symbols"
            if isinstance(shape.rigorous, NotApplicable):
                found["rigorous"] = shape.rigorous.reason
        return found

    @property
    def points(self) -> int:
        """At how many points of all shapes the difference was enclosed."""
        return sum(shape.points for shape in self.shapes)

    @property
    def skipped(self) -> int:
        """At how many points of all shapes nothing could be said."""
        return sum(shape.skipped for shape in self.shapes)

    @property
    def status(self) -> Status:
        """What may be said of the claim: "certified" only where the exact layer says it at every shape."""
        if not self.passed:
            return "not certified"
        if self.reason is not None:
            return "not applicable"
        return "certified" if self.exact is not None else "points"

    @property
    def unreached(self) -> tuple[str, ...]:
        """Branches of the sides that no point of some shape has reached, in words."""
        return tuple(dict.fromkeys(branch for shape in self.shapes for branch in shape.unreached))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Of all shapes, each once."""
        return tuple(dict.fromkeys(one for shape in self.shapes for one in shape.conditions))

    @property
    def refuted(self) -> ShapeCertificate | None:
        """The first shape at which the sides differ for sure, or cannot be compared; None where there is none."""
        for shape in self.shapes:
            if shape.mismatch is not None:
                return shape
            if isinstance(shape.rigorous, Exclusion):
                return shape
            if isinstance(shape.exact, Disagreement) and shape.exact.certain:
                return shape
        return None

    @property
    def passed(self) -> bool:
        """Said to hold by one layer at least and rejected by none, with every mutant rejected; or no layer applies."""
        if self.reason is not None:
            return True
        holds = self.exact is not None or self.rigorous is not None
        return holds and self.refuted is None and all(mutant.rejected for mutant in self.mutants)


def certified_shapes(claim: Claim) -> tuple[Dimensions, ...]:
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
    """Certifies a claim at three shapes or more.

    Args:
        claim: what is claimed.
        seed: of instances, primes, points and symbols.
        instances: at which the difference is enclosed, of each shape.
        mutants: whether the mutants are tried too.
        inline: trace without JAX's shortcuts: no cached sub-programs, every loop unrolled.

    Raises:
        ValueError: JAX is not in 64 bits, a side cannot be traced, or a mutant returns another structure than the side
            that it replaces.
    """
    check_dtype("float64")
    start = time.perf_counter()
    if isinstance(claim.tolerance, Statistical):
        return Certification(claim.slug, (), (), seed, 0.0, STATISTICAL)
    shapes = [_Shape(claim, k, dims, seed, instances, inline) for k, dims in enumerate(certified_shapes(claim))]
    found = tuple(shape.certificate() for shape in shapes)
    alike = not any(shape.mismatch for shape in found)
    tried = tuple(_try(mutant, shapes, found) for mutant in claim.mutants) if mutants and alike else ()
    reasons = Certification(claim.slug, found, (), seed, 0.0).reasons
    silent = alike and len(reasons) == 2
    reason = " ".join(f"{layer}: {why}." for layer, why in reasons.items()) if silent else None
    return Certification(claim.slug, found, tried, seed, time.perf_counter() - start, reason)


def certify_all(
    claims: Sequence[Claim],
    *,
    seed: int = 0,
    mutants: bool = True,
    progress: Callable[[Claim], None] | None = None,
) -> list[Certification | Unevaluated]:
    """Certifies claims in turn; the arithmetic is Python's, which more threads do not speed up.

    Returns:
        What was found of each claim, or why nothing was.
    """
    found: list[Certification | Unevaluated] = []
    for place, one in each(certifications_of(claims, seed=seed, mutants=mutants)):
        found.append(one)
        if progress is not None:
            progress(claims[place])
    return found


def certifications_of(
    claims: Sequence[Claim], *, seed: int = 0, mutants: bool = True
) -> list[Evaluation[Certification]]:
    """The certification of each claim, for `lrgd_jax.claims.outcomes.each`."""
    return [(claim, EXACT_LAYERS, partial(certify_claim, claim, seed=seed, mutants=mutants)) for claim in claims]


@dataclass(frozen=True)
class _Shape:
    """A claim at fixed dimensions, traced for the exact layers."""

    claim: Claim
    number: int
    dimensions: Dimensions
    seed: int
    instances: int
    inline: bool
    programs: dict[tuple[Side, bool, bool], Program] = field(default_factory=dict)

    @cached_property
    def drawn(self) -> list[dict[str, Any]]:
        """Random arguments before `given`."""
        keys = [instance_key(self.claim, self.seed, self.number, k) for k in range(self.instances)]
        return [self.claim.drawn(key, self.dimensions, jnp.float64) for key in keys]

    @cached_property
    def arguments(self) -> list[dict[str, Any]]:
        """Random arguments after `given`."""
        given = self.given
        return self.drawn if given is None else [prepared_by(given, drawn) for drawn in self.drawn]

    @cached_property
    def given(self) -> TracedSide | None:
        """What makes drawn arguments satisfy the assumptions."""
        if self.claim.given is None:
            return None
        return trace_side(self.claim, self.claim.given, "given", self.drawn[0], self.dimensions, twice=self.number == 0)

    @cached_property
    def points(self) -> ClaimPoints:
        """Where both sides are compared."""
        return ClaimPoints(self.claim, self.dimensions, self.drawn, self.given, self.prepared.given, self.seed)

    def program(self, side: Side, what: str, *, freed: bool, inline: bool) -> Program:
        """A side as a program of the arguments."""
        key = side, freed and bool(self.claim.free), inline
        if key not in self.programs:
            with jax.disable_jit(inline):
                traced = trace_side(
                    self.claim, side, what, self.arguments[0], self.dimensions, freed=key[1], twice=self.number == 0
                )
            self.programs[key] = traced.program
        return self.programs[key]

    @cached_property
    def prepared(self) -> Prepared:
        """The drawn leaves, and the program that makes them satisfy the assumptions."""
        leaves = jax.tree.leaves(self.drawn[0])
        inputs = [x if jnp.issubdtype(x.dtype, jnp.inexact) else np.asarray(x) for x in leaves]
        if self.claim.given is None:
            return Prepared(inputs)
        traced = trace_side(self.claim, self._all_prepared, "given", self.drawn[0], self.dimensions)
        return Prepared(inputs, traced.program)

    def _all_prepared(self, **arguments: Any) -> dict[str, Any]:
        drawn = {name: arguments[name] for name in self.claim.arguments}
        return self.claim.prepared(drawn, self.dimensions)

    def pair(self, mutant: Mutant | None, *, freed: bool) -> tuple[Program, Program]:
        """Both sides, one of them replaced if there is a mutant."""
        sides = {"left": ("left side", self.claim.left), "right": ("right side", self.claim.right)}
        if mutant is not None:
            sides[mutant.replaces] = f"mutant {mutant.name!r}", mutant.side
        left, right = (self.program(side, what, freed=freed, inline=self.inline) for what, side in sides.values())
        if mutant is not None:
            what, names = mutant.replaces, (f"claim {self.claim.slug}: the mutant {mutant.name!r}", "what it replaces")
            own = self.program(getattr(self.claim, what), f"{what} side", freed=freed, inline=self.inline)
            comparable(left if what == "left" else right, own, names)
        return left, right

    def exact(self, mutant: Mutant | None = None) -> Agreement | Disagreement | NotApplicable:
        """In prime fields."""
        if self.claim.relation != "equal":
            return NotApplicable("the claim is an inequality, and a field has no order")
        return decide_exactly(*self.pair(mutant, freed=True), self.prepared, seed=self.seed)

    def tried(self, mutant: Mutant | None = None, *, many: bool) -> Tried:
        """In balls: at the instances, or at many points besides."""
        pair = self.pair(mutant, freed=False)
        return self.points.many(pair) if many else self.points.few(pair)

    def rejects(self, mutant: Mutant, *, many: bool) -> Enclosure | Exclusion | NotApplicable:
        """What balls say of a mutant: at the instances, and, where these do not reject it, at many points."""
        found = rigorous_verdict(self.tried(mutant, many=False))
        if isinstance(found, Exclusion) or not many:
            return found
        return rigorous_verdict(self.tried(mutant, many=True))

    def certificate(self) -> ShapeCertificate:
        """Of the claim itself."""
        sides = ("left side", self.claim.left), ("right side", self.claim.right)
        left, right = (self.program(side, what, freed=False, inline=False) for what, side in sides)
        texts = str(left.jaxpr), str(right.jaxpr)
        reason = mismatch(left, right, side_names(self.claim))
        if reason is not None:
            nothing = NotApplicable(reason)
            return ShapeCertificate(self.dimensions, nothing, nothing, texts, reason)
        given = [self.prepared.given] if self.prepared.given is not None else []
        conditions = conditions_of(*given, left, right)
        exact = self.exact()
        tried = self.tried(many=only_points(exact))
        return ShapeCertificate(
            self.dimensions,
            exact,
            rigorous_verdict(tried),
            texts,
            conditions=conditions,
            points=len(tried.enclosures),
            skipped=tried.skipped,
            unreached=tried.unreached,
        )


def only_points(exact: Agreement | Disagreement | NotApplicable) -> bool:
    """Whether points decide: of one fraction of polynomials the exact layer says all, of programs with branches not."""
    return not isinstance(exact, Agreement) or exact.cases > 1


def rigorous_verdict(tried: Tried) -> Enclosure | Exclusion | NotApplicable:
    """The widest enclosure of all points, or what shows that the sides differ, or why nothing can be said."""
    if isinstance(tried.excluded, Exclusion):
        return tried.excluded
    if isinstance(tried.excluded, OneSided):
        return Exclusion(BITS, NO_VALUE, list(tried.excluded.left), list(tried.excluded.right))
    return tried.widest or NotApplicable(tried.reason)


def _try(mutant: Mutant, shapes: Sequence[_Shape], found: Sequence[ShapeCertificate]) -> MutantLayers:
    """A mutant at the layers that certify the claim itself, the largest shape first, which most often suffices."""
    order = sorted(range(len(shapes)), key=lambda k: -sum(shapes[k].dimensions.values()))
    exact = (shapes[k].exact(mutant) for k in order if isinstance(found[k].exact, Agreement))
    rigorous = (
        shapes[k].rejects(mutant, many=only_points(found[k].exact))
        for k in order
        if isinstance(found[k].rigorous, Enclosure)
    )
    everywhere = all(isinstance(one.exact, Agreement) for one in found)
    enclosed = all(isinstance(one.rigorous, Enclosure) for one in found)
    return MutantLayers(
        mutant.name, _rejected(exact, Disagreement, everywhere), _rejected(rigorous, Exclusion, enclosed)
    )


def _rejected(verdicts: Iterator[Any], kind: type, everywhere: bool) -> bool | None:
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
