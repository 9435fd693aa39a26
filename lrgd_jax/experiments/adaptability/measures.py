"""Does it keep adapting? Recommenders that go on learning, or forget, against one that was frozen, window by window."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.experiments.adaptability.config import Config
from lrgd_jax.experiments.adaptability.event_stream import Stream
from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.recommend.adaptation.collapse_guard import Guard
from lrgd_jax.recommend.adaptation.rate_adaptation import StageTwo
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg, places
from lrgd_jax.recommend.measure.prequential_windows import fade_rates
from lrgd_jax.recommend.measure.sparse_scores import sparse_blocks
from lrgd_jax.recommend.measure.statistics import confidence_interval, paired_difference

__all__ = ["run_unit", "units"]


def units(config: Config) -> list[str]:
    """One unit a seed and data set: "seed=0/amazon_office"."""
    return [f"seed={seed}/{Path(one).name}" for seed in range(config.seeds) for one in config.data]


def variants(config: Config) -> dict[str, Callable[[Stream, int], OneStep]]:
    """What answers at the start of a window."""
    fading = {f"decay {decay:g}": _fading(decay) for decay in config.decays}
    return {
        "frozen": lambda stream, now: stream.at(0),
        "updated": lambda stream, now: stream.at(now),
        "updated daily": Stream.daily,
        **fading,
        "latest only": Stream.recent,
        "adapted rates": Stream.adapted,
        "popularity, updated": lambda stream, now: stream.at(now).with_rates(np.zeros(stream.known(now))),
    }


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a window and variant, and one for all windows together.

    Args:
        config: what is run.
        unit: one of `units(config)`.

    Raises:
        FileNotFoundError: the data are not there.
        ValueError: there is no such unit, or the data have no times.
    """
    seed, name = seed_and_rest(unit, units(config))
    data = next(one for one in config.data if Path(one).name == name)
    stage = StageTwo(ListLoss(config.temperature), guard=Guard())
    stream = Stream(data, config.windows, config.first, config.popularity, stage, config.updates)
    found = {
        variant: [_answer(make(stream, now), window.queries) for now, window in enumerate(stream.asked)]
        for variant, make in variants(config).items()
    }
    users = [window.queries.users for window in stream.asked]
    labels = {"seed": seed, "data": name}
    rows: list[dict[str, Value]] = []
    for variant, values in found.items():
        for now, window in enumerate(stream.asked):
            where = {**labels, "variant": variant, "window": now, "start": window.start, "known": stream.known(now)}
            rows.append(
                {**where, **_compare(values[now], found["frozen"][now], found["updated"][now], users[now], seed)}
            )
        own, frozen, updated = (_join(found[x]) for x in (variant, "frozen", "updated"))
        together = _compare(own, frozen, updated, np.concatenate(users), seed)
        rows.append({**labels, "variant": variant, "window": -1, **together})
    return rows


def _fading(decay: float) -> Callable[[Stream, int], OneStep]:
    def make(stream: Stream, now: int) -> OneStep:
        model = stream.at(now)
        edges = np.array([window.start for window in stream.cut])
        return model.with_rates(fade_rates(model.demonstrations, stream.asked[now].start, edges, decay))

    return make


def _answer(model: OneStep, queries: Queries) -> dict[str, Float[np.ndarray, " q"]]:
    """One value a query; ties at their mean rank, seen items excluded."""
    if model.initial.popularity.times is None:
        parts = [scores.places(queries.targets[rows]) for rows, scores in sparse_blocks(model, queries.without_times())]
    else:
        blocks = model.blocks(queries.histories, queries.seconds)
        parts = [places(scores, queries.targets[rows], queries.seen.block(rows)) for rows, scores in blocks]
    return {
        "ndcg": np.concatenate([ndcg(one, 10) for one in parts]),
        "hit_rate": np.concatenate([hit_rate(one, 10) for one in parts]),
    }


def _compare(
    found: dict[str, Float[np.ndarray, " q"]],
    frozen: dict[str, Float[np.ndarray, " q"]],
    updated: dict[str, Float[np.ndarray, " q"]],
    users: Int[np.ndarray, " q"],
    seed: int,
) -> dict[str, Value]:
    """Means with their intervals, and NDCG@10 against the frozen and against the updated recommender."""
    row: dict[str, Value] = {"queries": len(users), "users": len(np.unique(users))}
    for name, values in found.items():
        interval = confidence_interval(values, users, seed=seed)
        row |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    for name, other in (("frozen", frozen), ("updated", updated)):
        gap = paired_difference(found["ndcg"], other["ndcg"], users, seed=seed)
        row |= {f"over_{name}": gap.difference.mean, f"over_{name}_low": gap.difference.low}
        row |= {f"over_{name}_high": gap.difference.high, f"over_{name}_p": gap.p}
    return row


def _join(parts: list[dict[str, Float[np.ndarray, " q"]]]) -> dict[str, Float[np.ndarray, " q"]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
