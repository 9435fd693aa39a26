"""Does the first-order effect say what happens when a demonstration, a user or a share of the context is taken out?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int
from scipy import stats

from lrgd_jax.experiments.running.interface import Rows, Summary, Value, seed_and_rest
from lrgd_jax.experiments.shared.recommender_data import BEAUTY, SMALL, context_model, ordered
from lrgd_jax.recommend.data.dataset import Part, Queries
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss, RankedQueries
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.statistics import paired_difference
from lrgd_jax.recommend.selection import rank_by_value
from lrgd_jax.recommend.sparse_matrices import product

__all__ = ["QUICK", "Config", "run_unit", "summary", "units"]


KINDS = ("demonstrations", "users", "shares")
PARTS: tuple[Part, ...] = ("valid", "test")
WHICH = ("worst", "best", "random")
STRATA = 4
RESAMPLES = 400


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of which demonstrations and users are taken out.
        data: a folder of which the order is known, or "generated".
        removals: demonstrations, and users, that are taken out one by one, a quarter from each quarter of the sizes.
        shares: of the context that are taken out at once.
        temperature: of the loss.
        candidates: of the loss.
    """

    seeds: int = 3
    data: str = BEAUTY
    removals: int = 160
    shares: tuple[float, ...] = (0.05, 0.2, 0.5)
    temperature: float = 1.0
    candidates: int = 100

    def __post_init__(self) -> None:
        if self.removals < STRATA:
            raise ValueError(f"Config: removals must be at least {STRATA}, one of each size; got {self.removals}")
        if not all(0 < share < 1 for share in self.shares):
            raise ValueError(f"Config: shares must lie in (0, 1), got {self.shares}")


QUICK = Config(seeds=1, data=SMALL, removals=24, shares=(0.1, 0.5))
"""A small generated catalogue; seconds."""


def units(config: Config) -> list[str]:
    """One unit a seed and kind of removal."""
    return [f"seed={seed}/{kind}" for seed in range(config.seeds) for kind in KINDS]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a removal.

    Raises:
        ValueError: there is no such unit.
        FileNotFoundError: there are no data.
    """
    seed, kind = seed_and_rest(unit, units(config))
    split, model = ordered(config.data), context_model(config.data)
    loss = ListLoss(config.temperature, config.candidates)
    before: dict[Part, RankedQueries] = {part: loss(model, split.queries(part)) for part in PARTS}
    values = first_order_effects(model, split.valid, before["valid"].residuals)
    rng = np.random.default_rng([seed, 5])
    if kind == "shares":
        return _shares(config, seed, model, values, rng)
    users = model.demonstrations.users
    groups, sums = (users, np.bincount(users, values)) if kind == "users" else (np.arange(len(values)), values)
    asked = {part: model.queries(split.queries(part).histories) for part in before}
    found = []
    for one, stratum in _stratified(sums, config.removals, rng):
        out = np.flatnonzero(groups == one)
        left = _without(model, out)
        row = {"seed": seed, "kind": kind, "stratum": stratum, "removed": len(out), "predicted": float(sums[one])}
        for part, ranked in before.items():
            attends = np.diff(product(asked[part], model.demonstrations.keys[out].T).indptr)
            row[part] = _rise(left, loss, split.queries(part), ranked.losses, np.flatnonzero(attends))
        found.append(row)
    return found


def summary(config: Config, rows: Rows) -> Summary:
    """Correlations of predicted and true changes, by part and size; and the shares."""
    found: dict[str, Any] = {}
    for kind in ("demonstrations", "users"):
        own = [row for row in rows if row["kind"] == kind]
        found[kind] = {part: _agreement(own, part) for part in ("valid", "test")}
        found[kind]["by size"] = [
            {"stratum": k + 1, **_agreement([row for row in own if row["stratum"] == k], "valid")}
            for k in range(STRATA)
        ]
    found["shares"] = [
        {
            "which": which,
            "share": share,
            **{
                key: float(np.mean([row[key] for row in own]))
                for key in ("HR@10", "NDCG@10", "gain", "gain_low", "gain_high", "valid loss")
                if all(key in row for row in own)
            },
        }
        for which in WHICH
        for share in config.shares
        if (own := [row for row in rows if row.get("which") == which and row["share"] == share])
    ]
    return found


def _stratified(sizes: Float[np.ndarray, " n"], count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Numbers and their stratum: a quarter of the count from each quarter of the non-zero sizes."""
    there = np.flatnonzero(sizes)
    parts = np.array_split(there[np.argsort(np.abs(sizes[there]), kind="stable")], STRATA)
    drawn = [(rng.choice(part, min(count // STRATA, len(part)), replace=False), k) for k, part in enumerate(parts)]
    return [(int(one), k) for chosen, k in drawn for one in chosen]


def _without(model: OneStep, out: Int[np.ndarray, " r"]) -> OneStep:
    """The recommender without some demonstrations; the sums of the others are exact, so they need not be made anew."""
    rates = np.ones(len(model.demonstrations))
    rates[out] = 0.0
    left, gone = model.with_rates(rates), model.demonstrations.take(out)
    weights = sp.csr_array(model.dual_weights - product(gone.keys.T, gone.target_matrix()))
    weights.eliminate_zeros()
    return left.with_dual_weights(weights)


def _rise(
    left: OneStep,
    loss: ListLoss,
    queries: Queries,
    before: Float[np.ndarray, " q"],
    attend: Int[np.ndarray, " u"],
) -> float:
    """How much the mean loss rises; only the queries that attend to what was taken out are asked again."""
    if not len(attend):
        return 0.0
    return float((loss(left, queries.take(attend)).losses - before[attend]).sum() / len(queries))


def _shares(
    config: Config, seed: int, model: OneStep, values: Float[np.ndarray, " N"], rng: np.random.Generator
) -> list[dict[str, Value]]:
    split, loss = ordered(config.data), ListLoss(config.temperature, config.candidates)
    order = rank_by_value(values, rng)
    orders = {"worst": order[::-1], "best": order, "random": rng.permutation(len(values))}
    whole = ndcg(loss(model, split.test).places, 10)
    found = []
    for which in WHICH:
        for share in config.shares:
            rates = np.ones(len(values))
            rates[orders[which][: round(share * len(values))]] = 0.0
            left = model.with_rates(rates)
            ranked = loss(left, split.test)
            gains = ndcg(ranked.places, 10)
            gap = paired_difference(gains, whole, split.test.users, seed=0, resamples=RESAMPLES)
            row: dict[str, Value] = {
                "seed": seed,
                "kind": "shares",
                "which": which,
                "share": share,
                "HR@10": float(hit_rate(ranked.places, 10).mean()),
                "NDCG@10": float(gains.mean()),
                "valid loss": loss(left, split.valid).loss,
            }
            if gap.relative is not None:
                row |= {"gain": gap.relative.mean, "gain_low": gap.relative.low, "gain_high": gap.relative.high}
            found.append(row)
    return found


def _agreement(rows: Rows, part: str) -> dict[str, Any]:
    """How well the prediction agrees with the true change."""
    predicted = np.array([row["predicted"] for row in rows])
    true = np.array([row[part] for row in rows])
    if len(rows) < 3 or not true.std() or not predicted.std():
        return {"removals": len(rows)}
    return {
        "removals": len(rows),
        "pearson": float(np.corrcoef(predicted, true)[0, 1]),
        "spearman": float(np.corrcoef(stats.rankdata(predicted), stats.rankdata(true))[0, 1]),
        "same sign": float(np.mean(np.sign(predicted) == np.sign(true))),
        "slope": float(predicted @ true / (predicted @ predicted)),
    }
