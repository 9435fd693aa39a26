"""What the rows of the experiment on the two stages say."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.experiments.two_stage.config import BACK, PATHS, AdaptationSetting, Config, settings_of
from lrgd_jax.recommend.adaptation.early_stopping import AdaptationCurve, choose_stop

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """What is chosen one step back, what it gains on the test items, and what further updates cost."""
    curves = {setting: _kept(rows, setting) for setting in settings_of(config)}
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


def _kept(rows: Rows, setting: AdaptationSetting) -> AdaptationCurve:
    """The curve that rows hold."""
    own = [
        row for row in rows if row["part"] == BACK and AdaptationSetting(row["origins"], row["temperature"]) == setting
    ]
    gains, voices = (np.array([row[name] for row in own]) for name in ("NDCG@10", "voices"))
    return AdaptationCurve(gains, voices)


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: x for key, x in row.items() if key not in ("seed", "part", "users")}
