"""What a comparison of two functions found: a certificate or a counterexample, as text and as JSON."""

from __future__ import annotations

import decimal
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import lrgd_jax
from lrgd_jax.certify.balls.undefined_values import NO_VALUE
from lrgd_jax.certify.counterexamples.divergence import Divergence
from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion, Relation
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable

__all__ = [
    "SAME_PROGRAM",
    "Certificate",
    "Counterexample",
    "Exact",
    "Integers",
    "Rigorous",
    "exact_text",
    "layer_dict",
    "nested_text",
    "origin",
    "points_text",
    "rigorous_text",
    "versions",
]

Exact = Agreement | Disagreement | NotApplicable
Rigorous = Enclosure | Exclusion | NotApplicable

SAME_PROGRAM = "both are the same program"
"""A note on a certificate."""

_LONGEST = 60
"""Characters of a number in a text; JSON has all of them."""


def versions() -> dict[str, str]:
    """Of what computed a certificate."""
    return {
        "lrgd_jax": lrgd_jax.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python-flint": importlib.metadata.version("python-flint"),
        "python": platform.python_version(),
    }


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


@dataclass(frozen=True)
class Certificate:
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


@dataclass(frozen=True, eq=False)
class Counterexample:
    """Two functions differ, and where, at the smallest shape and the plainest numbers found; counts as false.

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
            lines += [f"  {left}: {_results(self.left)}", f"  {right}: {_results(self.right)} ({self.numbers})"]
            lines.append(_apart(self.apart, self.shapes))
        lines += [f"  {one.kind}: {one}" for one in self.constants]
        if self.rounded:
            lines.append("  rounded constants make the difference: it vanishes here with constants='meant', where")
            lines += [f"    {one}" for one in self.rounded]
        if self.parting is not None:
            lines += [f"  {line}" for line in self.parting.lines(self.functions, nested_text)]
        lines += [f"  {self.search}", f"  shapes asked for: {self.shapes}"]
        return "\n".join([*lines, *origin(self.functions, self.programs, self.seed, self.versions)])

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


def exact_text(found: Exact) -> str:
    """What the exact layer found, in words."""
    if isinstance(found, NotApplicable):
        return f"says nothing: {found.reason}"
    if isinstance(found, Disagreement):
        return "says nothing: the functions are not equal for every function in the place of the free symbols"
    symbols = f"{found.symbols} free symbols or exponentials, " if found.symbols else ""
    cases = f"in each of {found.cases} cases of its comparisons, " if found.cases > 1 else ""
    return (
        f"equal in {len(found.fields)} random prime fields, {cases}degree {found.degree}, {symbols}"
        f"false with probability <= {_rounded_up(found.false_accept)} at these shapes"
    )


def rigorous_text(found: Rigorous, relation: Relation, points: int) -> str:
    """What the rigorous layer found at so many points, in words."""
    if not isinstance(found, Enclosure):
        return f"says nothing: {found.reason if isinstance(found, NotApplicable) else 'the functions differ'}"
    where = f"at {points_text(points)}, {found.bits} bits"
    if relation == "at most":
        above = f" within {_rounded_up(found.radius)} of its own entry" if found.radius else ""
        return f"difference at most zero{above} {where}"
    if not found.radius:
        return f"difference exactly zero {where}"
    return f"difference within {_rounded_up(found.radius)} of zero {where}, relative to each entry"


def points_text(number: int) -> str:
    """So many points, in words."""
    return f"{number} {'point' if number == 1 else 'points'}"


def _rounded_up(x: float) -> str:
    context = decimal.Context(prec=1, rounding=decimal.ROUND_CEILING)
    return f"{context.create_decimal(decimal.Decimal(x)):.0e}"


def origin(
    functions: tuple[str, str], programs: tuple[str, str], seed: int, known: Mapping[str, str]
) -> tuple[str, ...]:
    """The last lines of a result: the digests of both programs, the seed and the versions."""
    of = (f"  program of {name}: sha256 {digest}" for name, digest in zip(functions, programs, strict=True))
    return (*of, f"  seed {seed}; " + ", ".join(f"{name} {version}" for name, version in known.items()))


def layer_dict(found: Exact | Rigorous) -> dict[str, Any]:
    """What a layer found, for JSON."""
    said: dict[type, dict[str, Any]] = {
        Agreement: {"verdict": "equal"},
        Disagreement: {"verdict": "different"},
        Enclosure: {"verdict": "enclosed"},
        Exclusion: {"verdict": "different"},
        NotApplicable: {"verdict": None},
    }
    # results and points stand in the counterexample, at its own arguments
    shown = {key: value for key, value in vars(found).items() if key not in ("left", "right", "point")}
    return said[type(found)] | {key: list(x) if isinstance(x, tuple) else x for key, x in shown.items()}


def _results(found: tuple[Any, ...]) -> str:
    return ", ".join(nested_text(x) for x in found)


def nested_text(x: Any) -> str:
    """Numbers or digits in nested lists; long ones are cut."""
    if isinstance(x, list):
        return f"[{', '.join(nested_text(y) for y in x)}]"
    text = f"{x:g}" if isinstance(x, float) and float(f"{x:g}") == x else str(x)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
