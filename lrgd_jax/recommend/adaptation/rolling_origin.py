"""Rolling origins: moments of the past at which everybody's next item was once unknown."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from lrgd_jax.recommend.data.dataset import Queries, Split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.one_step import OneStep

__all__ = ["Origin", "added_transitions", "rolling_origins", "step_back"]


@dataclass(frozen=True)
class Origin:
    """A moment, what is asked there, and what may be demonstrated there.

    Attributes:
        queries: whose targets came next.
        known: which demonstrations lie before it, shape [N]; None where all do.
    """

    queries: Queries
    known: Bool[np.ndarray, " N"] | None = None

    def __post_init__(self) -> None:
        if not len(self.queries):
            raise ValueError("at an origin at least one query is asked; this one has none")

    def context(self, model: OneStep) -> OneStep:
        """The recommender with what is known there; its initial weights are left as they are.

        Raises:
            ValueError: `known` is not one truth value a demonstration.
        """
        if self.known is None:
            return model
        if self.known.shape != model.demonstrations.targets.shape:
            raise ValueError(
                f"an origin says of each demonstration whether it is known: expected shape "
                f"{model.demonstrations.targets.shape}, got {self.known.shape}"
            )
        return replace(model, demonstrations=model.demonstrations.take(self.known))


def rolling_origins(train: Sequences, queries: Queries, count: int) -> list[Origin]:
    r"""The queries, and before them what they would have been if each user had taken 1, 2, … items less.

    At k steps back, a list $(a_1, …, a_n)$ asks for $a_{n-k+1}$ after $(a_1, …, a_{n-k})$, and of every list only the
    transitions within its first n - k items are known; so no label is demonstrated to anybody. Lists of k items or
    fewer ask nothing there. The demonstrations are meant to be `transitions(train)`, in their order.

    Args:
        train: everybody's lists, by order only.
        queries: the latest, to which all of `train` is known.
        count: number of the origins, the queries' own included.

    Returns:
        The latest last.

    Raises:
        ValueError: count is below 1, or no list is long enough to go so far back.

    Source:
        Tashman 2000, International Journal of Forecasting 16(4) (rolling origins).
    """
    longest = int(train.lengths.max(initial=0))
    if not 1 <= count <= max(longest, 1):
        raise ValueError(
            f"the number of origins must lie in 1 to {max(longest, 1)}, since the longest list has {longest} items; "
            f"got {count}"
        )
    return [*(_back(train, k) for k in range(count - 1, 0, -1)), Origin(queries)]


def added_transitions(train: Sequences, longer: Sequences) -> Bool[np.ndarray, " N"]:
    """Which transitions of longer lists, in their order, end in an entry that came after all training entries.

    Args:
        train: everybody's lists.
        longer: the same lists with more at their ends; what is added may join the last basket, and is no transition
            where that is the first one too.

    Raises:
        ValueError: the longer lists do not begin with the others.

    Examples:
        >>> train = Sequences.from_lists([[0, 1], [2]], [[1, 2], [5]])
        >>> longer = Sequences.from_lists([[0, 1, 3], [2, 4]], [[1, 2, 2], [5, 5]])
        >>> added_transitions(train, longer).tolist()
        [False, True]
    """
    kept = longer.beginnings(train.lengths) if len(longer) == len(train) else longer
    if not (np.array_equal(kept.starts, train.starts) and np.array_equal(kept.items, train.items)):
        raise ValueError("expected lists that begin with the training lists; read ties in both by the same rule")
    return (longer.positions >= train.lengths[longer.owners])[longer.before > 0]


def step_back(split: Split) -> Split:
    """The same split one step earlier: each training list without its last item, which is what is validated on.

    The validation queries become the test queries, so whatever is to be chosen without the test items can be tried
    there from beginning to end, as it will be used.

    Raises:
        ValueError: the data have times, so that one step back is no moment that all users share; or every list is too
            short.
    """
    if split.train.times is not None:
        raise ValueError("one step back is meant for data of which only the order is known; cut these by their times")
    if split.train.lengths.max(initial=0) < 2:
        raise ValueError("no training list has two items, so there is no step back")
    valid = _back(split.train, 1).queries
    return replace(split, train=split.train.beginnings(split.train.lengths - 1), valid=valid, test=split.valid)


def _back(train: Sequences, k: int) -> Origin:
    """The origin at k steps before the end."""
    known = train.positions < (train.lengths - k)[train.owners]
    return Origin(Queries.at(train, (train.starts[1:] - k)[train.lengths > k]), known[train.before > 0])
