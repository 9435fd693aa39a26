"""Layers of a result as text and as JSON: what certificates, counterexamples and open results say alike."""

from __future__ import annotations

import decimal
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

import lrgd_jax
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion, Relation
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable

__all__ = [
    "Exact",
    "Rigorous",
    "exact_text",
    "layer_dict",
    "nested_text",
    "origin",
    "points_text",
    "results_text",
    "rigorous_text",
    "versions",
]

Exact = Agreement | Disagreement | NotApplicable


Rigorous = Enclosure | Exclusion | NotApplicable


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


def exact_text(found: Exact) -> str:
    """What the exact layer found, in words."""
    if isinstance(found, NotApplicable):
        return f"says nothing: {found.reason}"
    if isinstance(found, Disagreement):
        return "says nothing: the functions are not equal for every function in the place of the free symbols"
    symbols = f"{found.symbols} free symbols or exponentials, " if found.symbols else ""
    cases = f"in each of {found.cases} cases of its comparisons, " if found.cases > 1 else ""
    fields = "towers of random primes" if found.depth else "random prime fields"
    assumed = f", {found.assumes}" if found.assumes else ""
    return (
        f"equal in {len(found.fields)} {fields}, {cases}degree {found.degree}, {symbols}"
        f"false with probability <= {_rounded_up(found.false_accept)} at these shapes{assumed}"
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
    shown = {key: value for key, value in vars(found).items() if key not in ("left", "right", "point", "settled")}
    if isinstance(found, Agreement):
        shown["assumes"] = found.assumes
    return said[type(found)] | {key: list(x) if isinstance(x, tuple) else x for key, x in shown.items()}


def results_text(found: tuple[Any, ...]) -> str:
    """Results of one side, one after another."""
    return ", ".join(nested_text(x) for x in found)


def nested_text(x: Any) -> str:
    """Numbers or digits in nested lists; long ones are cut."""
    if isinstance(x, list):
        return f"[{', '.join(nested_text(y) for y in x)}]"
    text = f"{x:g}" if isinstance(x, float) and float(f"{x:g}") == x else str(x)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
