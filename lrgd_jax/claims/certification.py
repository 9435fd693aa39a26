"""What the exact layers say of a claim: plain records, which reports and certificates read."""

from dataclasses import dataclass
from typing import Literal

from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable
from lrgd_jax.claims.arguments import Dimensions
from lrgd_jax.display import HtmlDisplay, one_screen

__all__ = ["Certification", "MutantLayers", "ShapeCertificate", "Status"]

Status = Literal["certified", "points", "not applicable", "not certified"]
"""What may be said of a claim: certified for all arguments of its shapes; equal at all points that were tried, which
certifies nothing of others, beside its written proof; no layer applies; it falls, or a mutant passes."""


@dataclass(frozen=True)
class ShapeCertificate:
    """What the exact layers found at one shape.

    Attributes:
        dimensions: sizes of the named axes.
        exact: what prime fields say.
        rigorous: what balls say at every instance.
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
        """Whether every layer that applies rejects it, and one at least."""
        said = [verdict for verdict in (self.exact, self.rigorous) if verdict is not None]
        return bool(said) and all(said)


@dataclass(frozen=True, repr=False)
class Certification(HtmlDisplay):
    """What the exact layers say of a claim.

    Attributes:
        slug: name of the claim.
        shapes: the certificates of each shape; none for a statistical claim.
        mutants: their verdicts; empty where they were not asked for.
        seed: seed of instances, primes, points and symbols.
        seconds: time spent.
        reason: why no layer applies; None where one does.

    Source:
        Identities at random points of fields: Schwartz 1980; Zippel 1979. Balls: Johansson 2017.

    Examples:
        >>> import jax
        >>> from lrgd_jax.claims import certify_claim
        >>> from lrgd_jax.claims.claim_template import claim
        >>> with jax.enable_x64(True):
        ...     certification = certify_claim(claim)
        >>> certification.status, certification.exact.false_accept < 1e-30
        ('certified', True)
    """

    slug: str
    shapes: tuple[ShapeCertificate, ...]
    mutants: tuple[MutantLayers, ...]
    seed: int
    seconds: float
    reason: str | None = None

    def __repr__(self) -> str:
        rejected = sum(mutant.rejected for mutant in self.mutants)
        tried = f", {rejected}/{len(self.mutants)} mutants rejected" if self.mutants else ""
        exact = "" if self.exact is None else f", false with probability <= {self.exact.false_accept:.2g}"
        why = "" if self.reason is None else f"; {self.reason}"
        return one_screen(f"Certification({self.slug}: {self.status}, {len(self.shapes)} shapes{exact}{tried}{why})")

    @property
    def exact(self) -> Agreement | None:
        """What holds at all shapes: common fields, largest degree and probability; None where a shape has none."""
        agreements = [shape.exact for shape in self.shapes if isinstance(shape.exact, Agreement)]
        if not agreements or len(agreements) < len(self.shapes):
            return None
        return Agreement(
            fields=min((one.fields for one in agreements), key=len),
            degree=max(one.degree for one in agreements),
            symbols=max(one.symbols for one in agreements),
            false_accept=max(one.false_accept for one in agreements),
            cases=max(one.cases for one in agreements),
            left_out=any(one.left_out for one in agreements),
            depth=max(one.depth for one in agreements),
        )

    @property
    def rigorous(self) -> Enclosure | None:
        """The widest enclosure over all shapes; None where one shape has none."""
        enclosures = [shape.rigorous for shape in self.shapes if isinstance(shape.rigorous, Enclosure)]
        return max(enclosures, key=lambda one: one.radius) if len(enclosures) == len(self.shapes) > 0 else None

    @property
    def reasons(self) -> dict[str, str]:
        """Why a layer says nothing, by its name."""
        reasons = {}
        for shape in reversed(self.shapes):
            if isinstance(shape.exact, NotApplicable):
                reasons["exact"] = shape.exact.reason
            if isinstance(shape.exact, Disagreement) and not shape.exact.certain:
                reasons["exact"] = "the sides are not equal for every function in the place of the free symbols"
            if isinstance(shape.rigorous, NotApplicable):
                reasons["rigorous"] = shape.rigorous.reason
        return reasons

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
        """The conditions of all shapes, each once."""
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
