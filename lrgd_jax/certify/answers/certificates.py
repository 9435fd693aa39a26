"""What a comparison of two functions found: a certificate or a counterexample, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lrgd_jax.certify.answers.result_texts import (
    Exact,
    Rigorous,
    exact_text,
    layer_dict,
    origin,
    rigorous_text,
)
from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Relation
from lrgd_jax.display import HtmlDisplay, one_screen

__all__ = ["SAME_PROGRAM", "Certificate", "Integers"]


SAME_PROGRAM = "both are the same program"
"""A note on a certificate."""


@dataclass(frozen=True)
class Integers:
    """At which integer arguments two functions were compared.

    Attributes:
        choices: how many choices of all integers together.
        exhaustive: there are no others.
    """

    choices: int
    exhaustive: bool

    def __str__(self) -> str:
        if self.exhaustive:
            return f"exhaustive over {self.choices} integer arguments"
        return f"{self.choices} draws of the integers; nothing is said of others"


@dataclass(frozen=True, repr=False)
class Certificate(HtmlDisplay):
    """Two functions are equal at all arguments of these shapes, or at all real ones for some integers; counts as true.

    Attributes:
        functions: their names.
        relation: "equal", or "at most" for first <= second.
        shapes: of the arguments, as text.
        exact: at random points of random prime fields: for all arguments of these shapes, up to a stated probability.
        rigorous: in balls: at `points` random arguments.
        points: how many.
        integers: at which integer arguments; None where there are none.
        notes: what else is to be known.
        conditions: where both have a value, and what was taken for exact or infinite.
        programs: SHA-256 of both programs.
        seed: of points, primes and symbols.
        versions: of what computed it.

    Examples:
        >>> from lrgd_jax.certify import equal
        >>> certificate = equal(lambda x: (x + 1) ** 2, lambda x: x**2 + 2 * x + 1, "x:n=3")
        >>> bool(certificate), certificate.exact.degree, certificate.shapes
        (True, 2, 'x:n=3')
    """

    functions: tuple[str, str]
    relation: Relation
    shapes: str
    exact: Exact
    rigorous: Rigorous
    points: int
    notes: tuple[str, ...]
    programs: tuple[str, str]
    seed: int
    versions: Mapping[str, str]
    conditions: tuple[Condition, ...] = ()
    integers: Integers | None = None

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        left, right = self.functions
        sign = "=" if self.relation == "equal" else "<="
        lines = [
            f"certified{self._where}: {left} {sign} {right}",
            f"  shapes: {self.shapes}",
            f"  exact: {exact_text(self.exact)}",
            f"  rigorous: {rigorous_text(self.rigorous, self.relation, self.points)}",
            *([] if self.integers is None else [f"  integers: {self.integers}"]),
            *(f"  note: {note}" for note in self.notes),
            *(f"  {one.kind}: {one}" for one in self.conditions),
            *origin(self.functions, self.programs, self.seed, self.versions),
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return one_screen(str(self))

    @property
    def _where(self) -> str:
        """Which arguments the certificate is about, if not all of these shapes."""
        if self.integers is None or self.integers.exhaustive or SAME_PROGRAM in self.notes:
            return ""
        return f" at {self.integers.choices} draws of the integers"

    def as_dict(self) -> dict[str, Any]:
        """Nothing but dictionaries, lists, strings, numbers and None."""
        return {
            "certified": True,
            "functions": list(self.functions),
            "relation": self.relation,
            "shapes": self.shapes,
            "exact": layer_dict(self.exact),
            "rigorous": layer_dict(self.rigorous) | {"points": self.points},
            "integers": None if self.integers is None else vars(self.integers),
            "notes": list(self.notes),
            "conditions": [one.as_dict() for one in self.conditions],
            "programs": list(self.programs),
            "seed": self.seed,
            "versions": dict(self.versions),
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False, ensure_ascii=False)
