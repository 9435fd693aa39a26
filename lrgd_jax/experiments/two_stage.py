"""Stage two: rates that are adapted to what users took next, how far that goes, and what stops it from collapsing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrgd_jax.experiments.experiment import seed_and_rest
from lrgd_jax.experiments.recommender_data import BEAUTY, ONE_HOT, SMALL, context_model, ordered
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.statistics import paired_difference
from lrgd_jax.recommend.selection.guard import Guard, collapse
from lrgd_jax.recommend.selection.listwise import ListLoss
from lrgd_jax.recommend.selection.rolling_origin import Origin, rolling_origins
from lrgd_jax.recommend.selection.sparse_scores import all_places
from lrgd_jax.recommend.selection.stopping import HeldOut, Stop, chosen_stop, held_out, mean_curve
from lrgd_jax.recommend.selection.two_stage import Adapted, StageTwo, adapt

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "units"]

TITLE = "Two stages: rates that learn, and collapse unless they are stopped"
DESCRIPTION = (
    "Every training transition has its own rate, adapted by exponentiated gradient to what users took next: the "
    "validation users' items, and the same asked some steps back in everybody's history. How far back, how many "
    "updates and how much of the context the collapse guard keeps are chosen on folds of validation users that the "
    "updates did not read; then all of them are read and the test items are ranked, with and without the guard, at the "
    "chosen update and eight updates further. Beside it: the same new transitions simply added to the context."
)
SOURCES = (
    "claims demonstration-rates, rate-gradient, effect-is-data-value",
    "Kivinen and Warmuth 1997, Information and Computation 132(1) (exponentiated gradient)",
    "Tashman 2000, International Journal of Forecasting 16(4) (rolling origins)",
    "Roy and Vetterli 2007, EUSIPCO (effective rank)",
)

PATHS = ("free", "guarded")
HELD_OUT = "held out"
RESAMPLES = 400


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of the cuts into folds.
        dtype: of the optimiser.
        data: a folder of which the order is known, or "generated".
        folds: of validation users; each is held out once.
        origins: how many rolling origins may be chosen; 1 reads the validation users' items alone.
        updates: that may be chosen, at most.
        further: updates after the chosen one.
        step: largest move of a logarithm of a rate in one update.
        pull: toward rate 1.
        temperature: of the loss.
        candidates: of the loss.
        popularity: weight of the counts in W_0, on which the rates do not act; the recommender's own unless set.
        largest: limit of the guard, largest rate in units of the mean.
    """

    seeds: int = 3
    dtype: str = "float64"
    data: str = BEAUTY
    folds: int = 4
    origins: tuple[int, ...] = (1, 2, 3)
    updates: int = 6
    further: int = 8
    step: float = 0.15
    pull: float = 0.1
    temperature: float = 1.0
    candidates: int = 100
    popularity: float = ONE_HOT.popularity
    largest: float = 10.0

    def __post_init__(self) -> None:
        if self.folds < 2 or self.updates < 1 or self.further < 0:
            raise ValueError(
                "Config: at least two folds and one update are needed, and no fewer than 0 further ones; got "
                f"folds={self.folds}, updates={self.updates}, further={self.further}"
            )
        if not self.origins or min(self.origins) < 1 or len(set(self.origins)) < len(self.origins):
            raise ValueError(f"Config: origins must be different numbers from 1 on, got {self.origins}")
        stage(self, Guard(largest=self.largest))


def stage(config: Config, guard: Guard | None = None) -> StageTwo:
    """The settings of stage two, with or without a guard."""
    return StageTwo(ListLoss(config.temperature, config.candidates), config.step, config.pull, guard)


QUICK = Config(seeds=1, data=SMALL, folds=2, origins=(1, 2), updates=2, further=4)
"""A small generated catalogue; seconds."""


def units(config: Config) -> list[str]:
    """One unit a seed: the choice needs all folds, and the paths need the choice."""
    return [f"seed={seed}/all" for seed in range(config.seeds)]


