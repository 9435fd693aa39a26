r"""Regularised recommenders: the same demonstrations with shrunken keys or rates, or without those that do harm.

The words are those of `lrgd_jax.robust`: a rate is a step size, a decay is a retention, a ridge shrinks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float

from lrgd_jax.recommend.forms.history_keys import on_grid
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import Popularity
from lrgd_jax.recommend.forms.transitions import steps_before_end

__all__ = [
    "REGULARISERS",
    "Regulariser",
    "clip_keys",
    "decay_rates",
    "drop_demonstrations",
    "prune",
    "remove_popularity",
    "shrink_by_ridge",
    "shrink_rates",
]


def shrink_rates(model: OneStep, size: float) -> OneStep:
    r"""A step of another size: every rate times $\gamma$; W_0 stays, so this is a pull toward it.

    Args:
        model: the recommender.
        size: gamma.

    Raises:
        ValueError: the size is not positive.
    """
    _check_positive("size of a step", size)
    return model.with_rates(size * model.demonstrations.rates)


def decay_rates(model: OneStep, decay: float) -> OneStep:
    r"""Every user's demonstrations fade by $1-\eta\lambda$ with each one of a later basket of the same user.

    Args:
        model: the recommender.
        decay: eta lambda.

    Raises:
        ValueError: the decay lies outside [0, 1).

    Source:
        Claim `weight-decay-is-retention`, with one stream of steps a user.
    """
    _check_probability("decay", decay)
    return model.with_rates(model.demonstrations.rates * (1 - decay) ** steps_before_end(model.demonstrations))


def shrink_by_ridge(model: OneStep, strength: float) -> OneStep:
    r"""Ridge with the Gram matrix's diagonal: feature j of every key is multiplied by $\lambda/(\lambda+d_j)$.

    $d_j = \sum_i\eta_i x_{ij}^2$; ridge regression divides by $X^\top X+\lambda$, this by its diagonal, and the factor
    lambda makes the plain step the limit of a strong ridge.

    Args:
        model: the recommender.
        strength: lambda.

    Raises:
        ValueError: the strength is not positive.
    """
    _check_positive("strength of a ridge", strength)
    keys = model.demonstrations.keys
    diagonal = np.asarray(keys.multiply(keys).T @ model.demonstrations.rates).reshape(-1)
    return _with_keys(model, keys.data * (strength / (strength + diagonal))[keys.indices])


def clip_keys(model: OneStep, largest: float) -> OneStep:
    r"""Keys longer than C are shortened to it, so that no demonstration's step $\|y_ix_i^\top\| = \|x_i\|$ is larger.

    Args:
        model: the recommender.
        largest: C.

    Raises:
        ValueError: the length is not positive.

    Source:
        Abadi et al. 2016, arXiv 1607.00133 (clipping each example's gradient).
    """
    if not 0 < largest < np.inf:
        raise ValueError(f"the largest step must be positive and finite, got {largest}")
    keys = model.demonstrations.keys
    lengths = np.sqrt(np.asarray(keys.multiply(keys).sum(axis=1)).reshape(-1))
    factors = np.minimum(1, largest / np.maximum(lengths, largest))
    return _with_keys(model, keys.data * np.repeat(factors, np.diff(keys.indptr)))


def drop_demonstrations(model: OneStep, rate: float, seed: int) -> OneStep:
    """Demonstration dropout: each is left out with a probability, the others count more by as much.

    Args:
        model: the recommender.
        rate: the probability.
        seed: seed of who is left out.

    Raises:
        ValueError: the rate lies outside [0, 1).
    """
    _check_probability("rate of dropping", rate)
    kept = np.random.default_rng(seed).random(len(model.demonstrations)) >= rate
    return model.with_rates(model.demonstrations.rates * kept / (1 - rate))


def remove_popularity(model: OneStep) -> OneStep:
    """W_0 without the popularity of items; targets are still scaled by it."""
    return replace(model, initial=replace(model.initial, popularity_weight=0.0))


def prune(model: OneStep, pruned: Bool[np.ndarray, " N"]) -> OneStep:
    """The recommender that never saw some interactions, neither as demonstrations nor in the popularity.

    Raises:
        ValueError: the popularity has times; then build it from the interactions that are left.
    """
    counted = model.initial.popularity
    if counted.times is not None:
        raise ValueError("this popularity has times; count the interactions that are left instead")
    left = counted.counts - np.bincount(model.demonstrations.targets[pruned], minlength=model.items)
    taken = np.repeat(np.arange(model.items), left.astype(np.int64))
    initial = replace(model.initial, popularity=Popularity(taken, None, model.items))
    return replace(model, demonstrations=model.demonstrations.take(~pruned), initial=initial)


def _with_keys(model: OneStep, entries: Float[np.ndarray, " m"]) -> OneStep:
    keys = model.demonstrations.keys
    changed = sp.csr_array((on_grid(entries), keys.indices, keys.indptr), shape=keys.shape)
    return replace(model, demonstrations=replace(model.demonstrations, keys=changed))


def _check_probability(what: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"the {what} must lie in [0, 1), got {value}")


def _check_positive(what: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"the {what} must be positive and finite, got {value}")


@dataclass(frozen=True)
class Regulariser:
    """A regulariser with its usual strength.

    Attributes:
        description: one sentence.
        apply: from a recommender, a strength and a seed to a regularised recommender.
        strength: in units of the regulariser's own argument.
    """

    description: str
    apply: Callable[[OneStep, float, int], OneStep]
    strength: float = 0.0

    def __call__(self, model: OneStep, seed: int = 0, strength: float | None = None) -> OneStep:
        """The regularised recommender, at the usual strength unless another is given."""
        return self.apply(model, self.strength if strength is None else strength, seed)


REGULARISERS: Mapping[str, Regulariser] = MappingProxyType(
    {
        "none": Regulariser("The recommender as it is.", lambda model, strength, seed: model),
        "half step": Regulariser("A step of half the size.", lambda model, size, seed: shrink_rates(model, size), 0.5),
        "decay": Regulariser("Older ones fade.", lambda model, decay, seed: decay_rates(model, decay), 0.03),
        "ridge": Regulariser("A diagonal ridge.", lambda model, ridge, seed: shrink_by_ridge(model, ridge), 100.0),
        "dropout": Regulariser(
            "Some are left out.", lambda model, rate, seed: drop_demonstrations(model, rate, seed), 0.3
        ),
        "clipping": Regulariser("Long keys are cut.", lambda model, length, seed: clip_keys(model, length), 1.0),
        "no popularity": Regulariser("W_0 has no counts.", lambda model, strength, seed: remove_popularity(model)),
    }
)
"""Name -> regulariser."""
