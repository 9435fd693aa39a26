"""Arguments at which two functions differ, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrgd_jax.certify.answers.result_texts import (
    Exact,
    Rigorous,
    layer_dict,
    nested_text,
    origin,
    results_text,
)
from lrgd_jax.certify.balls.undefined_values import NO_VALUE
from lrgd_jax.certify.counterexamples.divergence import Divergence
from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Relation
from lrgd_jax.display import HtmlDisplay, one_screen

__all__ = ["Counterexample"]


@dataclass(frozen=True, eq=False, repr=False)
class Counterexample(HtmlDisplay):
    """Two functions differ, and where, at the smallest shape and the plainest numbers found; counts as false.

    Examples:
        >>> from lrgd_jax.certify import equal
        >>> counterexample = equal(lambda x: x.sum(), lambda x: x[:2].sum(), "x:n=6")
        >>> {name: x.tolist() for name, x in counterexample.arguments.items()}, counterexample.apart
        ({'x': [0.0, 0.0, 1.0]}, '1.0000')

    Attributes:
        functions: their names.
        relation: "equal", or "at most" for first <= second.
        shapes: those that were asked for, as text.
        sizes: of the named axes, at which the functions differ.
        arguments: at which they differ; None where the prime fields alone tell that they do.
        numbers: which numbers the results are in, "rational numbers" or "balls"; None without arguments.
        left: the result of the first function: exact digits in nested lists, one for each array that it returns.
        right: the result of the second.
        apart: how far some entry is off at least, in digits; "nan" where one of the two has no value; None without
            arguments.
        search: how small the shape is.
        exact: what was found at the shapes that were asked for, in prime fields.
        rigorous: the same in balls.
        programs: SHA-256 of both programs at the shapes that were asked for.
        seed: of points, primes and symbols.
        versions: of what computed it.
        parting: the first value on each side that the other lacks; None without arguments.
        constants: literals that were taken for the numbers that they mean.
        rounded: literals that were probably rounded; as the numbers that they mean, no difference shows.
    """

    functions: tuple[str, str]
    relation: Relation
    shapes: str
    sizes: Mapping[str, int]
    arguments: Mapping[str, np.ndarray] | None
    numbers: str | None
    left: tuple[Any, ...]
    right: tuple[Any, ...]
    apart: str | None
    search: str
    exact: Exact
    rigorous: Rigorous
    programs: tuple[str, str]
    seed: int
    versions: Mapping[str, str]
    parting: Divergence | None = None
    constants: tuple[Condition, ...] = ()
    rounded: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        left, right = self.functions
        sign = "is not equal to" if self.relation == "equal" else "is not at most"
        sizes = ", ".join(f"{name}={size}" for name, size in self.sizes.items())
        lines = [f"counterexample: {left} {sign} {right}{' at ' if sizes else ''}{sizes}"]
        lines += [f"  {name} = {nested_text(x.tolist())}" for name, x in (self.arguments or {}).items()]
        if self.arguments is not None:
            lines += [f"  {left}: {results_text(self.left)}", f"  {right}: {results_text(self.right)} ({self.numbers})"]
            lines.append(_apart(self.apart, self.shapes))
        lines += [f"  {one.kind}: {one}" for one in self.constants]
        if self.rounded:
            lines.append("  rounded constants make the difference: it vanishes here with constants='meant', where")
            lines += [f"    {one}" for one in self.rounded]
        if self.parting is not None:
            lines += [f"  {line}" for line in self.parting.lines(self.functions, nested_text)]
        lines += [f"  {self.search}", f"  shapes asked for: {self.shapes}"]
        return "\n".join([*lines, *origin(self.functions, self.programs, self.seed, self.versions)])

    def __repr__(self) -> str:
        return one_screen(str(self))

    def as_dict(self) -> dict[str, Any]:
        """Nothing but dictionaries, lists, strings, numbers and None."""
        arguments = self.arguments
        return {
            "certified": False,
            "functions": list(self.functions),
            "relation": self.relation,
            "shapes": self.shapes,
            "sizes": dict(self.sizes),
            "arguments": None if arguments is None else {name: x.tolist() for name, x in arguments.items()},
            "numbers": self.numbers,
            "left": list(self.left),
            "right": list(self.right),
            "apart": self.apart,
            "parting": None if self.parting is None else self.parting.as_dict(),
            "constants": [one.as_dict() for one in self.constants],
            "rounded": [one.as_dict() for one in self.rounded],
            "search": self.search,
            "exact": layer_dict(self.exact),
            "rigorous": layer_dict(self.rigorous),
            "programs": list(self.programs),
            "seed": self.seed,
            "versions": dict(self.versions),
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False, ensure_ascii=False)


def _apart(apart: str | None, shapes: str) -> str:
    if apart != NO_VALUE:
        return f"  they differ by at least {apart}"
    advice = "" if "above" in shapes else "; where only larger arguments are meant, say so, as in 'x:n=3 above 0'"
    return f"  one of them alone has a value there{advice}"
