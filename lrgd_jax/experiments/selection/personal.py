"""Rows of the experiment `selection` for contexts that are chosen for each user alone."""

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.experiments.selection.config import Config
from lrgd_jax.experiments.shared.recommender_data import context_model, ordered
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.statistics import confidence_interval, paired_difference
from lrgd_jax.recommend.selection import PERSONAL
from lrgd_jax.recommend.selection.attended_pairs import (
    AttendedPairs,
    attended_pairs,
    fit_pair_predictor,
    pair_rows,
    rank_choices,
)
from lrgd_jax.recommend.selection.effect_predictor import EffectPredictor
from lrgd_jax.recommend.selection.pool import Order

__all__ = ["personal_rows"]

RESAMPLES = 400


def personal_rows(config: Config, seed: int, oracle: str) -> list[dict[str, Value]]:
    """One row a selector and budget, for users drawn with the seed.

    What is learnt is learnt from the validation items of users of the other half, so that no label is read twice.
    """
    split, model = ordered(config.data), context_model(config.data)
    loss = ListLoss(config.temperature, config.candidates)
    rng = np.random.default_rng([seed, 2])
    asked = rng.permutation(len(split.test))[: config.personal_users]
    learning, valuing = _halves(split.valid, rng, config.personal_users)
    values = first_order_effects(model, valuing, loss(model, valuing).residuals)
    learnt = fit_pair_predictor(attended_pairs(model, learning, values, loss, split.catalogue.titles))
    pairs = attended_pairs(model, split.test.take(asked), values, loss, split.catalogue.titles)
    orders = _orders(config, model, pairs, learnt, seed, oracle)
    found = [
        _row(model, pairs, orders, name, k, seed) for name in config.personal_selectors for k in config.personal_budgets
    ]
    whole = [np.arange(n) for n in np.diff(pairs.starts)]
    most = max((len(x) for x in whole), default=0)
    return [
        *found,
        _row(model, pairs, {"all": whole}, "all", most, seed),
        _row(model, pairs, {"none": whole}, "none", 0, seed),
    ]


def _halves(valid: Queries, rng: np.random.Generator, count: int) -> tuple[Queries, Queries]:
    order = rng.permutation(len(valid))
    middle = len(order) // 2
    return valid.take(order[:middle][:count]), valid.take(order[middle:])


def _orders(
    config: Config, model: OneStep, pairs: AttendedPairs, learnt: EffectPredictor, seed: int, oracle: str
) -> dict[str, list[Order]]:
    """By selector, one order a query; an oracle's reads the effects on the test items."""
    names, largest, rows = config.personal_selectors, max(config.personal_budgets), pair_rows(model)
    chance = {name: np.random.default_rng([seed, 3]) for name in names}
    found: dict[str, list[Order]] = {name: [] for name in names}
    for query in range(len(pairs.queries)):
        candidates = pairs.candidates(model, rows, query, learnt)
        for name in names:
            if name == oracle:
                own = pairs.effects[pairs.starts[query] : pairs.starts[query + 1]]
                found[name].append(np.argsort(-own, kind="stable")[:largest])
            else:
                found[name].append(PERSONAL[name](candidates, largest, chance[name]))
    return found


def _row(
    model: OneStep, pairs: AttendedPairs, orders: dict[str, list[Order]], name: str, budget: int, seed: int
) -> dict[str, Value]:
    hits, gains = _values(model, pairs, orders[name], budget)
    users: Int[np.ndarray, " q"] = pairs.queries.users
    spread = confidence_interval(hits, users, seed=0, resamples=RESAMPLES)
    row: dict[str, Value] = {
        "seed": seed,
        "scope": "personal",
        "selector": name,
        "budget": budget,
        "HR@10": float(hits.mean()),
        "low": spread.low,
        "high": spread.high,
        "NDCG@10": float(gains.mean()),
    }
    if "random" in orders:
        chance = _values(model, pairs, orders["random"], budget)[0]
        ratio = paired_difference(hits, chance, users, seed=0, resamples=RESAMPLES).relative
        if ratio is not None:
            row |= {"ratio": 1 + ratio.mean, "ratio_low": 1 + ratio.low, "ratio_high": 1 + ratio.high}
    return row


def _values(
    model: OneStep, pairs: AttendedPairs, orders: list[Order], budget: int
) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, " q"]]:
    where = rank_choices(model, pairs, orders, budget)
    return hit_rate(where, 10), ndcg(where, 10)
