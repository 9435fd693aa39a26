"""Which branches of a program no point has reached, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from lrgd_jax.certify.points.decision_margins import MarginProbe, SidePrograms
from lrgd_jax.certify.points.sample_points import Point
from lrgd_jax.certify.walking.walker import source_line

__all__ = ["unreached"]

_BRANCHES: Mapping[str, Sequence[tuple[int, tuple[int, ...], str]]] = {
    "lt": ((0, (-1,), "true"), (0, (0, 1), "false")),
    "le": ((0, (-1, 0), "true"), (0, (1,), "false")),
    "gt": ((0, (1,), "true"), (0, (-1, 0), "false")),
    "ge": ((0, (0, 1), "true"), (0, (-1,), "false")),
    "eq": ((0, (0,), "true"), (0, (-1, 1), "false")),
    "ne": ((0, (-1, 1), "true"), (0, (0,), "false")),
    "max": ((0, (1,), "the first of its operands"), (0, (-1,), "the second of its operands")),
    "min": ((0, (-1,), "the first of its operands"), (0, (1,), "the second of its operands")),
    "clamp": ((0, (-1,), "at its lower bound"), (1, (1,), "at its upper bound")),
    "sign": ((0, (-1,), "negative"), (0, (1,), "positive")),
    "abs": ((0, (-1,), "of a negative number"), (0, (1,), "of a positive number")),
    "is_finite": ((0, (1,), "true"), (0, (-1,), "false")),
}
"""By primitive: which of its margins, the signs that reach a branch, and the branch."""


def unreached(walked: SidePrograms, points: Sequence[Point]) -> tuple[str, ...]:
    """The branches of both programs that none of the points reaches, each with its source line.

    Args:
        walked: both programs.
        points: where they were compared.
    """
    probe = MarginProbe()
    signs: dict[tuple[int, int], set[int]] = defaultdict(set)
    for point in points:
        for (_, decision), margin in (probe.margins_at(walked, point) or {}).items():
            # what is compared with an infinity has one outcome
            finite = margin[np.isfinite(margin)]
            signs[decision.equation, decision.part] |= {int(x) for x in np.unique(np.sign(finite))}
    missing = []
    for equation, eqn in probe.equations.items():
        name = eqn.primitive.name
        if len(eqn.invars) == 2 and eqn.invars[0] is eqn.invars[1]:
            # x != x asks for NaN, which no point with a value has
            continue
        for part, reaches, branch in _BRANCHES.get(name, ()):
            found = signs[equation, part]
            if found and not found.intersection(reaches):
                missing.append(f"'{name}' at {source_line(eqn) or 'a place without a source line'} was never {branch}")
    return tuple(dict.fromkeys(missing))
