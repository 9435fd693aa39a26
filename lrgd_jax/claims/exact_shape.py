"""A claim at fixed dimensions, traced for the exact layers: prime fields, and balls at points."""

from dataclasses import dataclass, field
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.certify import Program
from lrgd_jax.certify.balls.undefined_values import NO_VALUE, OneSided
from lrgd_jax.certify.points.trials import Trials
from lrgd_jax.certify.tracing.structures import comparable, mismatch
from lrgd_jax.certify.verdicts.case_by_case import decide_exactly
from lrgd_jax.certify.verdicts.conditions import conditions_of
from lrgd_jax.certify.verdicts.enclosures import BITS, Enclosure, Exclusion
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable, Prepared
from lrgd_jax.claims.arguments import Argument, Dimensions
from lrgd_jax.claims.certification import ShapeCertificate
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.claim_points import ClaimPoints
from lrgd_jax.claims.compiled_shape import instance_key
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.side import Side
from lrgd_jax.claims.traced_side import TracedSide, prepare_by, side_names, trace_side

__all__ = ["ExactShape", "only_points", "rigorous_verdict"]


@dataclass(frozen=True)
class ExactShape:
    """A claim at fixed dimensions, traced for the exact layers."""

    claim: Claim
    number: int
    dimensions: Dimensions
    seed: int
    instances: int
    inline: bool
    programs: dict[tuple[Side, bool, bool], Program] = field(default_factory=dict)

    @cached_property
    def drawn(self) -> list[dict[str, Argument]]:
        """Random arguments before `given`."""
        keys = [instance_key(self.claim, self.seed, self.number, k) for k in range(self.instances)]
        return [self.claim.draw(key, self.dimensions, jnp.float64) for key in keys]

    @cached_property
    def arguments(self) -> list[dict[str, Argument]]:
        """Random arguments after `given`."""
        given = self.given
        return self.drawn if given is None else [prepare_by(given, drawn) for drawn in self.drawn]

    @cached_property
    def given(self) -> TracedSide | None:
        """What makes drawn arguments satisfy the assumptions."""
        if self.claim.given is None:
            return None
        return trace_side(self.claim, self.claim.given, "given", self.drawn[0], self.dimensions, twice=self.number == 0)

    @cached_property
    def points(self) -> ClaimPoints:
        """Where both sides are compared."""
        return ClaimPoints(self.claim, self.dimensions, self.drawn, self.given, self.preparation.given, self.seed)

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
    def preparation(self) -> Prepared:
        """The drawn leaves, and the program that makes them satisfy the assumptions."""
        leaves = jax.tree.leaves(self.drawn[0])
        inputs = [x if jnp.issubdtype(x.dtype, jnp.inexact) else np.asarray(x) for x in leaves]
        if self.claim.given is None:
            return Prepared(inputs)
        traced = trace_side(self.claim, self._prepare_all, "given", self.drawn[0], self.dimensions)
        return Prepared(inputs, traced.program)

    def _prepare_all(self, **arguments: Argument) -> dict[str, Argument]:
        drawn = {name: arguments[name] for name in self.claim.arguments}
        return self.claim.prepare(drawn, self.dimensions)

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
        """Decides in prime fields."""
        if self.claim.relation != "equal":
            return NotApplicable("the claim is an inequality, and a field has no order")
        return decide_exactly(*self.pair(mutant, freed=True), self.preparation, seed=self.seed)

    def try_points(self, mutant: Mutant | None = None, *, many: bool) -> Trials:
        """Compares in balls, at the instances or at many points besides."""
        pair = self.pair(mutant, freed=False)
        return self.points.many(pair) if many else self.points.few(pair)

    def rejects(self, mutant: Mutant, *, many: bool) -> Enclosure | Exclusion | NotApplicable:
        """What balls say of a mutant: at the instances, and, where these do not reject it, at many points."""
        verdict = rigorous_verdict(self.try_points(mutant, many=False))
        if isinstance(verdict, Exclusion) or not many:
            return verdict
        return rigorous_verdict(self.try_points(mutant, many=True))

    def certificate(self) -> ShapeCertificate:
        """What the exact layers say of the claim itself."""
        sides = ("left side", self.claim.left), ("right side", self.claim.right)
        left, right = (self.program(side, what, freed=False, inline=False) for what, side in sides)
        texts = str(left.jaxpr), str(right.jaxpr)
        reason = mismatch(left, right, side_names(self.claim))
        if reason is not None:
            nothing = NotApplicable(reason)
            return ShapeCertificate(self.dimensions, nothing, nothing, texts, reason)
        given = [self.preparation.given] if self.preparation.given is not None else []
        conditions = conditions_of(*given, left, right)
        exact = self.exact()
        tried = self.try_points(many=only_points(exact))
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


def rigorous_verdict(tried: Trials) -> Enclosure | Exclusion | NotApplicable:
    """The widest enclosure of all points, or what shows that the sides differ, or why nothing can be said."""
    if isinstance(tried.excluded, Exclusion):
        return tried.excluded
    if isinstance(tried.excluded, OneSided):
        return Exclusion(BITS, NO_VALUE, list(tried.excluded.left), list(tried.excluded.right))
    return tried.widest or NotApplicable(tried.reason)
