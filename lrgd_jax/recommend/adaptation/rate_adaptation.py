r"""Stage two: the rates of a context are adapted to what users took next, by optax steps on their logarithms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from lrgd_jax.recommend.adaptation.collapse_guard import Guard
from lrgd_jax.recommend.adaptation.rolling_origin import Origin
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep

__all__ = ["AdaptedRates", "StageTwo", "adapt"]


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
class AdaptedRates:
    """Rates after some updates.

    Attributes:
        rates: eta, shape [N].
        loss: mean over the queries that the last update read, before it; NaN before the first.
    """

    rates: Float[np.ndarray, " N"]
    loss: float


def adapt(model: OneStep, origins: Sequence[Origin], stage: StageTwo, updates: int) -> Iterator[AdaptedRates]:
    r"""Rates 1, then those after each update; each reads the queries of all origins.

    The gradient by $\log\eta_i$ is $-g_i$ with $g_i = \eta_i e_i$ and the first-order effect $e_i$ on the loss of all
    queries that know demonstration i: exponentiated gradient. Effects have heavy tails, so each step saturates at the
    size of a middling one,

    $$\log\eta_i \leftarrow \log\eta_i
    + \alpha\Big(\frac{g_i}{|g_i| + \mathrm{median}_j|g_j|} - \lambda\log\eta_i\Big),$$

    which is optax' adamw without memory: its decoupled decay is the pull to rate 1.

    Args:
        model: its own rates are not read: all start at 1.
        origins: what is asked, and what is known there.
        stage: the settings.
        updates: how many.

    Raises:
        ValueError: there is no origin, or one does not fit the demonstrations.

    Source:
        Kivinen and Warmuth 1997 (exponentiated gradient); Loshchilov and Hutter 2019, arXiv 1711.05101 (decoupled
        decay).
    """
    if not origins:
        raise ValueError("stage two needs at least one origin at which queries are asked")
    optimiser = optax.adamw(stage.step, b1=0.0, b2=0.0, eps=1.0, weight_decay=stage.pull)
    log_rates = np.zeros(len(model.demonstrations))
    state: optax.OptState = optimiser.init(jnp.asarray(log_rates))
    yield AdaptedRates(np.exp(log_rates), float("nan"))
    for _ in range(updates):
        rates = np.exp(log_rates)
        loss, effects = _loss_and_effects(model.with_rates(rates), origins, stage.loss)
        slope = -rates * effects
        # optax mixes types in its count of updates
        with jax.numpy_dtype_promotion("standard"):
            moves, state = optimiser.update(jnp.asarray(slope / _median_size(slope)), state, jnp.asarray(log_rates))
        log_rates = log_rates + np.asarray(moves, np.float64)
        if stage.guard is not None:
            log_rates = stage.guard.pull_back(model.with_rates(np.ones_like(log_rates)), log_rates)
        yield AdaptedRates(np.exp(log_rates), loss)


def _loss_and_effects(
    model: OneStep, origins: Sequence[Origin], loss: ListLoss
) -> tuple[float, Float[np.ndarray, " N"]]:
    """The mean loss over the queries of all origins, and the effects on it."""
    total = sum(len(origin.queries) for origin in origins)
    mean, effects = 0.0, np.zeros(len(model.demonstrations))
    for origin in origins:
        context, share = origin.context(model), len(origin.queries) / total
        ranked = loss(context, origin.queries)
        known = slice(None) if origin.known is None else origin.known
        effects[known] += share * first_order_effects(context, origin.queries, ranked.residuals)
        mean += share * ranked.loss
    return mean, effects


def _median_size(slope: Float[np.ndarray, " N"]) -> float:
    """The median size of the slopes that are not zero; 1 where all are."""
    sizes = np.abs(slope[slope != 0])
    return float(np.median(sizes)) if len(sizes) else 1.0
