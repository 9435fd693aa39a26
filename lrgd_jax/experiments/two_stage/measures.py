"""Stage two: rates that are adapted to what users took next, how far that goes, and what stops it from collapsing."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lrgd_jax.experiments.running.interface import Rows, Summary, Value, seed_and_rest
from lrgd_jax.experiments.shared.recommender_data import BEAUTY, ONE_HOT, SMALL, context_model, one_context, ordered
from lrgd_jax.recommend.adaptation.collapse_guard import Guard, collapse
from lrgd_jax.recommend.adaptation.early_stopping import AdaptationCurve, StoppingPoint, adaptation_curve, choose_stop
from lrgd_jax.recommend.adaptation.rate_adaptation import AdaptedRates, StageTwo, adapt
from lrgd_jax.recommend.adaptation.rolling_origin import rolling_origins, step_back
from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.sparse_scores import all_places
from lrgd_jax.recommend.measure.statistics import paired_difference

__all__ = ["QUICK", "Config", "run_unit", "summary", "units"]


PATHS = ("free", "guarded")
BACK = "one step back"
RESAMPLES = 400


class Setting(NamedTuple):
    """What is chosen, beside the number of updates."""

    origins: int
    temperature: float


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of the intervals; nothing else is random.
        dtype: of the optimiser.
        data: a folder of which the order is known, or "generated".
        origins: numbers of rolling origins to choose from; 1 reads the validation items alone.
        temperatures: of the loss, to choose from.
        updates: that may be chosen, at most.
        further: updates after the chosen one.
        step: largest move of a logarithm of a rate in one update.
        pull: toward rate 1.
        candidates: of the loss.
        popularity: weight of the counts in W_0, on which the rates do not act.
        largest: limit of the guard, largest rate in units of the mean.
    """

    seeds: int = 1
    dtype: str = "float64"
    data: str = BEAUTY
    origins: tuple[int, ...] = (1, 2, 3)
    temperatures: tuple[float, ...] = (1.0, 0.5, 0.25)
    updates: int = 8
    further: int = 8
    step: float = 0.15
    pull: float = 0.1
    candidates: int = 100
    popularity: float = ONE_HOT.popularity
    largest: float = 10.0

    def __post_init__(self) -> None:
        if self.updates < 1 or self.further < 0:
            raise ValueError(
                "Config: at least one update is needed, and no fewer than 0 further ones; got "
                f"updates={self.updates}, further={self.further}"
            )
        if not self.origins or min(self.origins) < 1 or len(set(self.origins)) < len(self.origins):
            raise ValueError(f"Config: origins must be different numbers from 1 on, got {self.origins}")
        if not self.temperatures or len(set(self.temperatures)) < len(self.temperatures):
            raise ValueError(f"Config: temperatures must be different, at least one; got {self.temperatures}")
        for temperature in self.temperatures:
            stage(self, temperature, Guard(largest=self.largest))


def stage(config: Config, temperature: float, guard: Guard | None = None) -> StageTwo:
    """The settings of stage two, with or without a guard."""
    return StageTwo(ListLoss(temperature, config.candidates), config.step, config.pull, guard)


QUICK = Config(data=SMALL, origins=(1, 2), temperatures=(1.0, 0.5), updates=2, further=4)
"""A small generated catalogue; seconds."""


