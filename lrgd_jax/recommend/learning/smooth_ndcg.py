"""The recommender's scores and a smooth NDCG, as functions of the meta-parameters that JAX can differentiate."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.recommend.learning.item_matches import ItemMatches, KeySlots
from lrgd_jax.recommend.learning.unbounded_meta import UnboundedMeta

__all__ = ["differentiable_scores", "smooth_ndcg_loss"]


def differentiable_scores(free: UnboundedMeta, slots: KeySlots, met: ItemMatches, n: int) -> Float[Array, "q items"]:
    r"""The scores of the one-step recommender as a function of its meta-parameters.

    $$s_{uj} = c_j^{-\beta}\Big(w\,c_j + \sum_{i:y_i=j}\sum_f x_{if}\,q_{uf}\Big) + \tau\,(ZZ^\top q_u)_j$$

    summed over the pairs that meet, so that the cost does not grow with the catalogue squared.

    Args:
        free: the meta-parameters.
        slots: slots of the demonstrations' keys.
        met: the queries' pairs.
        n: how many demonstrations there are.
    """
    demonstration = slots.demonstration
    decays = jax.nn.log_sigmoid(free.decay), jax.nn.log_sigmoid(free.query_decay)
    keys = jax.ops.segment_sum(jnp.exp(decays[0] * slots.age), slots.slot, demonstration.shape[0])
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


def smooth_ndcg_loss(
    free: UnboundedMeta, slots: KeySlots, met: ItemMatches, temperature: float, *, n: int
) -> Float[Array, ""]:
    r"""Minus the mean smooth gain; a target that is no candidate is left out.

    $$-\frac1{|U|}\sum_u\frac1{\log_2(1+\hat r_u)},\qquad
    \hat r_u = 1+\sum_{j\ne y}\sigma\!\Big(\frac{s_{uj}-s_{uy}}\theta\Big)$$

    Args:
        free: the meta-parameters.
        slots: slots of the demonstrations' keys.
        met: the queries' pairs.
        temperature: theta, in units of the scores.
        n: how many demonstrations there are.

    Source: Qin et al. 2010, Information Retrieval 13 (the smooth rank).
    """
    scores = differentiable_scores(free, slots, met, n)
    own = jnp.take_along_axis(scores, met.targets[:, None], axis=1)
    above = jnp.where(met.candidates, jax.nn.sigmoid((scores - own) / temperature), 0.0).sum(axis=1) - 0.5
    wanted = jnp.take_along_axis(met.candidates, met.targets[:, None], axis=1)[:, 0]
    # the target itself is half above itself
    gains = jnp.where(wanted, 1 / jnp.log2(2 + above), 0.0)
    return -gains.sum() / jnp.where(wanted, jnp.ones_like(gains), 0.0).sum()
