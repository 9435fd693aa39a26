"""Stage two: rates that are adapted to what users took next, how far that goes, and what stops it from collapsing."""

from dataclasses import astuple, replace
from functools import lru_cache

import numpy as np

from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.experiments.shared.recommender_data import ONE_HOT, context_model, one_context, ordered
from lrgd_jax.experiments.two_stage.config import BACK, PATHS, AdaptationSetting, Config, settings_of, stage
from lrgd_jax.recommend.adaptation.collapse_guard import Guard, collapse
from lrgd_jax.recommend.adaptation.early_stopping import AdaptationCurve, StoppingPoint, adaptation_curve, choose_stop
from lrgd_jax.recommend.adaptation.rate_adaptation import AdaptedRates, adapt
from lrgd_jax.recommend.adaptation.rolling_origin import added_transitions, rolling_origins, step_back
from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg
from lrgd_jax.recommend.measure.sparse_scores import all_places
from lrgd_jax.recommend.measure.statistics import paired_difference

__all__ = ["run_unit", "units"]


RESAMPLES = 400


def units(config: Config) -> list[str]:
    """One unit a setting, one step back; then one a path and seed."""
    return [
        *(f"seed=0/{BACK}/{setting.origins}/{setting.temperature:g}" for setting in settings_of(config)),
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
        return _path(config, seed, name, choose_stop({one: _back(config, one) for one in settings_of(config)}))
    setting = settings_of(config)[units(config).index(unit)]
    return [
        {"seed": 0, "part": BACK, **setting._asdict(), "update": k, "NDCG@10": float(gain), "voices": float(voices)}
        for k, (gain, voices) in enumerate(zip(*astuple(_back(config, setting)), strict=True))
    ]


@lru_cache(maxsize=64)
def _back(config: Config, setting: AdaptationSetting) -> AdaptationCurve:
    """One step back in time, where the validation items are asked; kept, since both paths choose by all of them."""
    split, model = _earlier(config.data, config.popularity)
    origins = rolling_origins(split.train, split.valid, setting.origins)
    return adaptation_curve(model, origins, split.test, stage(config, setting.temperature), config.updates)


@lru_cache(maxsize=1)
def _earlier(data: str, popularity: float) -> tuple[Split, OneStep]:
    """The split one step back and its recommender, which all settings share."""
    split = step_back(ordered(data))
    return split, one_context(split, popularity)


def _path(config: Config, seed: int, name: str, stop: StoppingPoint[AdaptationSetting]) -> list[dict[str, Value]]:
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
    lists = split.context("test")
    longer = transitions(lists, ONE_HOT.keys(), adapted.items)
    rates = np.ones(len(longer))
    rates[~added_transitions(split.train, lists)] = adapted.demonstrations.rates
    where = all_places(replace(adapted, demonstrations=longer.with_rates(rates)), split.test)
    return float(ndcg(where, 10).mean())
