"""Does the first-order effect say what happens when a demonstration, a user or a share of the context is taken out?"""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.experiments.effect.config import STRATA, WHICH, Config
from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.experiments.shared.recommender_data import context_model, ordered
from lrgd_jax.recommend.data.dataset import Part, Queries
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss, RankedQueries
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.statistics import paired_difference
from lrgd_jax.recommend.selection import rank_by_value
from lrgd_jax.recommend.sparse_matrices import product

__all__ = ["run_unit", "units"]


KINDS = ("demonstrations", "users", "shares")
PARTS: tuple[Part, ...] = ("valid", "test")
RESAMPLES = 400


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
    for one, stratum in _stratify(sums, config.removals, rng):
        out = np.flatnonzero(groups == one)
        left = _without(model, out)
        row = {"seed": seed, "kind": kind, "stratum": stratum, "removed": len(out), "predicted": float(sums[one])}
        for part, ranked in before.items():
            attends = np.diff(product(asked[part], model.demonstrations.keys[out].T).indptr)
            row[part] = _rise(left, loss, split.queries(part), ranked.losses, np.flatnonzero(attends))
        found.append(row)
    return found


def _stratify(sizes: Float[np.ndarray, " n"], count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
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
