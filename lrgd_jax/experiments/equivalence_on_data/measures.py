"""The same recommender run as attention and as its dual, for every user of a data set: are the lists the same?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.experiments.running.interface import Rows, Summary, Value, seed_and_rest
from lrgd_jax.experiments.shared.recommender_data import BEAUTY, SMALL, context_model, ordered
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.forms.one_step import OneStep, row_blocks
from lrgd_jax.recommend.measure.ranking import best, without_seen

__all__ = ["QUICK", "Config", "rounding_bound", "run_unit", "summary", "units"]


DUALS = ("one step", "step too short", "without initial weights", "targets of the next demonstration")
"""The first is right; the others must be seen to differ."""

WORST = ("largest difference", "difference/bound")
COUNTED = ("same lists", "other order of ties", "other lists")


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: not used: nothing is drawn.
        data: a folder of which the order is known, or "generated".
        k: length of the lists.
        starts: the first user of each unit, which goes on to the next one's, the last to the end.
        duals: which are compared with attention.
    """

    seeds: int = 1
    data: str = BEAUTY
    k: int = 10
    starts: tuple[int, ...] = (0, 6000, 12_000, 18_000)
    duals: tuple[str, ...] = DUALS

    def __post_init__(self) -> None:
        unknown = [name for name in self.duals if name not in DUALS]
        if unknown:
            raise ValueError(f"Config: duals must be among {', '.join(DUALS)}; got {unknown[0]!r}")
        if self.k < 1 or self.starts[:1] != (0,) or list(self.starts) != sorted(set(self.starts)):
            raise ValueError(
                f"Config: k must be at least 1 and starts grow from 0, got k={self.k} and starts={self.starts}"
            )


QUICK = Config(data=SMALL, starts=(0, 100))
"""A small generated catalogue; seconds."""


def units(config: Config) -> list[str]:
    """One unit a part of the test users: "seed=0/6000"."""
    return [f"seed=0/{start}" for start in config.starts]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a dual: what was compared in this part.

    Raises:
        ValueError: there is no such unit, its part has no users, or k exceeds the catalogue.
        FileNotFoundError: there are no data.
    """
    _, first = seed_and_rest(unit, units(config))
    split, model = ordered(config.data), context_model(config.data)
    ends = (*config.starts[1:], len(split.test))
    where = np.arange(int(first), ends[config.starts.index(int(first))])
    if not len(where):
        raise ValueError(f"no users from {first} on: the data have {len(split.test)}; lower starts")
    asked = split.test.take(where)
    duals = {name: _dual(model, name) for name in config.duals}
    found: dict[str, dict[str, Any]] = {
        name: {"seed": 0, "dual": name, "first": int(first), "users": len(asked), "scores": len(asked) * model.items}
        | dict.fromkeys(WORST, 0.0)
        | dict.fromkeys(COUNTED, 0)
        for name in duals
    }
    for rows in row_blocks(len(asked)):
        part = asked.take(np.arange(rows.start, rows.stop))
        attended = model.attention_scores(part.histories)
        bound = rounding_bound(model, part, attended)
        for name, dual in duals.items():
            _add(found[name], attended, dual.dual_scores(part.histories), part, bound, config.k)
    return list(found.values())


def _add(
    row: dict[str, Any],
    attended: Float[np.ndarray, "q items"],
    stepped: Float[np.ndarray, "q items"],
    asked: Queries,
    bound: Float[np.ndarray, "q items"],
    k: int,
) -> None:
    gap = np.abs(attended - stepped)
    for name, value in zip(WORST, (gap.max(), (gap / bound).max()), strict=True):
        row[name] = max(row[name], float(value))
    for name, who in zip(COUNTED, _lists(attended, stepped, asked, bound, k), strict=True):
        row[name] += int(who.sum())


def rounding_bound(
    model: OneStep, asked: Queries, scores: Float[np.ndarray, "q items"]
) -> Float[np.ndarray, "q items"]:
    r"""How far rounding may part the two forms: $(\gamma_{2h+n+5})\,|s|$ for each score, to be added to the smallest.

    All terms are positive and W_1 - W_0 is exact (its entries lie on a grid), so an inner product of h features has a
    relative error of at most $\gamma_h$, a sum over the n demonstrations of an item one of $\gamma_{h+n}$, and adding
    W_0 and scaling one more rounding each, on both sides; one more for the bound itself. $\gamma_k = ku/(1-ku)$.
    """
    features: Int[np.ndarray, " q"] = asked.histories.lengths
    terms = np.bincount(model.demonstrations.targets, minlength=model.items)
    unit = np.finfo(np.float64).eps / 2
    k = (2 * features[:, None] + terms[None, :] + 5) * unit
    return k / (1 - k) * np.abs(scores) + np.finfo(np.float64).tiny


def summary(config: Config, rows: Rows) -> Summary:
    """Totals of each dual."""
    found: dict[str, Any] = {"k": config.k}
    for name in config.duals:
        own = [row for row in rows if row["dual"] == name]
        found[name] = {key: sum(row[key] for row in own) for key in ("users", "scores", *COUNTED)} | {
            key: max((row[key] for row in own), default=None) for key in WORST
        }
    return found


def _dual(model: OneStep, name: str) -> OneStep:
    demonstrations = model.demonstrations
    if name == "step too short":
        return model.with_rates(0.99 * demonstrations.rates)
    if name == "without initial weights":
        return replace(model, initial=replace(model.initial, popularity_weight=0.0))
    if name == "targets of the next demonstration":
        return replace(model, demonstrations=replace(demonstrations, targets=np.roll(demonstrations.targets, 1)))
    return model


def _lists(
    left: Float[np.ndarray, "q items"],
    right: Float[np.ndarray, "q items"],
    asked: Queries,
    bound: Float[np.ndarray, "q items"],
    k: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whose lists are the same, differ only among scores that rounding cannot tell apart, and differ otherwise."""
    one, other = (best(without_seen(scores, asked), k) for scores in (left, right))
    rows = np.arange(len(one))[:, None]
    apart = np.abs(left[rows, one] - left[rows, other]) > bound[rows, one] + bound[rows, other]
    equal = (one == other).all(axis=1)
    close = ~equal & ~apart.any(axis=1)
    return equal, close, ~equal & ~close
