"""What the rows of the experiment say: every selector against none, paired by user, and scores as forecasts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from lrgd_jax.bootstrap import percentile_interval
from lrgd_jax.experiments.llm_demonstrations.config import Config, set_name
from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.language_recommender import SELECTORS
from lrgd_jax.recommend.measure.statistics import confidence_interval, paired_difference

__all__ = ["FORECASTS", "summary"]

METRICS = ("NLL", "NDCG@10", "calibrated NDCG@10", "HR@10")
FORECASTS = ("first order", "contribution gate", "model attention")
RESAMPLES, LEVEL = 1000, 0.95


def summary(config: Config, rows: Rows) -> Summary:
    """By set: the shortlist, the table of selectors, the variations, and what scores foretell."""
    made: dict[str, Any] = {"users asked for": config.users, "candidates": config.candidates}
    for data in map(set_name, config.data):
        own = [row for row in rows if row["data"] == data]
        made[data] = {
            "users": len({(row["seed"], row["user"]) for row in own}),
            "shortlist": _shortlist(own),
            "selectors": {name: _against_none(own, "selectors", name, METRICS) for name in SELECTORS},
            "variations": [
                {"part": part, "condition": name, **_against_none(own, part, name, ("NLL",))}
                for part in ("number", "order", "format")
                for name in dict.fromkeys(row["condition"] for row in own if row["part"] == part)
            ],
            "forecasts": _forecasts(own),
        }
    return made


def _shortlist(rows: Rows) -> dict[str, float]:
    own = [row for row in rows if row["part"] == "shortlist"]
    recall, gain = (float(np.mean([row[name] for row in own])) for name in ("listed", "NDCG@10"))
    return {"recall": recall, "NDCG@10": gain}


def _column(rows: Rows, part: str, condition: str, metric: str) -> Mapping[tuple[int, int], float]:
    return {
        (row["seed"], row["user"]): row[metric] for row in rows if row["part"] == part and row["condition"] == condition
    }


def _against_none(rows: Rows, part: str, condition: str, metrics: Sequence[str]) -> dict[str, Any]:
    """Means, and paired differences to the zero-shot prompt of the same format."""
    made: dict[str, Any] = {}
    for metric in metrics:
        own = _column(rows, part, condition, metric)
        own_format = part == "format" and not condition.endswith(", none")
        zero = _column(rows, part, f"{condition}, none", metric) if own_format else None
        zero = zero or _column(rows, "selectors", "none", metric)
        keys = list(own)
        users = np.arange(len(keys))
        first, second = (np.array([column[key] for key in keys], float) for column in (own, zero))
        gap = paired_difference(first, second, users, seed=0, resamples=RESAMPLES)
        mean = confidence_interval(first, users, seed=0, resamples=RESAMPLES)
        made[metric] = {
            "mean": mean.mean,
            "difference": gap.difference.mean,
            "low": gap.difference.low,
            "high": gap.difference.high,
            "p": gap.p,
        }
    own = [row for row in rows if row["part"] == part and row["condition"] == condition]
    made["prompt tokens"] = float(np.mean([row["prompt tokens"] for row in own]))
    if part == "selectors":
        made["passes to choose"] = float(np.mean([row["passes to choose"] for row in own]))
    return made


def _forecasts(rows: Rows) -> dict[str, Any]:
    """Rank correlations within each prompt, averaged over prompts, with intervals over prompts."""
    prompts: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["part"] == "pool":
            prompts.setdefault((row["seed"], row["user"]), []).append(row)
    made: dict[str, Any] = {"prompts": len(prompts)}
    for name in FORECASTS:
        made[f"{name}, of removal"] = _within(prompts.values(), name, "removal")
        made[f"{name}, of the gain on the answer"] = _within(prompts.values(), name, "gain alone")
    made["removal, of the gain on the answer"] = _within(prompts.values(), "removal", "gain alone")
    relative = np.array([own[0]["Effect_D"] for own in prompts.values()])
    none = _column(rows, "selectors", "none", "NLL")
    shown = _column(rows, "selectors", "attention", "NLL")
    gains = np.array([none[key] - shown[key] for key in prompts])
    made["Effect_D, of the gain on the answer, across users"] = _interval(relative, gains)
    return made


def _within(prompts: Iterable[list[Mapping[str, Any]]], first: str, second: str) -> dict[str, float]:
    """The mean of each prompt's rank correlation; prompts where one side does not vary say nothing."""
    pairs = [([row[first] for row in own], [row[second] for row in own]) for own in prompts]
    found = np.array([_rank_correlation(a, b) for a, b in pairs if len({*a}) > 1 and len({*b}) > 1])
    if not len(found):
        return {"value": 0.0, "low": -1.0, "high": 1.0}
    rng = np.random.default_rng(0)
    drawn = found[rng.integers(0, len(found), (RESAMPLES, len(found)))].mean(axis=1)
    low, high = percentile_interval(drawn, LEVEL)
    return {"value": float(found.mean()), "low": low, "high": high}


def _interval(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> dict[str, float]:
    """A rank correlation across users, with its interval; users are drawn again."""
    rng = np.random.default_rng(0)
    again = rng.integers(0, len(first), (RESAMPLES, len(first)))
    drawn = [
        _rank_correlation(first[which], second[which])
        for which in again
        if len({*first[which]}) > 1 and len({*second[which]}) > 1
    ]
    low, high = percentile_interval(np.array(drawn), LEVEL) if drawn else (-1.0, 1.0)
    varied = len({*first}) > 1 and len({*second}) > 1
    return {"value": _rank_correlation(first, second) if varied else 0.0, "low": low, "high": high}


def _rank_correlation(first: Sequence[float] | Float[np.ndarray, " n"], second: Sequence[float] | np.ndarray) -> float:
    """Spearman's, of two columns that vary."""
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])
