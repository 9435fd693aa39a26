"""The meta-parameters, learned by optax through the dual on validation queries; nothing else is learned."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from lrgd_jax.recommend.data.dataset import Catalogue, Queries, Sequences
from lrgd_jax.recommend.forms.item_vectors import item_vectors
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.learning.item_matches import ItemMatches, KeyEntries, item_matches, key_entries

SMALLEST = 1e-9
"""Stands for zero where a logarithm is taken."""

__all__ = ["LearnedMeta", "UnboundedMeta", "differentiable_scores", "learn_meta"]


class UnboundedMeta(NamedTuple):
    """The meta-parameters without bounds: logits of decays, logarithms of weights; each a scalar."""

    decay: Float[Array, ""]
    query_decay: Float[Array, ""]
    key_scaling: Float[Array, ""]
    target_scaling: Float[Array, ""]
    feature_scaling: Float[Array, ""]
    popularity: Float[Array, ""]
    similarity: Float[Array, ""]

    @classmethod
    def of(cls, meta: Meta, dtype: jax.typing.DTypeLike = float) -> "UnboundedMeta":
        """From meta-parameters; a weight of zero becomes a very small one."""
        decay, query_decay = (_logit(x) for x in (meta.decay, meta.query_decay))
        popularity, similarity = (np.log(max(x, SMALLEST)) for x in (meta.popularity, meta.similarity))
        powers = meta.key_scaling, meta.target_scaling, meta.feature_scaling
        return cls(*(jnp.asarray(x, dtype) for x in (decay, query_decay, *powers, popularity, similarity)))

    def meta(self, window: int) -> Meta:
        """Back to meta-parameters."""
        return Meta(
            decay=float(jax.nn.sigmoid(self.decay)),
            query_decay=float(jax.nn.sigmoid(self.query_decay)),
            key_scaling=float(self.key_scaling),
            target_scaling=float(self.target_scaling),
            feature_scaling=float(self.feature_scaling),
            popularity=float(jnp.exp(self.popularity)),
            similarity=float(jnp.exp(self.similarity)),
            window=window,
        )


def _logit(x: float) -> float:
    kept = min(x, 1 - SMALLEST)
    return float(np.log(kept / (1 - kept)))


@dataclass(frozen=True)
class LearnedMeta:
    """What was found.

    Attributes:
        meta: the meta-parameters.
        losses: minus the mean smooth gain before each step, shape [steps].
    """

    meta: Meta
    losses: Float[np.ndarray, " steps"]


def learn_meta(
    catalogue: Catalogue,
    context: Sequences,
    queries: Queries,
    *,
    start: Meta,
    steps: int = 120,
    batches: int = 12,
    batch: int = 256,
    learning_rate: float = 0.03,
    temperature: float = 0.02,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> LearnedMeta:
    r"""Adam on a smooth NDCG of a sample of validation queries, over the whole catalogue without seen items.

    $$\max\;\frac1{|U|}\sum_u\frac1{\log_2(1+\hat r_u)},\qquad
    \hat r_u = 1+\sum_{j\ne y}\sigma\!\Big(\frac{s_{uj}-s_{uy}}\theta\Big)$$

    A cross-entropy would be governed by the queries that no list of ten can serve.

    Args:
        catalogue: the items.
        context: all that may be demonstrated to the queries.
        queries: the validation queries; never those of the test.
        start: where the meta-parameters start; the window stays.
        steps: of Adam.
        batches: how many batches are drawn; the steps go round them.
        batch: queries in each.
        learning_rate: of Adam, in units of the unbounded parameters.
        temperature: theta, in units of the scores.
        seed: of the sample.
        progress: called with the number of steps done and the last loss.

    Source: Qin et al. 2010, Information Retrieval 13 (the smooth rank).

    Raises:
        ValueError: there are fewer queries than one batch holds.
    """
    if len(queries) < batch:
        raise ValueError(f"a batch needs {batch} validation queries, there are {len(queries)}; ask for smaller batches")
    keys = key_entries(context, len(catalogue), start.window)
    met = _drawn(catalogue, context, queries, keys, start.window, batches, batch, seed)
    free, optimiser = UnboundedMeta.of(start, dtype=jnp.float32), optax.adam(learning_rate)
    state, losses = optimiser.init(free), []
    slots = jax.tree.map(jnp.asarray, (keys.age.astype(np.float32), keys.slot, keys.demonstration))
    gradient = jax.jit(jax.value_and_grad(partial(_loss, n=len(keys.targets))))
    for step in range(steps):
        loss, slope = gradient(free, slots, met[step % len(met)], temperature)
        # optax mixes dtypes in its count of steps
        with jax.numpy_dtype_promotion("standard"):
            updates, state = optimiser.update(slope, state)
        free = jax.tree.map(jnp.add, free, updates)
        losses.append(float(loss))
        if progress is not None:
            progress(step + 1, losses[-1])
    return LearnedMeta(free.meta(start.window), np.array(losses))


def differentiable_scores(
    free: UnboundedMeta, slots: tuple[Array, Array, Array], met: ItemMatches, n: int
) -> Float[Array, "q items"]:
    r"""The scores of the one-step recommender as a function of its meta-parameters.

    $$s_{uj} = c_j^{-\beta}\Big(w\,c_j + \sum_{i:y_i=j}\sum_f x_{if}\,q_{uf}\Big) + \tau\,(ZZ^\top q_u)_j$$

    summed over the pairs that meet, so that the cost does not grow with the catalogue squared.

    Args:
        free: the meta-parameters.
        slots: ages and slots of the keys' entries, and the demonstration of each slot.
        met: the queries' pairs.
        n: how many demonstrations there are.
    """
    age, slot, demonstration = slots
    decays = jax.nn.log_sigmoid(free.decay), jax.nn.log_sigmoid(free.query_decay)
    keys = jax.ops.segment_sum(jnp.exp(decays[0] * age), slot, demonstration.shape[0])
    squares = jax.ops.segment_sum(keys * keys, demonstration, n)
    keys = keys * squares[demonstration] ** (-free.key_scaling / 2)
    query = met.there * jnp.exp(decays[1] * met.age) * jnp.maximum(met.count, 1) ** -free.feature_scaling
    rows, items = met.candidates.shape
    pairs = met.earlier * query[met.entry] * keys[met.slot]
    carried = jax.ops.segment_sum(pairs, met.cell, rows * items).reshape(rows, items)
    scores = (carried + jnp.exp(free.popularity) * met.counts) * jnp.maximum(met.counts, 1) ** -free.target_scaling
    if not met.similar.shape[1]:
        return scores
    similar = jax.ops.segment_sum(query[:, None] * met.similar, met.row, rows)
    return scores + jnp.exp(free.similarity) * similar


def _loss(
    free: UnboundedMeta, slots: tuple[Array, Array, Array], met: ItemMatches, temperature: float, *, n: int
) -> Float[Array, ""]:
    """Minus the mean smooth gain; a target that is no candidate is left out."""
    scores = differentiable_scores(free, slots, met, n)
    own = jnp.take_along_axis(scores, met.targets[:, None], axis=1)
    above = jnp.where(met.candidates, jax.nn.sigmoid((scores - own) / temperature), 0.0).sum(axis=1) - 0.5
    wanted = jnp.take_along_axis(met.candidates, met.targets[:, None], axis=1)[:, 0]
    # the target itself is half above itself
    gains = jnp.where(wanted, 1 / jnp.log2(2 + above), 0.0)
    return -gains.sum() / jnp.where(wanted, jnp.ones_like(gains), 0.0).sum()


def _drawn(
    catalogue: Catalogue,
    context: Sequences,
    queries: Queries,
    keys: KeyEntries,
    window: int,
    batches: int,
    batch: int,
    seed: int,
) -> list[ItemMatches]:
    """Batches of different queries, padded to one shape so that one program serves all."""
    counted, vectors = popularity(context, len(catalogue)), item_vectors(catalogue)
    order = np.random.default_rng(seed).permutation(len(queries))
    chosen = [queries.take(order[k : k + batch]) for k in range(0, len(queries) - batch + 1, batch)][:batches]
    met = []
    for asked in chosen:
        counts = counted.counts[None] if asked.times is None else counted.before(asked.times)
        met.append(item_matches(keys, asked, counts, vectors, window))
    entries, pairs = max(len(x.age) for x in met), max(len(x.entry) for x in met)
    return [_device(_padded(x, entries, pairs)) for x in met]


def _padded(met: ItemMatches, entries: int, pairs: int) -> ItemMatches:
    def longer(x: np.ndarray, length: int) -> np.ndarray:
        return np.pad(x, [(0, length - len(x))] + [(0, 0)] * (x.ndim - 1))

    of_entries = {name: longer(getattr(met, name), entries) for name in ("age", "row", "count", "there", "similar")}
    of_pairs = {name: longer(getattr(met, name), pairs) for name in ("entry", "slot", "cell", "earlier")}
    return replace(met, **of_entries, **of_pairs)


def _device(met: ItemMatches) -> ItemMatches:
    """Ages and floats as float32, the rest as it is."""
    real = {"age", "count", "there", "similar", "earlier", "counts"}
    values = {f.name: getattr(met, f.name) for f in fields(met)}
    arrays: dict[str, Any] = {k: jnp.asarray(v, jnp.float32 if k in real else None) for k, v in values.items()}
    return ItemMatches(**arrays)


jax.tree_util.register_dataclass(ItemMatches, [field.name for field in fields(ItemMatches)], [])
