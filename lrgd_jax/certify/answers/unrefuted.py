"""Two functions that were found equal at points only: neither a certificate nor a counterexample."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lrgd_jax.certify.answers.certificates import Integers
from lrgd_jax.certify.answers.result_texts import Exact, exact_text, layer_dict, origin, points_text, rigorous_text
from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Relation
from lrgd_jax.display import HtmlDisplay, one_screen

__all__ = ["Unrefuted"]


@dataclass(frozen=True, repr=False)
class Unrefuted(HtmlDisplay):
    """Two functions are equal at every point that was tried, which certifies nothing of others; counts as false.

    Attributes:
        functions: their names.
        relation: "equal", or "at most" for first <= second.
        shapes: of the arguments, as text.
        exact: why the exact layer says nothing.
        rigorous: the widest enclosure of the difference, in balls.
        points: at how many points the difference was enclosed.
        skipped: at how many others neither function has a value, or none was decided.
        reason: why, at the last of those; empty where there is none.
        unreached: the branches of both functions that no point has reached, each with its source line.
        programs: SHA-256 of both programs.
        seed: of the points.
        versions: of what computed it.
        integers: at which integer arguments; None where there are none.
        constants: literals that were taken for the numbers that they mean.

    Examples:
        >>> from jax import lax
        >>> from lrgd_jax.certify import equal
        >>> tried = equal(lambda x: lax.erf(x) + lax.erfc(x), lambda x: 0 * x + 1, "x:n=1")
        >>> type(tried).__name__, bool(tried), tried.skipped
        ('Unrefuted', False, 0)
    """

    functions: tuple[str, str]
    relation: Relation
    shapes: str
    exact: Exact
    rigorous: Enclosure
    points: int
    skipped: int
    reason: str
    unreached: tuple[str, ...]
    programs: tuple[str, str]
    seed: int
    versions: Mapping[str, str]
    integers: Integers | None = None
    constants: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        left, right = self.functions
        sign = "equal" if self.relation == "equal" else "at most"
        lines = [
            f"not certified: {left} and {right} are {sign} at {points_text(self.points)}, and nothing is said of others"
            if sign == "equal"
            else f"not certified: {left} <= {right} at {points_text(self.points)}, and nothing is said of others",
            f"  shapes: {self.shapes}",
            f"  exact: {exact_text(self.exact)}",
            f"  rigorous: {rigorous_text(self.rigorous, self.relation, self.points)}",
        ]
        if self.integers is not None:
            lines.append(f"  integers: {self.integers}")
        if self.skipped:
            lines.append(f"  skipped: {points_text(self.skipped)} without a value to compare; the last: {self.reason}")
        lines += [f"  {one.kind}: {one}" for one in self.constants]
        lines += [f"  not reached: {branch}" for branch in self.unreached]
        return "\n".join([*lines, *origin(self.functions, self.programs, self.seed, self.versions)])

    def __repr__(self) -> str:
        return one_screen(str(self))

    def as_dict(self) -> dict[str, Any]:
        """Nothing but dictionaries, lists, strings, numbers and None."""
        return {
            "certified": False,
            "verdict": "equal at the points tried" if self.relation == "equal" else "at most at the points tried",
            "functions": list(self.functions),
            "relation": self.relation,
            "shapes": self.shapes,
            "exact": layer_dict(self.exact),
            "rigorous": layer_dict(self.rigorous) | {"points": self.points, "skipped": self.skipped},
            "reason": self.reason,
            "unreached": list(self.unreached),
            "integers": None if self.integers is None else vars(self.integers),
            "constants": [one.as_dict() for one in self.constants],
            "programs": list(self.programs),
            "seed": self.seed,
            "versions": dict(self.versions),
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False, ensure_ascii=False)
