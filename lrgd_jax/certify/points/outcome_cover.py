"""Few points that together show every outcome of a program's decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lrgd_jax.certify.points.decision_margins import Decision
from lrgd_jax.certify.points.sample_points import Point

__all__ = ["DecisionKey", "PointMargins", "cover_outcomes", "not_among", "zero_margins"]

_ENTRIES = 1000
"""Of all decisions together, whose outcomes are told apart."""


DecisionKey = tuple[int, Decision]
"""A side and one of its decisions."""


@dataclass(frozen=True, eq=False)
class PointMargins:
    """A point that was evaluated, and the margins there."""

    point: Point
    margins: Mapping[DecisionKey, np.ndarray]


def not_among(known: Sequence[PointMargins], mets: Sequence[PointMargins]) -> list[PointMargins]:
    """Each new point once."""
    found = {_identity(met) for met in known}
    return [met for met in mets if _identity(met) not in found and not found.add(_identity(met))]


def _identity(met: PointMargins) -> tuple[bytes, ...]:
    return tuple(x.tobytes() for x in met.point)


def zero_margins(met: PointMargins) -> Iterator[tuple[DecisionKey, int]]:
    """The entries of decisions that stand on their edge at a point."""
    for key, margin in met.margins.items():
        yield from ((key, int(k)) for k in np.flatnonzero(margin == 0))


def cover_outcomes(seen: Sequence[PointMargins], pool: Sequence[PointMargins], most: int) -> list[PointMargins]:
    """Points of the pool with outcomes that are new: of a decision, then of an entry, then all of them together."""
    if not pool:
        return []
    signs = _signs([*seen, *pool])
    fine = np.stack([signs == sign for sign in (-1, 0, 1)], axis=-1)
    coarse = np.stack([fine[:, columns].any(axis=1) for columns in _columns([*seen, *pool])], axis=1)
    ours = slice(len(seen), None)
    kept = _greedily(coarse[ours], np.asarray(coarse[: len(seen)].any(axis=0)), most)
    known = np.asarray(fine[: len(seen)].any(axis=0) | fine[ours][kept].any(axis=0))
    kept += _greedily(fine[ours], known, (most - len(kept)) // 2)
    patterns = {row.tobytes() for row in (*signs[: len(seen)], *signs[ours][kept])}
    for k, row in enumerate(signs[ours]):
        if len(kept) < most and row.tobytes() not in patterns:
            patterns.add(row.tobytes())
            kept.append(k)
    return [pool[k] for k in kept]


def _greedily(outcomes: np.ndarray, known: np.ndarray, most: int) -> list[int]:
    """Rows, the one with most that is not known first, as long as there is one."""
    rows, known = outcomes.reshape(len(outcomes), -1), known.ravel().copy()
    kept: list[int] = []
    while len(kept) < most:
        gains = (rows & ~known).sum(axis=1)
        best = int(gains.argmax())
        if not gains[best]:
            break
        known |= rows[best]
        kept.append(best)
    return kept


def _keys(mets: Sequence[PointMargins]) -> dict[DecisionKey, int]:
    """Of all decisions that were met anywhere, how many entries each has."""
    return {key: margin.size for met in mets for key, margin in met.margins.items()}


def _signs(mets: Sequence[PointMargins]) -> np.ndarray:
    """By point and entry of a decision: -1, 0 or 1; 2 where it has none. Where there are many, even choices of them."""
    keys = _keys(mets)
    stride = _stride(keys)
    rows = []
    for met in mets:
        parts = [met.margins.get(key, np.full(size, np.nan))[::stride] for key, size in keys.items()]
        rows.append(np.nan_to_num(np.sign(np.concatenate(parts)), nan=2))
    return np.array(rows, np.int8)


def _stride(keys: Mapping[DecisionKey, int]) -> int:
    return max(1, -(-sum(keys.values()) // _ENTRIES))


def _columns(mets: Sequence[PointMargins]) -> list[list[int]]:
    """Which columns of `_signs` belong to one part of one equation of one side."""
    keys = _keys(mets)
    stride, start = _stride(keys), 0
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for (side, decision), size in keys.items():
        end = start + len(range(0, size, stride))
        groups[side, decision.equation, decision.part] += range(start, end)
        start = end
    return list(groups.values())
