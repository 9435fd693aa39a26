"""Why an item was recommended: what every past transition, similar text and popularity added to its score."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.sparse_matrices import columns_of, dense

__all__ = ["ScoreExplanation", "explanation"]


@dataclass(frozen=True)
class ScoreExplanation:
    r"""One score as a sum: $s = W_0q + \sum_i C_i$ in the item's row, with $C_i = \eta_i\,y_i\,\langle x_i,q\rangle$.

    Attributes:
        item: whose score it is.
        score: as the recommender computes it.
        popularity: what the constant feature of W_0 adds.
        similar: what each item of the history adds by its text, shape [h].
        history: the items of the history, the latest first, shape [h].
        demonstrations: numbers of the demonstrations with a contribution, the largest first, shape [n].
        contributions: C_i of them, shape [n].
        terms: how many numbers were added up on the way; the rounding bound grows with them.

    Examples:
        >>> from lrgd_jax.recommend.data.sequences import Sequences
        >>> from lrgd_jax.recommend.forms.meta_parameters import Meta
        >>> from lrgd_jax.recommend.forms.registry import build_from_histories
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> model = build_from_histories(past, 3, Meta(similarity=0.0))
        >>> why = explanation(model, [0], item=1)
        >>> abs(why.total - why.score) <= why.bound
        True
        >>> why.by_user(model.demonstrations.users)[0].tolist()
        [0, 2]
    """

    item: int
    score: float
    popularity: float
    similar: Float[np.ndarray, " h"]
    history: Int[np.ndarray, " h"]
    demonstrations: Int[np.ndarray, " n"]
    contributions: Float[np.ndarray, " n"]
    terms: int

    @property
    def total(self) -> float:
        """The sum of all parts, which is the score."""
        return self.popularity + float(self.similar.sum()) + float(self.contributions.sum())

    @cached_property
    def bound(self) -> float:
        r"""How far the sum may be from the score by rounding: $2\gamma_m\sum|\text{part}|$ on both ways together.

        Each of the m terms passes at most m additions and a few products, so its relative error is below
        $\gamma_m = mu/(1-mu)$ (Higham 2002, Accuracy and Stability of Numerical Algorithms, lemma 3.1).
        """
        u, m = np.finfo(np.float64).eps / 2, self.terms + _PRODUCTS
        magnitude = abs(self.popularity) + np.abs(self.similar).sum() + np.abs(self.contributions).sum()
        return float(2 * m * u / (1 - m * u) * magnitude)

    def by_user(self, users: Int[np.ndarray, " N"]) -> tuple[Int[np.ndarray, " u"], Float[np.ndarray, " u"]]:
        """The users whose transitions contribute and the sums of their contributions, the largest first.

        Args:
            users: users of all demonstrations.
        """
        owners, where = np.unique(users[self.demonstrations], return_inverse=True)
        sums = np.bincount(where, self.contributions, minlength=len(owners))
        order = np.argsort(-sums, kind="stable")
        return owners[order], sums[order]


_PRODUCTS = 16
"""Products, quotients and the two roundings of a power or an exponential, generously, on the way of one term."""


def explanation(
    model: OneStep, history: Sequence[int] | Int[np.ndarray, " h"] | Sequences, item: int, time: int | None = None
) -> ScoreExplanation:
    """Takes one score apart, exactly up to rounding.

    Args:
        model: a model of the linear, normalised or softmax form.
        history: history of the present user, oldest first; one list of `Sequences` where it has baskets.
        item: whose score is explained.
        time: demonstrations at or after it do not count; all of them unless given.

    Returns:
        The parts, whose sum is the score up to `ScoreExplanation.bound`.

    Raises:
        NotImplementedError: another form, whose answer is no sum of one demonstration each.
        ValueError: the item is not in the catalogue.

    Examples:
        >>> from lrgd_jax.recommend.data.sequences import Sequences
        >>> from lrgd_jax.recommend.forms.meta_parameters import Meta
        >>> from lrgd_jax.recommend.forms.registry import build_from_histories
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> model = build_from_histories(past, 3, Meta(similarity=0.0))
        >>> explanation(model, [0], item=2).demonstrations.tolist()
        [1]
    """
    if not model.adds_up:
        raise NotImplementedError(
            f"{type(model).__name__} mixes its demonstrations before it answers; explain the linear, normalised or "
            "softmax form"
        )
    if not 0 <= item < model.items:
        raise ValueError(f"items are numbered from 0 to {model.items - 1}, got {item}")
    histories = history if isinstance(history, Sequences) else Sequences.from_lists([[int(x) for x in history]])
    times = None if time is None else np.array([time])
    scale = float(np.atleast_2d(model.target_scales(times))[0, item])
    weights = dense(model.attention_weights(histories, times))[0]
    speaking = np.flatnonzero((model.demonstrations.targets == item) & (weights != 0))
    contributions = scale * weights[speaking]
    order = np.argsort(-contributions, kind="stable")
    shown, similar, products = _parts_of_texts(model, histories, item, times)
    return ScoreExplanation(
        item=item,
        score=float(model.scores(histories, times)[0, item]),
        popularity=scale * float(model.initial.constant_scores(times)[0, item]),
        similar=similar,
        history=shown,
        demonstrations=speaking[order],
        contributions=contributions[order],
        terms=len(model.demonstrations) + 2 * len(histories.items) + products,
    )


def _parts_of_texts(
    model: OneStep, histories: Sequences, item: int, times: Int[np.ndarray, " 1"] | None
) -> tuple[Int[np.ndarray, " h"], Float[np.ndarray, " h"], int]:
    """The items of the history, what the text of each adds, and how many products that took."""
    key = model.initial_queries(histories, times)
    shown = np.asarray(key.indices)
    vectors = model.initial.vectors
    if vectors is None or not model.initial.similarity_weight or not len(shown):
        return shown, np.zeros(len(shown)), 0
    alike = dense(vectors[shown] @ dense(vectors[[item]]).T)[:, 0]
    added = model.initial.similarity_weight * key.data * alike
    order = np.argsort(-added, kind="stable")
    return shown[order], added[order], columns_of(vectors)
