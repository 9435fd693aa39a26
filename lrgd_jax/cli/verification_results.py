"""The results of `lrgd verify` so far, written after every claim, so that whatever happens none of them is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lrgd_jax.atomic import write_json
from lrgd_jax.claims.certificates import write_certificate
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.decoder_check import DecoderVerdict
from lrgd_jax.claims.misquotations import Refutation
from lrgd_jax.claims.verdicts import Unevaluated, Verdict
from lrgd_jax.report.verdict_json import verdicts_content

__all__ = ["VerificationResults"]


@dataclass
class VerificationResults:
    """Verdicts and certifications, in the order in which they were asked for, whichever comes first.

    Attributes:
        claims: those that are checked.
        dtypes: in which they are checked.
        seed: of the random instances.
        exact: whether the exact layers are asked for.
        json: the file that all of it goes to.
        certificates: the folder of the claims' certificates.
        decoder: the verdict on a checkpoint.
        refutations: of misquotations; None where they are not asked for.
        unwritten: why a file could not be written, by what it is.
    """

    claims: Sequence[Claim]
    dtypes: Sequence[str]
    seed: int
    exact: bool = False
    json: Path | None = None
    certificates: Path | None = None
    decoder: DecoderVerdict | None = None
    refutations: list[Refutation] | None = None
    unwritten: dict[str, OSError] = field(default_factory=dict)
    _verdicts: dict[int, Verdict | Unevaluated] = field(default_factory=dict)
    _certified: dict[int, Certification | Unevaluated] = field(default_factory=dict)

    @property
    def verdicts(self) -> list[Verdict | Unevaluated]:
        """Those that are there, one dtype after the other, in the order of the claims."""
        return [self._verdicts[place] for place in sorted(self._verdicts)]

    @property
    def certified(self) -> list[Certification | Unevaluated]:
        """Those that are there, in the order of the claims."""
        return [self._certified[place] for place in sorted(self._certified)]

    @property
    def done(self) -> tuple[int, int]:
        """How many evaluations are done, and of how many."""
        asked = len(self.claims) * (len(self.dtypes) + self.exact)
        return len(self._verdicts) + len(self._certified), asked

    def claim_of(self, slug: str) -> Claim:
        """The claim of that name, one of those that are checked."""
        return next(claim for claim in self.claims if claim.slug == slug)

    def add(self, place: int, found: Verdict | Certification | Unevaluated) -> None:
        """Adds what was found, writes the claim's certificate if there is one, and writes the file.

        Args:
            place: among all evaluations: every dtype of the claims, one after the other, and then their exact layers.
            found: the verdict, the certification, or why there is none.
        """
        exact_place = place - len(self.claims) * len(self.dtypes)
        if isinstance(found, Verdict) or (isinstance(found, Unevaluated) and exact_place < 0):
            self._verdicts[place] = found
        else:
            self._certified[exact_place] = found
            if self.certificates is not None and isinstance(found, Certification):
                self._keep_certificate(self.certificates, self.claims[exact_place], found)
        self.write()

    def write(self) -> None:
        """Writes the JSON file; where that fails, a later time may succeed."""
        from lrgd_jax import __version__

        if self.json is None:
            return
        done, asked = self.done
        layers: Mapping[str, Certification | Unevaluated] = {one.slug: one for one in self.certified}
        try:
            write_json(
                self.json,
                verdicts_content(
                    __version__,
                    self.dtypes,
                    self.seed,
                    self.verdicts,
                    layers,
                    self.decoder,
                    complete=done == asked,
                    refutations=self.refutations,
                ),
            )
            self.unwritten.pop(f"--json {self.json}", None)
        except OSError as error:
            self.unwritten[f"--json {self.json}"] = error

    def _keep_certificate(self, folder: Path, claim: Claim, certification: Certification) -> None:
        try:
            write_certificate(folder, claim, certification)
        except OSError as error:
            self.unwritten[f"--certificates {folder}"] = error
