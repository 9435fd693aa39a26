"""Where stage two stops: found out one step back in time, where what came next is known and no part of the test."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float

from lrgd_jax.recommend.adaptation.collapse_guard import perplexity
from lrgd_jax.recommend.adaptation.rate_adaptation import StageTwo, adapt
from lrgd_jax.recommend.adaptation.rolling_origin import Origin
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import ndcg

__all__ = ["AdaptationCurve", "StoppingPoint", "adaptation_curve", "choose_stop"]

Choice = TypeVar("Choice", bound=Hashable)


@dataclass(frozen=True)
class AdaptationCurve:
    """What becomes of a recommender as its rates are adapted.

    Attributes:
        ndcg: mean NDCG@10 of queries that no update reads, after 0, 1, … updates, shape [updates + 1].
        voices: how many demonstrations speak then, in units of that at rates 1, shape [updates + 1].
    """

    ndcg: Float[np.ndarray, " updates1"]
    voices: Float[np.ndarray, " updates1"]


@dataclass(frozen=True)
class StoppingPoint(Generic[Choice]):
    """Where stage two does best on what it did not read.

    Attributes:
        setting: by which it is run.
        updates: after how many it stops.
        voices: how many demonstrations speak there, in units of that at rates 1: a limit for the guard that leaves
            the concentration that others gain from, and no more.
    """

    setting: Choice
    updates: int
    voices: float


def adaptation_curve(
    model: OneStep, origins: Sequence[Origin], asked: Queries, stage: StageTwo, updates: int
) -> AdaptationCurve:
    """Adapts to the queries of all origins and asks others after each update.

    Args:
        model: the recommender.
        origins: what the updates read.
        asked: what they do not read, such as each user's next item.
        stage: the settings.
        updates: how many.
    """
    gains, voices = [], []
    for now in adapt(model, origins, stage, updates):
        gains.append(float(ndcg(stage.loss(model.with_rates(now.rates), asked).places, 10).mean()))
        voices.append(perplexity(now.rates) / len(now.rates))
    return AdaptationCurve(np.array(gains), np.array(voices))


def choose_stop(curves: Mapping[Choice, AdaptationCurve]) -> StoppingPoint[Choice]:
    """The setting and the number of updates with the best NDCG@10; of equals the first setting and the fewest updates.

    Raises:
        ValueError: there is no curve.
    """
    if not curves:
        raise ValueError("there is nothing to choose from; give the curve of at least one setting")
    setting = max(curves, key=lambda setting: curves[setting].ndcg.max())
    update = int(np.argmax(curves[setting].ndcg))
    return StoppingPoint(setting, update, float(curves[setting].voices[update]))
