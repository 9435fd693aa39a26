r"""Stage two: the rates of a context are adapted to what validation users took, by optax steps on their logarithms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import ndcg
from lrgd_jax.recommend.selection.first_order import first_order_effects
from lrgd_jax.recommend.selection.guard import Guard
from lrgd_jax.recommend.selection.listwise import ListLoss

__all__ = ["Adapted", "StageTwo", "adapt", "held_out_curve", "stopping_step"]


@dataclass(frozen=True)
class StageTwo:
    """How the rates are adapted.

    Attributes:
        loss: what the steps descend.
        step: how far the logarithm of a rate moves at most in one update.
        pull: to rate 1, the share of its logarithm that each unit of `step` takes off: an L2 penalty on log-rates.
        guard: limits of collapse, or None.
    """

    loss: ListLoss
    step: float = 0.15
    pull: float = 0.1
    guard: Guard | None = None

    def __post_init__(self) -> None:
        if not self.step > 0 or self.pull < 0:
            raise ValueError(f"the step must be positive and the pull not negative, got {self.step} and {self.pull}")


@dataclass(frozen=True)
class Adapted:
    """Rates after some updates.

    Attributes:
        rates: eta, shape [N].
        loss: of the window that the last update read, before it; NaN before the first.
    """

    rates: Float[np.ndarray, " N"]
    loss: float


def adapt(model: OneStep, windows: Sequence[Queries], stage: StageTwo, updates: int) -> Iterator[Adapted]:
    r"""Rates 1, then those after each update.

    The gradient by $\log\eta_i$ is $-g_i$ with $g_i = \eta_i e_i$ and the first-order effect $e_i$: exponentiated
    gradient. Effects have heavy tails, so each step saturates at the size of a middling one,

    $$\log\eta_i \leftarrow \log\eta_i
    + \alpha\Big(\frac{g_i}{|g_i| + \mathrm{median}_j|g_j|} - \lambda\log\eta_i\Big),$$

    which is optax' adamw without memory: its decoupled decay is the pull to rate 1.

    Args:
        model: its own rates are not read: all start at 1.
        windows: of queries, the latest last; update t reads window t, and they come round again.
        stage: the settings.
        updates: how many.

    Raises:
        ValueError: there is no window, or one without queries.

    Source:
        Kivinen and Warmuth 1997 (exponentiated gradient); Loshchilov and Hutter 2019, arXiv 1711.05101 (decoupled
        decay).
    """
    if not windows or not all(len(window) for window in windows):
        raise ValueError("stage two needs at least one window of queries, and none that is empty")
    optimiser = optax.adamw(stage.step, b1=0.0, b2=0.0, eps=1.0, weight_decay=stage.pull)
    log_rates = np.zeros(len(model.demonstrations))
    state: Any = optimiser.init(jnp.asarray(log_rates))
    yield Adapted(np.exp(log_rates), float("nan"))
    for update in range(updates):
        rates = np.exp(log_rates)
        window = windows[update % len(windows)]
        ranked = stage.loss(model.with_rates(rates), window)
        slope = -rates * first_order_effects(model, window, ranked.residuals)
        # optax mixes types in its count of updates
        with jax.numpy_dtype_promotion("standard"):
            moves, state = optimiser.update(jnp.asarray(slope / _middling(slope)), state, jnp.asarray(log_rates))
        log_rates = log_rates + np.asarray(moves, np.float64)
        if stage.guard is not None:
            log_rates = stage.guard.pulled_back(model.with_rates(np.ones_like(log_rates)), log_rates)
        yield Adapted(np.exp(log_rates), ranked.loss)


def _middling(slope: Float[np.ndarray, " N"]) -> float:
    """The median size of the slopes that are not zero; 1 where all are."""
    sizes = np.abs(slope[slope != 0])
    return float(np.median(sizes)) if len(sizes) else 1.0


def held_out_curve(
    model: OneStep, queries: Queries, fold: Int[np.ndarray, " q"], held: int, stage: StageTwo, updates: int
) -> Float[np.ndarray, "updates1 h"]:
    """NDCG@10 of one fold's queries after 0, 1, … updates that read the other folds' queries.

    Raises:
        ValueError: a side of the cut is empty.
    """
    out, within = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
    if not len(out) or not len(within):
        raise ValueError(f"fold {held} leaves nothing to adapt on or nothing to stop on; use more users or other folds")
    asked = queries.take(out)
    path = adapt(model, [queries.take(within)], stage, updates)
    return np.stack([ndcg(stage.loss(model.with_rates(x.rates), asked).places, 10) for x in path])


def stopping_step(curves: Sequence[Float[np.ndarray, "updates1 h"]]) -> int:
    """The number of updates with the best mean over all held-out queries; the fewest where several are best."""
    return int(np.argmax(np.concatenate(curves, axis=1).mean(axis=1)))
