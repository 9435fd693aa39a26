"""Where stage two stops: chosen on queries that its updates did not read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import ndcg
from lrgd_jax.recommend.selection.guard import perplexity
from lrgd_jax.recommend.selection.rolling_origin import Origin
from lrgd_jax.recommend.selection.two_stage import StageTwo, adapt

__all__ = ["HeldOut", "Stop", "chosen_stop", "held_out", "mean_curve"]


@dataclass(frozen=True)
class HeldOut:
    """One fold, held out of stage two.

    Attributes:
        queries: how many were held out.
        ndcg: their mean NDCG@10 after 0, 1, … updates, shape [updates + 1].
        voices: how many demonstrations speak then, in units of that at rates 1, shape [updates + 1].
    """

    queries: int
    ndcg: Float[np.ndarray, " updates1"]
    voices: Float[np.ndarray, " updates1"]


@dataclass(frozen=True)
class Stop:
    """Where stage two does best on what it did not read.

    Attributes:
        origins: how many it reads.
        updates: after how many it stops.
        voices: how many demonstrations speak there, in units of that at rates 1: a limit for the guard that leaves
            the concentration that held-out queries gain from, and no more.
    """

    origins: int
    updates: int
    voices: float


def held_out(
    model: OneStep, origins: Sequence[Origin], fold: Int[np.ndarray, " q"], held: int, stage: StageTwo, updates: int
) -> HeldOut:
    """Adapts to all origins without one fold of the latest one's queries, and asks these.

    Earlier origins are read whole: what they ask is known to all who answer the latest queries.

    Args:
        model: the recommender.
        origins: the latest last.
        fold: the number of each of the latest queries' fold.
        held: the fold that is held out.
        stage: the settings.
        updates: how many, at most.

    Raises:
        ValueError: a side of the cut is empty.
    """
    *earlier, latest = origins
    out, within = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
    if not len(out) or not len(within):
        raise ValueError(f"fold {held} leaves nothing to adapt on or nothing to stop on; use more users or other folds")
    asked = latest.queries.take(out)
    path = [now.rates for now in adapt(model, [*earlier, latest.asking(within)], stage, updates)]
    gains = [float(ndcg(stage.loss(model.with_rates(rates), asked).places, 10).mean()) for rates in path]
    return HeldOut(len(out), np.array(gains), np.array([perplexity(rates) / len(rates) for rates in path]))


def mean_curve(folds: Sequence[HeldOut]) -> HeldOut:
    """The means over the queries of all folds."""
    weights = [one.queries for one in folds]
    gains, voices = (np.average([getattr(one, name) for one in folds], 0, weights) for name in ("ndcg", "voices"))
    return HeldOut(sum(weights), gains, voices)


def chosen_stop(found: Mapping[int, Sequence[HeldOut]]) -> Stop:
    """The number of origins and of updates with the best mean NDCG@10 over all held-out queries.

    Among equals the fewest origins, then the fewest updates.

    Args:
        found: the folds, by how many origins were read.
    """
    curves = {count: mean_curve(folds) for count, folds in sorted(found.items())}
    count = max(curves, key=lambda count: curves[count].ndcg.max())
    update = int(np.argmax(curves[count].ndcg))
    return Stop(count, update, float(curves[count].voices[update]))
