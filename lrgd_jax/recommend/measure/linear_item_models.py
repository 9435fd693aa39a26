r"""Linear models of items against items in closed form: EASE and SLIST; only from before each query's time.

Both solve, under $\operatorname{diag}B=0$,

$$\min_B\;\alpha\|X-XB\|_F^2+(1-\alpha)\|T-SB\|_F^2+\lambda\|B\|_F^2,$$

where a row of $X$ is a user's list, and $S$ and $T$ are its past and its future at every place where it can be cut,
both fading by $\delta$ with every place. With $P=(\alpha X^\top X+(1-\alpha)S^\top S+\lambda I)^{-1}$ and
$C=\alpha X^\top X+(1-\alpha)S^\top T$ the solution is $B=P(C-\operatorname{diag}\mu)$, $\mu_j=(PC)_{jj}/P_{jj}$.
EASE is $\alpha=1$. A history scores with $xB$, where the items of $x$ fade by $\gamma$ with their age.

A matrix for every query's time would be too many, so the models are fitted at some moments, and a query uses the latest
one before its time; before the first of them popularity answers.

Sources: Steck 2019 (EASE); Choi et al. 2021 (SLIST, here with the diagonal held at zero, since what a user has is no
candidate).
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.measure.baselines import MostPopular
from lrgd_jax.recommend.sparse_matrices import product

__all__ = ["LinearItems", "ease", "slist"]


@dataclass(frozen=True)
class LinearItems:
    r"""Scores an item by the history times a fitted matrix; formula and sources: this module's.

    Attributes:
        context: what may be shown, one list a user.
        popularity: speaks where the matrix does not.
        ridge: $\lambda$, above 0.
        whole: $\alpha$, the share of whole lists; the rest learns from past and future.
        fade: $\delta$.
        decay: $\gamma$.
        refits: how many times over the context the model is fitted, where times are known.
        popularity_weight: weight of the most popular item.

    Raises:
        ValueError: the ridge is not positive, alpha not from 0 to 1, or there is no refit.
    """

    context: Sequences
    popularity: MostPopular
    ridge: float = 100.0
    whole: float = 1.0
    fade: float = 0.8
    decay: float = 1.0
    refits: int = 8
    popularity_weight: float = 0.01
    fitted: dict[int, Float[np.ndarray, "items items"]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.ridge <= 0 or not 0 <= self.whole <= 1 or self.refits < 1:
            raise ValueError(
                f"expected ridge > 0, whole from 0 to 1 and refits >= 1, got {self.ridge}, {self.whole}, {self.refits}"
            )

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """Histories times the matrix that was fitted last before each query's time, and popularity besides."""
        scores = self.popularity.weighted(queries, self.popularity_weight)
        histories = HistoryKeys(self.decay, 0.0, _longest(queries.histories)).of(queries.histories, self.items)
        moments = self.moments
        latest = (
            np.zeros(len(queries), np.int64)
            if moments is None
            else np.searchsorted(moments, queries.seconds, "right") - 1
        )
        for number in np.unique(latest[latest >= 0]).tolist():
            rows = np.flatnonzero(latest == number)
            scores[rows] += np.asarray(histories[rows] @ self.matrix(number))
        return scores

    @property
    def items(self) -> int:
        """Size of the catalogue."""
        return self.popularity.items

    @property
    def moments(self) -> Int[np.ndarray, " k"] | None:
        """When the model is fitted: at quantiles of the context's times, from what was before; None without times."""
        if self.context.times is None:
            return None
        shares = np.arange(1, self.refits + 1) / (self.refits + 1)
        return np.unique(np.quantile(self.context.times, shares, method="higher"))

    def matrix(self, number: int) -> Float[np.ndarray, "items items"]:
        """B as fitted at one of the moments; each is kept, in float32, since only its scores are compared."""
        if number not in self.fitted:
            lists, moments = self.context, self.moments
            if moments is not None:
                known = lists.seconds < moments[number]
                starts = np.concatenate([[0], np.cumsum(np.bincount(lists.owners[known], minlength=len(lists)))])
                lists = lists.pick(starts, known)
            self.fitted[number] = self._fit(lists).astype(np.float32)
        return self.fitted[number]

    def _fit(self, lists: Sequences) -> Float[np.ndarray, "items items"]:
        gram, cross = np.zeros((self.items, self.items)), np.zeros((self.items, self.items))
        if self.whole > 0:
            entries = np.ones(len(lists.items)), lists.items, lists.starts
            # a copy, as duplicates are summed in place
            once = sp.csr_array(entries, shape=(len(lists), self.items), copy=True)
            once.sum_duplicates()
            once.data[:] = 1.0
            both = self.whole * product(sp.csr_array(once.T), once).toarray()
            gram, cross = both, both.copy()
        if self.whole < 1:
            past, future = _cuts(lists, self.items, self.fade)
            gram += (1 - self.whole) * product(sp.csr_array(past.T), past).toarray()
            cross += (1 - self.whole) * product(sp.csr_array(past.T), future).toarray()
        gram[np.diag_indices_from(gram)] += self.ridge
        inverse = _inverse(gram)
        if self.whole == 1:
            # P C = I - lambda P, so that nothing is multiplied
            weights = -inverse / np.diag(inverse)
        else:
            weights = inverse @ cross
            weights -= inverse * (np.diag(weights) / np.diag(inverse))
        np.fill_diagonal(weights, 0.0)
        return weights


def ease(context: Sequences, items: int, *, ridge: float = 100.0, refits: int = 8) -> LinearItems:
    """EASE (Steck 2019): a list without its own item predicts it; every item of a history counts alike."""
    return LinearItems(context, MostPopular(context, items), ridge, refits=refits)


def slist(
    context: Sequences,
    items: int,
    *,
    ridge: float = 10.0,
    whole: float = 0.5,
    fade: float = 0.8,
    decay: float = 0.8,
    refits: int = 8,
) -> LinearItems:
    """SLIST (Choi et al. 2021): whole lists, and their pasts before their futures."""
    return LinearItems(context, MostPopular(context, items), ridge, whole, fade, decay, refits)


def _cuts(lists: Sequences, items: int, fade: float) -> tuple[sp.csr_array, sp.csr_array]:
    """Past and future at every basket but the first of each list, one row a cut, fading with the distance."""
    cut = np.flatnonzero((lists.basket_starts == np.arange(len(lists.items))) & (lists.before > 0))
    window = _longest(lists)
    past = HistoryKeys(fade, 0.0, window).of_prefixes(lists, cut, lists.before[cut], items)
    lengths = lists.starts[1:][lists.owners[cut]] - cut
    entries = np.repeat(cut - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    distance = lists.before[entries] - np.repeat(lists.before[cut], lengths)
    rows = np.repeat(np.arange(len(cut)), lengths)
    future = sp.csr_array((fade**distance, (rows, lists.items[entries])), shape=(len(cut), items))
    return past, future


def _inverse(gram: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """Of a positive definite matrix, by a routine of LAPACK that takes less than half of a solve for the identity."""
    factor, _ = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    [routine] = scipy.linalg.get_lapack_funcs(["potri"], [factor])
    inverse, failed = routine(factor, lower=1, overwrite_c=1)
    if failed:
        raise ArithmeticError(f"LAPACK's potri ended with {failed}; choose a larger ridge")
    half = np.tril(inverse, -1)
    return half + half.T + np.diag(np.diag(inverse))


def _longest(lists: Sequences) -> int:
    return max(int(lists.lengths.max(initial=0)), 1)
