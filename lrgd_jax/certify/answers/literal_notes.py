"""What a result says of constants: which were taken for what they mean, and which made a difference by rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.points.function_pairs import Pair, compare_at, trace_pair
from lrgd_jax.certify.tracing.shapes import Shapes, Sizes
from lrgd_jax.certify.verdicts.conditions import Condition
from lrgd_jax.certify.verdicts.enclosures import Enclosure
from lrgd_jax.certify.verdicts.literal_lifting import LiteralLifting

__all__ = ["Answer", "note_lifted", "note_rounded"]

Answer = Certificate | Counterexample | Unrefuted


def note_lifted(found: Answer, f: LiteralLifting, g: LiteralLifting, shapes: Shapes) -> Answer:
    """A result of two functions whose literals are lifted, with the list of these literals.

    Args:
        found: the result.
        f: the first function.
        g: the second.
        shapes: that were asked for.
    """
    sizes = found.sizes if isinstance(found, Counterexample) else None
    _, lifted = _trace_pair(f, g, shapes, None if sizes is None else dict(sizes))
    if isinstance(found, Certificate):
        return replace(found, conditions=(*lifted, *found.conditions))
    return replace(found, constants=lifted)


def note_rounded(found: Answer, f: Callable[..., Any], g: Callable[..., Any], shapes: Shapes) -> Answer:
    """A counterexample, with the literals that were rounded if the functions do not differ there without rounding.

    Args:
        found: a result of two functions; any other than a counterexample is returned as it is.
        f: the first function, as it is written.
        g: the second.
        shapes: that were asked for.
    """
    if not isinstance(found, Counterexample) or found.arguments is None:
        return found
    pair, lifted = _trace_pair(LiteralLifting(f), LiteralLifting(g), shapes, dict(found.sizes))
    if not lifted or not isinstance(
        compare_at(pair, jax.tree.leaves(dict(found.arguments)), found.relation), Enclosure
    ):
        return found
    return replace(found, rounded=lifted)


def _trace_pair(
    f: LiteralLifting, g: LiteralLifting, shapes: Shapes, sizes: Sizes | None
) -> tuple[Pair, tuple[Condition, ...]]:
    pair = trace_pair(f, g, shapes, sizes)
    return pair, tuple(dict.fromkeys((*f.lifted, *g.lifted)))
