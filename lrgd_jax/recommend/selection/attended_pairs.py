"""A context for each user alone: the candidates of every query, and the ranks that a small choice of them gives."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.transitions import steps_before_end
from lrgd_jax.recommend.measure.metrics import Places
from lrgd_jax.recommend.measure.sparse_scores import SparseScores, seen_items
from lrgd_jax.recommend.selection.bm25 import bm25
from lrgd_jax.recommend.selection.effect_predictor import EffectPredictor, fit_predictor
from lrgd_jax.recommend.selection.personal_candidates import Candidates
from lrgd_jax.recommend.selection.pool import Order
from lrgd_jax.recommend.sparse_matrices import entries_at, product, row_numbers, unit_rows

__all__ = ["AttendedPairs", "attended_pairs", "fit_pair_predictor", "pair_rows", "rank_choices"]


@dataclass(frozen=True)
class PairFeatures:
    """What is known of each pair of a query and a demonstration without a label; each of shape [pairs].

    Attributes:
        log_weight: logarithm of what the demonstration adds to its target's score.
        cosine: cosine of key and query.
        log_score: logarithm of the target's score in the whole context.
        share: share of that score.
        log_popularity: logarithmic popularity of the target, log(1 + count).
        log_age: log(1 + transitions of the same past user that came after).
        value: data value on other users, in units of the largest.
        text: BM25 score of the target's text for the words of the history; zero without texts.
    """

    log_weight: Float[np.ndarray, " pairs"]
    cosine: Float[np.ndarray, " pairs"]
    log_score: Float[np.ndarray, " pairs"]
    share: Float[np.ndarray, " pairs"]
    log_popularity: Float[np.ndarray, " pairs"]
    log_age: Float[np.ndarray, " pairs"]
    value: Float[np.ndarray, " pairs"]
    text: Float[np.ndarray, " pairs"]

    def columns(self) -> Float[np.ndarray, "pairs 8"]:
        """All side by side, in the order above, for a regression."""
        return np.stack([getattr(self, field.name) for field in fields(self)], axis=1)

    def take(self, pairs: slice) -> "PairFeatures":
        """Those of neighbouring pairs."""
        return PairFeatures(**{field.name: getattr(self, field.name)[pairs] for field in fields(self)})


@dataclass(frozen=True)
class AttendedPairs:
    """All pairs of a query and a demonstration that it attends to and whose target is new to it.

    Attributes:
        queries: who asks.
        starts: pairs of query u lie from starts[u] to starts[u + 1].
        which: the demonstration of each pair.
        weights: what it adds to its target's score.
        features: what is known of each pair without a label.
        effects: first-order effect of each pair on its query's own target. Reads the label.
        pseudo: effect on the query's latest item, asked from the history before it.
    """

    queries: Queries
    starts: Int[np.ndarray, " q1"]
    which: Int[np.ndarray, " pairs"]
    weights: Float[np.ndarray, " pairs"]
    features: PairFeatures
    effects: Float[np.ndarray, " pairs"]
    pseudo: Float[np.ndarray, " pairs"]

    def candidates(self, model: OneStep, rows: sp.csr_array, query: int, learnt: EffectPredictor) -> Candidates:
        """Those of one query; `rows` are `pair_rows(model)`."""
        own = slice(self.starts[query], self.starts[query + 1])
        which, known = self.which[own], self.features.take(own)
        return Candidates(
            weights=self.weights[own],
            targets=model.demonstrations.targets[which],
            cosines=known.cosine,
            ages=known.log_age,
            values=known.value,
            texts=known.text,
            pseudo=self.pseudo[own],
            expected=learnt(known.columns()) if len(which) else np.zeros(0),
            rows=sp.csr_array(rows[which]),
        )


def attended_pairs(
    model: OneStep, queries: Queries, values: Float[np.ndarray, " N"], loss: ListLoss, titles: tuple[str, ...] | None
) -> AttendedPairs:
    """The pairs of every query.

    Args:
        model: with the whole context.
        queries: who asks; targets are read for `effects` alone.
        values: data value of each demonstration, from other users' validation targets.
        loss: what effects are effects on.
        titles: texts of the items, or None.
    """
    demonstrations = model.demonstrations
    weights = model.attention_weights(queries.histories)
    rows, which = row_numbers(weights), weights.indices
    targets = demonstrations.targets[which]
    new = ~entries_at(seen_items(queries, model.items), rows, targets)[1]
    rows, which, targets = rows[new], which[new], targets[new]
    scaled = weights.data[new] * model.target_scales()[targets]
    lengths = np.sqrt(np.bincount(row_numbers(demonstrations.keys), demonstrations.keys.data**2))
    asked = model.queries(queries.histories)
    own = np.sqrt(np.bincount(row_numbers(asked), asked.data**2, minlength=len(queries)))
    totals = sp.csr_array((scaled, (rows, targets)), shape=(len(queries), model.items))
    full = entries_at(totals, rows, targets)[0]
    known = PairFeatures(
        log_weight=np.log(scaled),
        cosine=weights.data[new] / (lengths[which] * own[rows]),
        log_score=np.log(full),
        share=scaled / full,
        log_popularity=np.log1p(model.initial.counts()[targets]),
        log_age=np.log1p(steps_before_end(demonstrations)[which]),
        value=values[which] / (np.abs(values).max() or 1.0),
        text=_text_scores(titles, queries.histories, rows, targets),
    )
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(queries)))])
    effects = scaled * entries_at(loss(model, queries).residuals, rows, targets)[0]
    return AttendedPairs(
        queries, starts, which, scaled, known, effects, _pseudo_effects(model, queries, loss, rows, which)
    )


def fit_pair_predictor(learnt_from: AttendedPairs) -> EffectPredictor:
    """Predicts the effect of a pair from what is known without a label."""
    return fit_predictor(
        learnt_from.features.columns(), learnt_from.effects / (np.sqrt(np.mean(learnt_from.effects**2)) or 1.0)
    )


def pair_rows(model: OneStep) -> sp.csr_array:
    """Key and target of every demonstration side by side, each of length one, together of length one."""
    demonstrations = model.demonstrations
    both = sp.hstack([unit_rows(demonstrations.keys), demonstrations.target_matrix()], "csr")
    return unit_rows(sp.csr_array(both))


def rank_choices(model: OneStep, pairs: AttendedPairs, orders: Sequence[Order], budget: int) -> Places:
    """Ranks of the queries' targets where each query's context is the first `budget` of its order."""
    picked = [start + order[:budget] for start, order in zip(pairs.starts[:-1], orders, strict=True)]
    rows = np.repeat(np.arange(len(picked)), [len(x) for x in picked])
    at = np.concatenate(picked)
    targets = model.demonstrations.targets[pairs.which[at]]
    base = model.initial.constant_scores()[0] * model.target_scales()
    carried = sp.csr_array((pairs.weights[at], (rows, targets)), shape=(len(picked), model.items))
    carried.sum_duplicates()
    carried.data = carried.data + base[carried.indices]
    seen = seen_items(pairs.queries, model.items)
    return SparseScores(sp.csr_array(carried + seen), base).places(pairs.queries.targets)


def _pseudo_effects(
    model: OneStep, queries: Queries, loss: ListLoss, rows: Int[np.ndarray, " p"], which: Int[np.ndarray, " p"]
) -> Float[np.ndarray, " p"]:
    if not len(rows):
        return np.zeros(0)
    # what attends to nothing, such as an empty history, has no row: any entry stands for its latest
    latest = Queries.at(queries.histories, queries.histories.starts[1:] - 1)
    residuals = loss(model, replace(latest, users=queries.users, times=None)).residuals
    weights = product(model.queries(latest.histories), model.demonstrations.rated_keys().T)
    targets = model.demonstrations.targets[which]
    return (
        entries_at(weights, rows, which)[0] * entries_at(residuals, rows, targets)[0] * model.target_scales()[targets]
    )


def _text_scores(
    titles: tuple[str, ...] | None, histories: Sequences, rows: Int[np.ndarray, " p"], targets: Int[np.ndarray, " p"]
) -> Float[np.ndarray, " p"]:
    if titles is None or not any(titles):
        return np.zeros(len(rows))
    weights, present = bm25(titles)
    taken = sp.csr_array(
        (np.ones(len(histories.items)), histories.items.copy(), histories.starts.copy()),
        shape=(len(histories), len(titles)),
    )
    words = product(taken, present)
    words.data = np.ones(len(words.data))
    return entries_at(product(words, weights.T), rows, targets)[0]
