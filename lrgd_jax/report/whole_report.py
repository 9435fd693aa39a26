"""What one file for a reviewer tells, and where each part of it comes from: run now, or read from a file.

Verdicts that were found now and verdicts of a file go the same way: both are the content of `lrgd verify --json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

__all__ = [
    "CertificateRow",
    "Constants",
    "ExactRow",
    "Experiment",
    "MutantRow",
    "Origin",
    "Point",
    "Quoted",
    "ReportContent",
    "RigorousRow",
    "VerdictRow",
    "Verdicts",
]


class MutantRow(msgspec.Struct):
    """A wrong version of a claim, and whether the check rejected it."""

    name: str
    rejected: bool


class ExactRow(msgspec.Struct):
    """What random prime fields say."""

    fields: list[int]
    degree: int
    false_accept: float


class RigorousRow(msgspec.Struct):
    """What balls say."""

    bits: int
    radius: float


class VerdictRow(msgspec.Struct):
    """A claim in a dtype; `holds` is None where it could not be evaluated, and `error` says why."""

    slug: str
    group: str
    dtype: str
    holds: bool | None
    seconds: float
    instances: int = 0
    worst_ratio: float | None = None
    detection_limit: float | None = None
    mutants: list[MutantRow] = []
    error: str | None = None
    status: str | None = None
    exact: ExactRow | None = None
    rigorous: RigorousRow | None = None


class Point(msgspec.Struct):
    """The smallest arguments that refute a statement, and both results."""

    dimensions: dict[str, int]
    arguments: dict[str, object]
    quoted: list[object]
    right: list[object]


class Quoted(msgspec.Struct):
    """A statement that is quoted and wrong."""

    slug: str
    says: str
    source: str
    rather: str
    counterexample: Point | None = None


class Constants(msgspec.Struct):
    """The measured constants that bounds rest on, in words."""

    text: str


class Verdicts(msgspec.Struct):
    """The content of `lrgd verify --json`."""

    version: str
    dtype: str
    seed: int
    complete: bool
    constants: Constants
    claims: list[VerdictRow]
    misquotations: list[Quoted] | None = None


class CertificateRow(msgspec.Struct):
    """A kept certificate."""

    claim: str
    title: str
    status: str
    versions: dict[str, str]
    shapes: list[object]
    exact: ExactRow | None = None
    rigorous: RigorousRow | None = None


@dataclass(frozen=True)
class Experiment:
    """A finished run that is kept in a folder.

    Attributes:
        name: of the experiment.
        title: in words.
        folder: where it lies.
        versions: of what computed it.
        rows: how many.
        settings: its configuration.
        summary: what the rows say.
        picture: a PNG; None where there is none.
    """

    name: str
    title: str
    folder: str
    versions: Mapping[str, str]
    rows: int
    settings: Mapping[str, object]
    summary: Mapping[str, object]
    picture: bytes | None = None


@dataclass(frozen=True)
class Origin:
    """Where a part of a report comes from.

    Attributes:
        part: which.
        how: whether it was found by the command that wrote the report, read from a file, or is missing.
        text: how, or which file and when that was written, or how to get what is missing.
    """

    part: str
    how: Literal["run now", "read from", "missing"]
    text: str


@dataclass(frozen=True)
class ReportContent:
    """All of a report.

    Attributes:
        written: date and time, with the zone.
        commit: of the checkout that the package lies in; None where it lies in none.
        origins: where each part comes from.
        titles: of claims, by slug.
        verdicts: of the claims.
        certificates: those that are kept.
        experiments: finished runs.
        environment: what this process computes with: what, and what it is here.
    """

    written: str
    commit: str | None
    origins: Sequence[Origin]
    titles: Mapping[str, str]
    verdicts: Verdicts
    certificates: Sequence[CertificateRow]
    experiments: Sequence[Experiment]
    environment: Mapping[str, str]

    @property
    def counts(self) -> dict[str, str]:
        """What a reader sees first."""
        claims = self.verdicts.claims
        mutants = [mutant for claim in claims for mutant in claim.mutants]
        certified = sum(one.status == "certified" for one in self.certificates)
        counts = {
            "verdicts that hold": f"{sum(claim.holds is True for claim in claims)}/{len(claims)}",
            "mutants rejected": f"{sum(mutant.rejected for mutant in mutants)}/{len(mutants)}",
            "misquotations": str(len(self.verdicts.misquotations or ())),
            "experiments": str(len(self.experiments)),
        }
        kept = {"certificates certified": f"{certified}/{len(self.certificates)}"} if self.certificates else {}
        return counts | kept
