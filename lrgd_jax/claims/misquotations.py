"""Statements that are quoted and wrong: mutants of claims, each refuted by the smallest arguments at which it shows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import jax

from lrgd_jax.claims.arguments import Arguments, Dimensions
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.exact_counterexample import ExactCounterexample, smallest_exact_counterexample
from lrgd_jax.claims.mutant import Misquotation, Mutant

__all__ = ["Refutation", "quoted_form", "refute_misquotations"]


@dataclass(frozen=True)
class Refutation:
    """A misquotation and what refutes it.

    Attributes:
        claim: states what is right.
        mutant: the wrong version.
        quotation: how and where it is said.
        counterexample: the smallest one; None where no point was found, though the checks may reject the version.
    """

    claim: Claim
    mutant: Mutant
    quotation: Misquotation
    counterexample: ExactCounterexample | None

    @property
    def right(self) -> tuple[object, ...]:
        """What the right version gives at the counterexample, in digits."""
        return self._results(self.mutant.replaces == "right")

    @property
    def quoted(self) -> tuple[object, ...]:
        """What the quoted version gives there."""
        return self._results(self.mutant.replaces == "left")

    def _results(self, of_left: bool) -> tuple[object, ...]:
        if self.counterexample is None:
            return ()
        difference = self.counterexample.difference
        return difference.left if of_left else difference.right

    @property
    def at(self) -> tuple[Dimensions, Arguments]:
        """The sizes and the arguments of the counterexample; empty where there is none."""
        return (
            ({}, {}) if self.counterexample is None else (self.counterexample.dimensions, self.counterexample.arguments)
        )


def quoted_form(claim: Claim, mutant: Mutant) -> Claim:
    """The claim as it is misquoted: false, with the wrong version in the place of the side that it replaces.

    Examples:
        >>> from lrgd_jax.claims import load_claims
        >>> claim = load_claims()["attention-sink"]
        >>> quoted_form(claim, claim.misquoted[0]).right.__name__
        'nothing'
    """
    return replace(claim, left=mutant.side) if mutant.replaces == "left" else replace(claim, right=mutant.side)


def refute_misquotations(claims: Iterable[Claim], *, seed: int = 0) -> list[Refutation]:
    """Searches for the smallest counterexample to each misquotation of the claims, in exact arithmetic.

    Args:
        claims: of which those that are misquoted count.
        seed: of the search.

    Returns:
        One a misquotation, in the order of the claims.

    Raises:
        ValueError: a side cannot be traced.

    Examples:
        >>> from lrgd_jax.claims import load_claims
        >>> [refutation] = refute_misquotations([load_claims()["attention-sink"]])
        >>> refutation.at[0], refutation.right, refutation.quoted
        ({'n': 1, 'd': 1, 'dv': 1}, (['0.500000000000'],), (['1.00000000000'],))
    """
    with jax.enable_x64(True):
        return [
            Refutation(claim, mutant, quoted, smallest_exact_counterexample(quoted_form(claim, mutant), seed=seed))
            for claim in claims
            for mutant in claim.misquoted
            if (quoted := mutant.quoted) is not None
        ]