def run_unit(config: Config, unit: str) -> list[dict[str, int | float | str | bool]]:
    """One row an update: of each held-out fold, then of each path on the test items.

    Raises:
        ValueError: there is no such unit, or a number of origins that no history is long enough for.
        FileNotFoundError: there are no data.
    """
    seed, _ = seed_and_rest(unit, units(config))
    model, split = context_model(config.data, config.popularity), ordered(config.data)
    origins = rolling_origins(split.train, split.valid, max(config.origins))
    fold = np.random.default_rng([seed, 4]).permutation(np.arange(len(split.valid)) % config.folds)
    rows: list[dict[str, int | float | str | bool]] = []
    for count in config.origins:
        for held in range(config.folds):
            found = held_out(model, origins[-count:], fold, held, stage(config), config.updates)
            rows += [
                {
                    "seed": seed,
                    "part": HELD_OUT,
                    "origins": count,
                    "fold": held,
                    "update": k,
                    "users": found.queries,
                    "NDCG@10": float(gain),
                    "voices": float(voices),
                }
                for k, (gain, voices) in enumerate(zip(found.ndcg, found.voices, strict=True))
            ]
    stop = chosen_stop(_folds(rows, seed))
    for path in PATHS:
        rows += _path(config, seed, path, model, origins[-stop.origins :], stop)
    return rows


def summary(config: Config, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What each seed's folds choose, what it gains on the test items, and what further updates cost."""
    curves = [{count: mean_curve(folds).ndcg for count, folds in _folds(rows, s).items()} for s in range(config.seeds)]
    return {
        "held-out NDCG@10": {
            str(count): [float(x) for x in np.mean([curve[count] for curve in curves], axis=0)]
            for count in config.origins
        },
        "seeds": [_of_seed([row for row in rows if row["seed"] == seed]) for seed in range(config.seeds)],
    }


def figure(config: Config, rows: Sequence[dict[str, Any]]) -> Any:
    """Gain and collapse against the updates; a matplotlib figure."""
    from lrgd_jax.report.experiment_figures_recommend import two_stage_figure

    return two_stage_figure(rows, summary(config, rows), paths=PATHS)


def _folds(rows: Sequence[dict[str, Any]], seed: int) -> dict[int, list[HeldOut]]:
    """The held-out folds of one seed, by the number of origins."""
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in rows:
        if row["part"] == HELD_OUT and row["seed"] == seed:
            found.setdefault((row["origins"], row["fold"]), []).append(row)
    folds: dict[int, list[HeldOut]] = {}
    for (count, _), line in found.items():
        gains, voices = (np.array([row[name] for row in line]) for name in ("NDCG@10", "voices"))
        folds.setdefault(count, []).append(HeldOut(line[0]["users"], gains, voices))
    return folds


def _of_seed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    stop = chosen_stop(_folds(rows, rows[0]["seed"]))
    found: dict[str, Any] = {"origins": stop.origins, "update": stop.updates, "voices": stop.voices}
    for path in PATHS:
        line = [row for row in rows if row["part"] == path]
        there, end, best = line[stop.updates], line[-1], max(line, key=lambda row: row["NDCG@10"])
        found["rates 1"] = _short(line[0])
        found[path] = {
            "at the chosen update": _short(there),
            "after further updates": _short(end),
            "change by further updates": end["NDCG@10"] / there["NDCG@10"] - 1,
            "best of all updates (reads the test items)": _short(best),
        }
    return found


def _path(
    config: Config, seed: int, name: str, model: OneStep, origins: Sequence[Origin], stop: Stop
) -> list[dict[str, int | float | str | bool]]:
    """All validation users are read; the test items are only ranked."""
    split = ordered(config.data)
    # rates that all stay 1 have as many voices as there are: a limit just below it
    guard = Guard(min(stop.voices, 1 - 2**-20), config.largest) if name == "guarded" else None
    found: list[dict[str, int | float | str | bool]] = []
    start = np.empty(0)
    for update, now in enumerate(adapt(model, origins, stage(config, guard), stop.updates + config.further)):
        adapted = model.with_rates(now.rates)
        where = all_places(adapted, split.test)
        gains = ndcg(where, 10)
        start = gains if update == 0 else start
        gap = paired_difference(gains, start, split.test.users, seed=seed, resamples=RESAMPLES)
        state = collapse(adapted)
        row = {
            "seed": seed,
            "part": name,
            "origins": len(origins),
            "update": update,
            "users": len(gains),
            "NDCG@10": float(gains.mean()),
            "HR@10": float(hit_rate(where, 10).mean()),
            "p": gap.p,
            "effective rank": state.rank,
            "voices": state.voices / len(now.rates),
            "largest share": state.largest,
        }
        if update <= stop.updates:
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


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {key: x for key, x in row.items() if key not in ("seed", "part", "users")}
