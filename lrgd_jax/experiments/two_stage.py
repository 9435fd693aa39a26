"""Stage two: rates that are adapted to validation users, how far that goes, and what stops it from collapsing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from lrgd_jax.experiments.experiment import seed_and_rest
from lrgd_jax.experiments.recommender_data import BEAUTY, ONE_HOT, SMALL, context_model, ordered
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.statistics import paired_difference
from lrgd_jax.recommend.selection.guard import Guard, collapse
from lrgd_jax.recommend.selection.listwise import ListLoss
from lrgd_jax.recommend.selection.sparse_scores import all_places
from lrgd_jax.recommend.selection.two_stage import Adapted, StageTwo, adapt, held_out_curve

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "units"]

TITLE = "Two stages: rates that learn, and collapse unless they are stopped"
DESCRIPTION = (
    "Every training transition has its own rate, adapted by exponentiated gradient to what validation users took. How "
    "many updates is chosen on folds of validation users that the updates did not read; then all of them are read and "
    "the test items are ranked, with and without a collapse guard, at the chosen update and eight updates further. "
    "Beside it: the same new transitions simply added to the context."
)
SOURCES = (
    "claims demonstration-rates, rate-gradient, effect-is-data-value",
    "Kivinen and Warmuth 1997, Information and Computation 132(1) (exponentiated gradient)",
    "Roy and Vetterli 2007, EUSIPCO (effective rank)",
)

PATHS = ("free", "guarded")
RESAMPLES = 400


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of the cuts into folds.
        dtype: of the optimiser.
        data: a folder of which the order is known, or "generated".
        folds: of validation users; each is held out once.
        updates: that may be chosen, at most.
        further: updates after the chosen one.
        step: largest move of a logarithm of a rate in one update.
        pull: toward rate 1.
        temperature: of the loss.
        candidates: of the loss.
        popularity: weight of the counts in W_0, on which the rates do not act; small, so that it only breaks ties.
        voices: limit of the guard, smallest number of demonstrations that speak, in units of that at rates 1.
        largest: limit of the guard, largest rate in units of the mean.
    """

    seeds: int = 2
    dtype: str = "float64"
    data: str = BEAUTY
    folds: int = 4
    updates: int = 4
    further: int = 8
    step: float = 0.15
    pull: float = 0.1
    temperature: float = 1.0
    candidates: int = 100
    popularity: float = 1e-4
    voices: float = 0.97
    largest: float = 10.0

    def __post_init__(self) -> None:
        if self.folds < 2 or self.updates < 1 or self.further < 0:
            raise ValueError(
                "Config: at least two folds and one update are needed, and no fewer than 0 further ones; got "
                f"folds={self.folds}, updates={self.updates}, further={self.further}"
            )
        stage(self, "guarded")


def stage(config: Config, path: str) -> StageTwo:
    """The settings of one path."""
    guard = Guard(config.voices, config.largest) if path == "guarded" else None
    return StageTwo(ListLoss(config.temperature, config.candidates), config.step, config.pull, guard)


QUICK = Config(seeds=1, data=SMALL, folds=2, updates=2, further=4)
"""A small generated catalogue; seconds."""


def units(config: Config) -> list[str]:
    """One unit a seed and fold, and one a path."""
    folds = [f"seed={seed}/fold={fold}" for seed in range(config.seeds) for fold in range(config.folds)]
    return [*(f"seed=0/{path}" for path in PATHS), *folds]


def run_unit(config: Config, unit: str) -> list[dict[str, int | float | str | bool]]:
    """One row an update.

    Raises:
        ValueError: there is no such unit.
        FileNotFoundError: there are no data.
    """
    seed, name = seed_and_rest(unit, units(config))
    model, valid = context_model(config.data, config.popularity), ordered(config.data).valid
    if name in PATHS:
        return _path(config, name, model)
    held = int(name.removeprefix("fold="))
    fold = np.random.default_rng([seed, 4]).permutation(np.arange(len(valid)) % config.folds)
    curve = held_out_curve(model, valid, fold, held, stage(config, "free"), config.updates)
    return [
        {"seed": seed, "part": "held out", "fold": held, "update": k, "users": len(line), "NDCG@10": float(line.mean())}
        for k, line in enumerate(curve)
    ]


