"""Which demonstrations to keep under a budget: a context for all users, and a small one for each user alone."""

from typing import Any

import numpy as np
from jaxtyping import Float

from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.experiments.selection.config import ORACLE, Config
from lrgd_jax.experiments.selection.personal import personal_rows
from lrgd_jax.experiments.shared.recommender_data import context_model, ordered
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.sparse_scores import all_places
from lrgd_jax.recommend.measure.statistics import confidence_interval, paired_difference
from lrgd_jax.recommend.selection import (
    SHARED,
    Pool,
    budget_rates,
    pool_effects,
    rank_by_value,
)

__all__ = ["run_unit", "units"]


RESAMPLES = 400


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
