"""Which demonstrations to keep under a budget: a context for all users, and a small one for each user alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from lrgd_jax.experiments.running.interface import Rows, Summary, Value, seed_and_rest
from lrgd_jax.experiments.selection.personal import personal_rows
from lrgd_jax.experiments.shared.recommender_data import BEAUTY, SMALL, context_model, ordered
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.sparse_scores import all_places
from lrgd_jax.recommend.measure.statistics import confidence_interval, paired_difference
from lrgd_jax.recommend.selection import (
    LABELLED,
    PERSONAL,
    PERSONAL_LABELLED,
    SHARED,
    Pool,
    budget_rates,
    pool_effects,
    rank_by_value,
)

__all__ = ["QUICK", "Config", "run_unit", "summary", "units"]


ORACLE = "oracle"
RESAMPLES = 400


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of chance, of the validation users whose effects are read, and of the users with their own context.
        data: a folder of which the order is known, or "generated".
        budgets: K of the shared context.
        selectors: for it.
        temperature: of the loss that effects are effects on.
        candidates: of that loss.
        share: of the validation users that a seed reads.
        personal_users: users with a context of their own, drawn from all.
        personal_budgets: K of it.
        personal_selectors: for it.
    """

    seeds: int = 3
    data: str = BEAUTY
    budgets: tuple[int, ...] = (1000, 2500, 5000, 10_000, 30_000, 60_000)
    selectors: tuple[str, ...] = (*SHARED, ORACLE)
    temperature: float = 1.0
    candidates: int = 100
    share: float = 0.9
    personal_users: int = 2000
    personal_budgets: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    personal_selectors: tuple[str, ...] = (*PERSONAL, ORACLE)

    def __post_init__(self) -> None:
        pairs = (("selectors", self.selectors, SHARED), ("personal_selectors", self.personal_selectors, PERSONAL))
        for what, names, known in pairs:
            unknown = [name for name in names if name not in (*known, ORACLE)]
            if unknown:
                raise ValueError(f"Config: {what} must be among {', '.join((*known, ORACLE))}; got {unknown[0]!r}")
        budgets = (*self.budgets, *self.personal_budgets)
        if not self.budgets or not self.personal_budgets or min(budgets) < 1:
            raise ValueError(f"Config: budgets must be at least 1, and one of each kind is needed; got {budgets}")
        if not 0 < self.share <= 1 or self.personal_users < 1:
            raise ValueError(
                f"Config: share must lie in (0, 1] and personal_users be at least 1; got {self.share} and "
                f"{self.personal_users}"
            )


QUICK = Config(seeds=1, data=SMALL, budgets=(50, 200), personal_users=50, personal_budgets=(1, 4))
"""A small generated catalogue; seconds."""


def units(config: Config) -> list[str]:
    """The ends of the curves, then one unit a seed and selector, and one a seed for the users' own contexts."""
    shared = [f"seed={seed}/{name}" for seed in range(config.seeds) for name in config.selectors]
    return ["seed=0/ends", *shared, *(f"seed={seed}/personal" for seed in range(config.seeds))]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a budget.

    Raises:
        ValueError: there is no such unit, or a budget exceeds the pool.
        FileNotFoundError: there are no data.
    """
    seed, name = seed_and_rest(unit, units(config))
    model, test = context_model(config.data), ordered(config.data).test
    if name == "personal":
        return personal_rows(config, seed, ORACLE)
    n = len(model.demonstrations)
    if name == "ends":
        return [
            _row(model, test, rates, None, 0, label) for rates, label in ((np.zeros(n), "none"), (np.ones(n), "all"))
        ]
    pool = _pool(config, seed, model)
    rng = np.random.default_rng([seed, 1])
    order = rank_by_value(pool_effects(pool, queries=test), rng) if name == ORACLE else SHARED[name](pool, rng)
    chance = SHARED["random"](pool, np.random.default_rng([seed, 1]))
    found = []
    for budget in config.budgets:
        if budget <= len(order):
            against = _values(model.with_rates(budget_rates(chance, budget, n)), test)
            found.append(_row(model, test, budget_rates(order, budget, n), against, seed, name))
    return found or [{"seed": seed, "scope": "shared", "selector": name, "budget": 0}]


def summary(config: Config, rows: Rows) -> Summary:
    """Means over the seeds by scope, selector and budget; the smallest and the largest ratio to chance."""
    found: dict[str, Any] = {"demonstrations": max((row["budget"] for row in rows), default=0)}
    for scope in ("shared", "personal"):
        lines = []
        own = [row for row in rows if row["scope"] == scope and "HR@10" in row]
        for name, budget in dict.fromkeys((row["selector"], row["budget"]) for row in own):
            group = [row for row in own if (row["selector"], row["budget"]) == (name, budget)]
            lines.append(_line(name, budget, group))
        found[scope] = lines
    found["read validation labels"] = [*LABELLED, *PERSONAL_LABELLED]
    found["read the test items"] = [ORACLE]
    return found


def _pool(config: Config, seed: int, model: OneStep) -> Pool:
    valid, n = ordered(config.data).valid, len(model.demonstrations)
    if max(config.budgets) > n:
        raise ValueError(f"a budget of {max(config.budgets)} exceeds the pool of {n} demonstrations; lower budgets")
    read = np.random.default_rng([seed, 0]).random(len(valid)) < config.share
    loss = ListLoss(config.temperature, config.candidates)
    return Pool(model, valid.take(np.flatnonzero(read)), max(config.budgets), loss)


def _values(model: OneStep, asked: Queries) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, " q"]]:
    where = all_places(model, asked)
    return hit_rate(where, 10), ndcg(where, 10)


def _row(
    model: OneStep, test: Queries, rates: Float[np.ndarray, " N"], against: Any, seed: int, name: str
) -> dict[str, Value]:
    hits, gains = _values(model.with_rates(rates), test)
    spread = confidence_interval(hits, test.users, seed=0, resamples=RESAMPLES)
    row: dict[str, Value] = {
        "seed": seed,
        "scope": "shared",
        "selector": name,
        "budget": int(rates.sum()),
        "HR@10": float(hits.mean()),
        "low": spread.low,
        "high": spread.high,
        "NDCG@10": float(gains.mean()),
    }
    if against is not None:
        ratio = paired_difference(hits, against[0], test.users, seed=0, resamples=RESAMPLES).relative
        if ratio is not None:
            row |= {"ratio": 1 + ratio.mean, "ratio_low": 1 + ratio.low, "ratio_high": 1 + ratio.high}
    return row


def _line(name: str, budget: int, group: Rows) -> dict[str, Any]:
    line = {"selector": name, "budget": budget, "seeds": len(group)}
    for key in ("HR@10", "low", "high", "NDCG@10", "ratio"):
        if all(key in row for row in group):
            line[key] = float(np.mean([row[key] for row in group]))
    if all("ratio" in row for row in group):
        line["smallest ratio"] = min(row["ratio_low"] for row in group)
        line["largest ratio"] = max(row["ratio_high"] for row in group)
    return line
