"""What a result says of constants: which were taken for what they mean, and which made a difference by rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax

from lrgd_jax.certify.certificates import Certificate, Counterexample
from lrgd_jax.certify.conditions import Condition
from lrgd_jax.certify.meant import Meant
from lrgd_jax.certify.pairs import Pair, compared, trace_pair
from lrgd_jax.certify.rigorous import Enclosure
from lrgd_jax.certify.shapes import Shapes, Sizes
from lrgd_jax.certify.unrefuted import Unrefuted

__all__ = ["Found", "with_lifted", "with_rounded"]

Found = Certificate | Counterexample | Unrefuted


def with_lifted(found: Found, f: Meant, g: Meant, shapes: Shapes) -> Found:
    """A result of two functions whose literals are lifted, with the list of these literals.

    Args:
        found: the result.
        f: the first function.
        g: the second.
        shapes: that were asked for.
    """
    sizes = found.sizes if isinstance(found, Counterexample) else None
    _, lifted = _traced(f, g, shapes, None if sizes is None else dict(sizes))
    if isinstance(found, Certificate):
        return replace(found, conditions=(*lifted, *found.conditions))
    return replace(found, constants=lifted)


def with_rounded(found: Found, f: Callable[..., Any], g: Callable[..., Any], shapes: Shapes) -> Found:
    """A counterexample, with the literals that were rounded if the functions do not differ there without rounding.

    Args:
        found: a result of two functions; any other than a counterexample is returned as it is.
        f: the first function, as it is written.
        g: the second.
        shapes: that were asked for.
    """
    if not isinstance(found, Counterexample) or found.arguments is None:
        return found
    pair, lifted = _traced(Meant(f), Meant(g), shapes, dict(found.sizes))
    if not lifted or not isinstance(compared(pair, jax.tree.leaves(dict(found.arguments)), found.relation), Enclosure):
        return found
    return replace(found, rounded=lifted)


def _traced(f: Meant, g: Meant, shapes: Shapes, sizes: Sizes | None) -> tuple[Pair, tuple[Condition, ...]]:
    pair = trace_pair(f, g, shapes, sizes)
    return pair, tuple(dict.fromkeys((*f.lifted, *g.lifted)))
