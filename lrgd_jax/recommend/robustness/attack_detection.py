r"""Suspicious interactions: what a demonstration, a user or an item is worth to held-out users, and who is an outlier.

A single fake demonstration need not look worse than an honest one that speaks for a popular item. Its effects add up,
to first order, over everything that would be removed together: over an account, or over an item. An item that is pushed
is *promised* to many and *wanted* by nobody, and that no honest item is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int
from scipy.stats import norm, rankdata

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep

__all__ = ["PRUNING", "Suspicion", "area_under_curve", "interaction_effects", "suspicion"]

CONSISTENT = float(1 / norm.ppf(0.75))
"""Times the median absolute deviation it is the standard deviation of a normal distribution."""


@dataclass(frozen=True)
class Suspicion:
    r"""First-order effects on held-out users, of single interactions and of what would be removed together.

    Attributes:
        effects: what each demonstration is worth with the popularity that it is counted in; negative harms, shape [N].
        users: whose demonstration each is, shape [N].
        targets: the item that each leads to, shape [N].
        log_lifts: $\log\frac{1+T_j}{1+P_j}$ of each item, T_j the held-out users who want it, P_j the shares of a list
            that the recommender promises to it, summed over all other users; shape [items].
    """

    effects: Float[np.ndarray, " N"]
    users: Int[np.ndarray, " N"]
    targets: Int[np.ndarray, " N"]
    log_lifts: Float[np.ndarray, " items"]

    @property
    def by_user(self) -> Float[np.ndarray, " users"]:
        """The sum over each user's demonstrations: to first order the effect of the whole account."""
        return np.bincount(self.users, self.effects)

    @property
    def by_item(self) -> Float[np.ndarray, " items"]:
        """The sum over the demonstrations that lead to each item."""
        return np.bincount(self.targets, self.effects, len(self.log_lifts))

    @property
    def deviations(self) -> Float[np.ndarray, " items"]:
        """How far each item's log-lift lies from the median, in robust standard deviations.

        Source:
            Iglewicz and Hoaglin 1993, "How to Detect and Handle Outliers" (the modified z-score).
        """
        centred = self.log_lifts - np.median(self.log_lifts)
        spread = CONSISTENT * np.median(np.abs(centred))
        return centred / spread if spread > 0 else np.zeros_like(centred)

    def worst(self, share: float) -> Bool[np.ndarray, " N"]:
        """The demonstrations with the most negative effects, at most a share of all; none that does no harm.

        Raises:
            ValueError: the share lies outside [0, 1].
        """
        if not 0 <= share <= 1:
            raise ValueError(f"a share of the demonstrations lies in [0, 1], got {share}")
        chosen = np.zeros(len(self.effects), bool)
        chosen[np.argsort(self.effects, kind="stable")[: int(share * len(chosen))]] = True
        return chosen & (self.effects < 0)

    def outlying_items(self, false_alarm: float = 0.01) -> Bool[np.ndarray, " items"]:
        r"""The items that are promised far more often than they are wanted.

        Their deviation lies below $\Phi^{-1}(\alpha/\text{items})$ (Bonferroni): were the log-lifts of honest items
        normal, one or more would be taken for an outlier with probability at most alpha. No label is used.

        Args:
            false_alarm: alpha.

        Raises:
            ValueError: the probability lies outside (0, 1).
        """
        if not 0 < false_alarm < 1:
            raise ValueError(f"the probability of a false alarm lies in (0, 1), got {false_alarm}")
        return self.deviations < norm.ppf(false_alarm / len(self.log_lifts))

    def outlying(self, false_alarm: float = 0.01) -> Bool[np.ndarray, " N"]:
        """The demonstrations that lead to an outlying item and help nobody."""
        return self.outlying_items(false_alarm)[self.targets] & (self.effects <= 0)


PRUNING: Mapping[str, Callable[[Suspicion, float], Bool[np.ndarray, " N"]]] = MappingProxyType(
    {
        "pruning: worst 5 %": lambda suspected, false_alarm: suspected.worst(0.05),
        "pruning: outlying items": lambda suspected, false_alarm: suspected.outlying(false_alarm),
    }
)
"""Name -> which demonstrations are taken out, at a probability of a false alarm; nobody tells which are fake."""


def suspicion(model: OneStep, queries: Queries, loss: ListLoss) -> Suspicion:
    """How much every demonstration helps or harms the users of `queries`, whose targets are known.

    Args:
        model: the recommender, fake demonstrations and all.
        queries: held-out users; none of their targets may be demonstrated.
        loss: by which harm is measured.
    """
    residuals = loss(model, queries).residuals
    shares = residuals * loss.temperature
    promised = -np.asarray(shares.minimum(0).sum(axis=0)).reshape(-1)
    wanted = np.asarray(shares.maximum(0).sum(axis=0)).reshape(-1)
    demonstrations = model.demonstrations
    effects = interaction_effects(model, queries, residuals)
    return Suspicion(effects, demonstrations.users, demonstrations.targets, np.log1p(wanted) - np.log1p(promised))


def interaction_effects(model: OneStep, queries: Queries, residuals: sp.csr_array) -> Float[np.ndarray, " N"]:
    r"""The effect of an interaction, as a demonstration and in the popularity that it is counted in.

    $$\epsilon_i = \frac{c_{y_i}^{-\beta}}{|U|}\Big(x_i^\top Q^\top R + w\,\mathbf 1^\top R\Big)_{y_i}$$

    since popularity is a demonstration with the constant feature $\sqrt w$ (claim `popularity-is-the-initial-weights`).
    The scaling $c^{-\beta}$ is held fixed.

    Args:
        model: the recommender.
        queries: whose loss it is.
        residuals: R, minus the gradient of each query's loss by its scores, shape [q, items].

    Source:
        Claim `effect-is-data-value`; Pruthi et al. 2020, arXiv 2002.08484.
    """
    targets = model.demonstrations.targets
    wanted = np.asarray(residuals.sum(axis=0)).reshape(-1) * model.target_scales() / len(queries)
    return first_order_effects(model, queries, residuals) + model.initial.popularity_weight * wanted[targets]


def area_under_curve(suspects: Float[np.ndarray, " n"], others: Float[np.ndarray, " m"]) -> float:
    """P(value of a suspect < value of another), ties half: 1 where the values tell all apart, 1/2 for chance.

    Raises:
        ValueError: there are no suspects, or no others.

    Source:
        Hanley and McNeil 1982, Radiology 143 (the area under the ROC curve is the Mann-Whitney statistic).
    """
    n, m = len(suspects), len(others)
    if not n or not m:
        raise ValueError(f"an area needs suspects and others, got {n} and {m}")
    ranks = rankdata(np.concatenate([others, suspects]))
    return 1 - float((ranks[m:].sum() - n * (n + 1) / 2) / (n * m))
