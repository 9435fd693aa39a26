"""What a check found: plain records, which the reports read."""

from dataclasses import dataclass

from jaxtyping import PyTree

from lrgd_jax.claims.arguments import Arguments, Dimensions
from lrgd_jax.claims.claim import Claim
from lrgd_jax.display import HtmlDisplay, one_screen
from lrgd_jax.tracebacks import first_sentence, is_refusal, package_line

__all__ = ["Failure", "MutantVerdict", "Unevaluated", "Verdict"]


@dataclass(frozen=True)
class MutantVerdict:
    """What became of a mutant.

    Attributes:
        name: what is wrong with it.
        rejected: a difference of finite numbers exceeded its tolerance.
        instances: how many were tried.
        reason: why it was not rejected; None where it was.

    Examples:
        >>> from lrgd_jax.claims import check_claim
        >>> from lrgd_jax.claims.claim_template import claim
        >>> check_claim(claim, dtype="float32", instances=1).mutants[0]
        MutantVerdict(name='the step goes uphill', rejected=True, instances=1, reason=None)
    """

    name: str
    rejected: bool
    instances: int
    reason: str | None


@dataclass(frozen=True)
class Failure:
    """The first instance at which a claim fell.

    Attributes:
        reason: in words.
        dimensions: sizes of the named axes.
        instance: its number at this shape; None where the sides cannot even be compared.
        arguments: arrays of the instance.
        left: the left side.
        right: the right side.

    Examples:
        >>> from dataclasses import replace
        >>> from lrgd_jax.claims import check_claim
        >>> from lrgd_jax.claims.claim_template import claim
        >>> wrong = replace(claim, right=claim.mutants[0].side)
        >>> failure = check_claim(wrong, dtype="float32", instances=1, mutants=False).failure
        >>> failure.dimensions, failure.instance
        ({'n': 5, 'd': 3, 'dv': 2}, 0)
    """

    reason: str
    dimensions: Dimensions
    instance: int | None = None
    arguments: Arguments | None = None
    left: PyTree = None
    right: PyTree = None


@dataclass(frozen=True, repr=False)
class Verdict(HtmlDisplay):
    """What the check of one claim in one dtype found.

    Attributes:
        slug: name of the claim.
        group: letter of the group, or the user's own name of one.
        title: one line.
        dtype: dtype of the floating arguments.
        holds: all instances are within their tolerance, and something was compared.
        instances: how many were compared.
        worst_ratio: largest difference in units of its tolerance.
        detection_limit: the smallest relative error of a side that every instance would have noticed; None where
            every number was zero.
        mutants: their verdicts; empty where they were not asked for.
        seconds: time spent, compilation included.
        failure: where it fell; None where it holds.

    Examples:
        >>> from lrgd_jax.claims import check_claim
        >>> from lrgd_jax.claims.claim_template import claim
        >>> verdict = check_claim(claim, dtype="float32", instances=1)
        >>> verdict.passed, verdict.worst_ratio < 1
        (True, True)
    """

    slug: str
    group: str
    title: str
    dtype: str
    holds: bool
    instances: int
    worst_ratio: float
    detection_limit: float | None
    mutants: tuple[MutantVerdict, ...]
    seconds: float
    failure: Failure | None

    def __repr__(self) -> str:
        how = "holds" if self.holds else "falls"
        rejected = sum(mutant.rejected for mutant in self.mutants)
        tried = f", {rejected}/{len(self.mutants)} mutants rejected" if self.mutants else ""
        numbers = f"error/bound {self.worst_ratio:.2g} over {self.instances} instances{tried}"
        why = "" if self.failure is None else f"; {self.failure.reason}"
        return one_screen(f"Verdict({self.slug}, {self.dtype}: {how}, {numbers}{why})")

    @property
    def passed(self) -> bool:
        """The claim holds, and every mutant that was tried is rejected."""
        return self.holds and all(mutant.rejected for mutant in self.mutants)


@dataclass(frozen=True)
class Unevaluated:
    """A claim that has no verdict at a layer, since something was raised.

    Attributes:
        claim: the claim.
        layer: a dtype, "exact layers", or what else was asked of the claim.
        fault: what was raised.
        seconds: time spent.

    Examples:
        >>> from dataclasses import replace
        >>> from lrgd_jax.claims import check_all
        >>> from lrgd_jax.claims.claim_template import claim
        >>> broken = replace(claim, slug="broken", right=lambda query: query.no_such_method())
        >>> first, second = check_all([broken, claim], dtype="float32", instances=1)
        >>> isinstance(first, Unevaluated), first.internal, second.passed
        (True, False, True)
    """

    claim: Claim
    layer: str
    fault: Exception
    seconds: float

    @property
    def slug(self) -> str:
        """The name of the claim."""
        return self.claim.slug

    def as_dict(self) -> dict[str, object]:
        """For a JSON file, in the place of what was found."""
        return {"claim": self.slug, "holds": None, "error": self.reason}

    @property
    def internal(self) -> bool:
        """Whether the package is to blame: it stumbled, or the claim is one that comes with it."""
        return self.claim.shipped or not is_refusal(self.fault)

    @property
    def reason(self) -> str:
        """Why, in one line."""
        if is_refusal(self.fault):
            return str(self.fault)
        said = first_sentence(str(self.fault)) or "no message"
        return f"internal error: {type(self.fault).__name__}: {said} (at {package_line(self.fault)})"