def summary(config: Config, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The update that each seed's folds choose, what it gains on the test items, and what further updates cost."""
    curves = {seed: _curve(config, rows, seed) for seed in range(config.seeds)}
    chosen = {seed: int(np.argmax(curve)) for seed, curve in curves.items()}
    paths = {path: [row for row in rows if row["part"] == path] for path in PATHS}
    stop = sorted(chosen.values())[len(chosen) // 2]
    found: dict[str, Any] = {
        "chosen update by seed": list(chosen.values()),
        "chosen update": stop,
        "held-out NDCG@10": [float(x) for x in np.mean(list(curves.values()), axis=0)],
        "gain by seed": [paths["free"][k].get("gain") for k in chosen.values()],
    }
    for path, line in paths.items():
        there, end, best = line[stop], line[stop + config.further], max(line, key=lambda row: row["NDCG@10"])
        found[path] = {
            "at the chosen update": _short(there),
            "after further updates": _short(end),
            "change by further updates": end["NDCG@10"] / there["NDCG@10"] - 1,
            "best of all updates (reads the test items)": _short(best),
        }
    found["rates 1"] = _short(paths["free"][0])
    return found


def figure(config: Config, rows: Sequence[dict[str, Any]]) -> Any:
    """Gain and collapse against the updates; a matplotlib figure."""
    from lrgd_jax.report.experiment_figures_recommend import two_stage_figure

    return two_stage_figure(rows, paths=PATHS, chosen=summary(config, rows)["chosen update"])


def _path(config: Config, name: str, model: OneStep) -> list[dict[str, int | float | str | bool]]:
    """All validation users are read; the test items are only ranked."""
    split = ordered(config.data)
    start: Float[np.ndarray, " q"] | None = None
    found: list[dict[str, int | float | str | bool]] = []
    for update, now in enumerate(adapt(model, [split.valid], stage(config, name), config.updates + config.further)):
        adapted = model.with_rates(now.rates)
        where = all_places(adapted, split.test)
        gains = ndcg(where, 10)
        start = gains if start is None else start
        gap = paired_difference(gains, start, split.test.users, seed=0, resamples=RESAMPLES)
        state = collapse(adapted)
        row = {
            "seed": 0,
            "part": name,
            "update": update,
            "users": len(gains),
            "NDCG@10": float(gains.mean()),
            "HR@10": float(hit_rate(where, 10).mean()),
            "p": gap.p,
            "effective rank": state.rank,
            "voices": state.voices / len(now.rates),
            "largest share": state.largest,
        }
        if update <= config.updates:
            row["NDCG@10 with the new transitions"] = _with_new(config, adapted)
        if gap.relative is not None:
            row |= {"gain": gap.relative.mean, "gain_low": gap.relative.low, "gain_high": gap.relative.high}
        found.append(row | _loss(now))
    return found


def _loss(now: Adapted) -> dict[str, float]:
    return {} if np.isnan(now.loss) else {"loss before it": now.loss}


def _with_new(config: Config, adapted: OneStep) -> float:
    """The test gain where the validation transitions are added to the context, at rate 1."""
    split = ordered(config.data)
    longer = transitions(split.context("test"), ONE_HOT.keys(), adapted.items)
    # each user's list has one transition more, its last
    last = np.append(longer.users[1:] != longer.users[:-1], True)
    rates = np.ones(len(longer))
    rates[~last] = adapted.demonstrations.rates
    where = all_places(replace(adapted, demonstrations=longer.with_rates(rates)), split.test)
    return float(ndcg(where, 10).mean())


def _curve(config: Config, rows: Sequence[dict[str, Any]], seed: int) -> Float[np.ndarray, " updates"]:
    """Mean over all held-out users."""
    own = [row for row in rows if row["part"] == "held out" and row["seed"] == seed]
    sums, counts = np.zeros(config.updates + 1), np.zeros(config.updates + 1)
    for row in own:
        sums[row["update"]] += row["users"] * row["NDCG@10"]
        counts[row["update"]] += row["users"]
    return sums / counts


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {key: x for key, x in row.items() if key not in ("seed", "part", "users")}