def units(config: Config) -> list[str]:
    """One unit a setting, one step back; then one a path and seed."""
    return [
        *(f"seed=0/{BACK}/{setting.origins}/{setting.temperature:g}" for setting in _settings(config)),
        *(f"seed={seed}/{path}" for seed in range(config.seeds) for path in PATHS),
    ]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row an update.

    Raises:
        ValueError: there is no such unit, or a number of origins that no history is long enough for.
        FileNotFoundError: there are no data.
    """
    seed, name = seed_and_rest(unit, units(config))
    if name in PATHS:
        return _path(config, seed, name, choose_stop({one: _back(config, one) for one in _settings(config)}))
    setting = _settings(config)[units(config).index(unit)]
    return [
        {"seed": 0, "part": BACK, **setting._asdict(), "update": k, "NDCG@10": float(gain), "voices": float(voices)}
        for k, (gain, voices) in enumerate(zip(*astuple(_back(config, setting)), strict=True))
    ]


def summary(config: Config, rows: Rows) -> Summary:
    """What is chosen one step back, what it gains on the test items, and what further updates cost."""
    curves = {setting: _kept(rows, setting) for setting in _settings(config)}
    stop = choose_stop(curves)
    found: dict[str, Any] = {
        "chosen": {**stop.setting._asdict(), "updates": stop.updates, "voices": stop.voices},
        BACK: [{**setting._asdict(), "NDCG@10": line.ndcg.tolist()} for setting, line in curves.items()],
    }
    for path in PATHS:
        line = [row for row in rows if row["part"] == path and row["seed"] == 0]
        there, end, best = line[stop.updates], line[-1], max(line, key=lambda row: row["NDCG@10"])
        found["rates 1"] = _short(line[0])
        found[path] = {
            "at the chosen update": _short(there),
            "after further updates": _short(end),
            "change by further updates": end["NDCG@10"] / there["NDCG@10"] - 1,
            "best of all updates (reads the test items)": _short(best),
        }
    return found


def _settings(config: Config) -> list[Setting]:
    return [Setting(count, temperature) for count in config.origins for temperature in config.temperatures]


@lru_cache(maxsize=64)
def _back(config: Config, setting: Setting) -> AdaptationCurve:
    """One step back in time, where the validation items are asked; kept, since both paths choose by all of them."""
    split, model = _earlier(config.data, config.popularity)
    origins = rolling_origins(split.train, split.valid, setting.origins)
    return adaptation_curve(model, origins, split.test, stage(config, setting.temperature), config.updates)


@lru_cache(maxsize=1)
def _earlier(data: str, popularity: float) -> tuple[Split, OneStep]:
    """The split one step back and its recommender, which all settings share."""
    split = step_back(ordered(data))
    return split, one_context(split, popularity)


def _kept(rows: Rows, setting: Setting) -> AdaptationCurve:
    """The curve that rows hold."""
    own = [row for row in rows if row["part"] == BACK and Setting(row["origins"], row["temperature"]) == setting]
    gains, voices = (np.array([row[name] for row in own]) for name in ("NDCG@10", "voices"))
    return AdaptationCurve(gains, voices)


def _path(config: Config, seed: int, name: str, stop: StoppingPoint[Setting]) -> list[dict[str, Value]]:
    """All that came before the test items is read; these are only ranked."""
    split, model = ordered(config.data), context_model(config.data, config.popularity)
    origins = rolling_origins(split.train, split.valid, stop.setting.origins)
    # rates that all stay 1 have as many voices as there are: a limit just below it
    guard = Guard(min(stop.voices, 1 - 2**-20), config.largest) if name == "guarded" else None
    settings = stage(config, stop.setting.temperature, guard)
    found: list[dict[str, Value]] = []
    start = np.empty(0)
    for update, now in enumerate(adapt(model, origins, settings, stop.updates + config.further)):
        adapted = model.with_rates(now.rates)
        where = all_places(adapted, split.test)
        gains = ndcg(where, 10)
        start = gains if update == 0 else start
        gap = paired_difference(gains, start, split.test.users, seed=seed, resamples=RESAMPLES)
        state = collapse(adapted)
        row = {
            "seed": seed,
            "part": name,
            **stop.setting._asdict(),
            "update": update,
            "NDCG@10": float(gains.mean()),
            "HR@10": float(hit_rate(where, 10).mean()),
            "users": len(gains),
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


def _loss(now: AdaptedRates) -> dict[str, float]:
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


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: x for key, x in row.items() if key not in ("seed", "part", "users")}
