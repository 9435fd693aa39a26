"""The in-context recommender beside the classical ones, on every data set: full ranking, paired intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lrgd_jax.experiments.running.interface import Rows, Summary, Value, seed_and_rest
from lrgd_jax.experiments.shared.recommender_data import BEAUTY, SMALL, split_of
from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.forms.dense_limit import LARGEST_DENSE
from lrgd_jax.recommend.forms.meta_parameters import ORDERED, TIMED
from lrgd_jax.recommend.measure.baselines import MostPopular, item_knn, item_knn_and_popularity, markov
from lrgd_jax.recommend.measure.evaluation import Evaluation, Scorer, evaluate
from lrgd_jax.recommend.serving.recommender import Recommender

__all__ = ["QUICK", "Config", "run_unit", "summary", "units"]


REFERENCE = "item-kNN and popularity"
SETS = tuple(f"{Path(BEAUTY).parent}/amazon_{name}" for name in ("beauty", "office", "industrial", "cds", "games"))
METRICS = ("HR@10", "NDCG@10")


def _label(folder: str) -> str:
    return Path(folder).name


def _form(form: str, *, texts: bool = True, **options: Any) -> Callable[[Split], Scorer]:
    def fitted(split: Split) -> Scorer:
        context = split.context("test")
        meta = ORDERED if context.times is None else TIMED
        meta = meta if texts else replace(meta, similarity=0.0)
        return Recommender(split.catalogue, meta, form, options).fit(context, split.users)

    return fitted


KNOWN: Mapping[str, Callable[[Split], Scorer]] = MappingProxyType(
    {
        "popularity": lambda split: MostPopular(split.context("test"), len(split.catalogue)),
        "Markov chain": lambda split: markov(split.context("test"), len(split.catalogue)),
        "item-kNN": lambda split: item_knn(split.context("test"), len(split.catalogue)),
        REFERENCE: lambda split: item_knn_and_popularity(split.context("test"), len(split.catalogue)),
        "one step": _form("linear"),
        "one step, no texts": _form("linear", texts=False),
        "normalised": _form("normalised"),
        "softmax": _form("softmax"),
        "delta rule": _form("delta"),
        "two steps": _form("steps", steps=2),
        "ridge": _form("ridge"),
    }
)
"""Name -> what is fitted on everything that may be shown to the test queries."""

LIMITS = MappingProxyType({"ridge": 3500, "two steps": LARGEST_DENSE, "delta rule": LARGEST_DENSE})
"""Items of the largest catalogue for these: dense arrays of items by items, for ridge a solve with them a batch."""


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: not used: nothing is drawn.
        data: folders, or "generated".
        recommenders: names of `KNOWN`.
    """

    seeds: int = 1
    data: tuple[str, ...] = SETS
    recommenders: tuple[str, ...] = tuple(KNOWN)

    def __post_init__(self) -> None:
        unknown = [name for name in self.recommenders if name not in KNOWN]
        if unknown:
            raise ValueError(f"Config: recommenders must be among {', '.join(KNOWN)}; got {unknown[0]!r}")
        if not self.data or len({_label(folder) for folder in self.data}) < len(self.data):
            raise ValueError(f"Config: data must be folders with different names, at least one; got {self.data}")


QUICK = Config(data=(SMALL,))
"""A small generated catalogue; seconds."""


def units(config: Config) -> list[str]:
    """One unit a data set and recommender: "seed=0/amazon_beauty/one step"."""
    return [f"seed=0/{_label(folder)}/{name}" for folder in config.data for name in config.recommenders]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row; of a recommender that is too large for the catalogue, a row that says so.

    Raises:
        ValueError: there is no such unit.
        FileNotFoundError: there are no data.
    """
    _, rest = seed_and_rest(unit, units(config))
    label, _, name = rest.partition("/")
    folder = next(folder for folder in config.data if _label(folder) == label)
    split = split_of(folder)
    row: dict[str, Value] = {"seed": 0, "data": label, "recommender": name}
    if len(split.catalogue) > LIMITS.get(name, len(split.catalogue)):
        return [{**row, "left out": f"needs items by items arrays for {len(split.catalogue)} items"}]
    found, reference = _evaluation(folder, name), _evaluation(folder, REFERENCE)
    summary = found.summary()
    row |= {key: summary[key] for key in ("users", "queries", "targets_seen_before")}
    row |= {"items": len(split.catalogue), "seconds": found.seconds}
    for metric in METRICS:
        spread, gap = found.interval(metric), found.against(reference, metric)
        row |= {metric: spread.mean, f"{metric} low": spread.low, f"{metric} high": spread.high}
        row |= {f"{metric} gap": gap.difference.mean, f"{metric} gap low": gap.difference.low}
        row |= {f"{metric} gap high": gap.difference.high, f"{metric} p": gap.p}
    return [row]


def summary(config: Config, rows: Rows) -> Summary:
    """By data set: every recommender, and which of ours are above the reference with an interval that excludes zero."""
    found: dict[str, Any] = {"reference": REFERENCE}
    for label in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == label]
        there = [row for row in own if "HR@10" in row]
        found[label] = {
            "rows": [{key: x for key, x in row.items() if key not in ("seed", "data", "seconds")} for row in own],
            "best": max(there, key=lambda row: row["NDCG@10"])["recommender"] if there else None,
            **{
                f"above the reference, {metric}": [row["recommender"] for row in there if row[f"{metric} gap low"] > 0]
                for metric in METRICS
            },
        }
    return found


@lru_cache(maxsize=3)
def _evaluation(folder: str, name: str) -> Evaluation:
    split = split_of(folder)
    return evaluate(KNOWN[name](split), split, "test", ks=(10,))
