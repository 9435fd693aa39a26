r"""A learning rate, or a gate, for each demonstration, in one head of a decoder.

A rate multiplies the kernel entries with which later tokens see a demonstration, in the numerator and in the
normaliser: the sample weights of the dual's training set. A gate multiplies what the demonstration adds to the
zero-shot output. Inside a demonstration, and inside the query, nothing changes. Both may differ from layer to layer
and from head to head (`lrgd_jax.decoder.demonstration_gates`).
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates
from lrgd_jax.decoder.soft_cap import soft_cap
from lrgd_jax.features import elu_plus_one

__all__ = ["kernel_entries", "weighted_attention"]


def kernel_entries(
    config: DecoderConfig,
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    seen: Bool[Array, "t n"],
    counted: Bool[Array, "t n"],
) -> Float[Array, "t n"]:
    r"""$\kappa(k_j, q_t)$ of the tokens seen, up to one factor a query, which a ratio does not see.

    Args:
        config: the decoder.
        queries: q_t.
        keys: k_j.
        seen: whose entries are asked for; the others are zero.
        counted: of which the largest has the entry one (softmax). Others may be larger, up to the square root of the
            largest number: at rate zero they count nothing, but the derivative in the rate is their entry.
    """
    if config.attention == "linear":
        phi = jax.vmap(elu_plus_one)
        return jnp.where(seen, phi(queries) @ phi(keys).T, jnp.zeros((), queries.dtype))
    scale = config.logit_scale(keys.shape[1])
    logits = (queries @ keys.T) * jnp.asarray(scale, queries.dtype)
    logits = soft_cap(config.attention_soft_cap, logits)
    limits = jnp.finfo(logits.dtype)
    lowest = jnp.asarray(float(limits.min) / 2, logits.dtype)
    shift = jax.lax.stop_gradient(jnp.max(jnp.where(seen & counted, logits, lowest), axis=1, keepdims=True))
    highest = jnp.asarray(math.log(float(limits.max)) / 2, logits.dtype)
    return jnp.exp(jnp.minimum(jnp.where(seen, logits, lowest) - shift, highest))


def weighted_attention(
    config: DecoderConfig,
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    mask: Bool[Array, "t n"],
    gates: DemonstrationGates,
) -> Float[Array, "t dv"]:
    r"""One head with rates, with gates, or both.

    $$a_{tj} = \frac{\eta_{tj}\,\kappa(k_j, q_t)}{\sum_l \eta_{tl}\,\kappa(k_l, q_t)},\qquad
    o_t = \sum_j a_{tj} v_j,\qquad
    o_t^c = o_t^0 + \sum_{i} c_i \sum_{j\in i} a_{tj}\,(v_j - o_t^0)$$

    with $\eta_{tj} = \eta_i$ where token j is of a demonstration i before the query's own segment, else one, and the
    zero-shot output $o^0_t$ from the query's own segment alone. A bias $\log\eta_i$ on the logits would do the same,
    but would have no derivative at $\eta_i = 0$.

    Args:
        config: the decoder.
        queries: of the last t tokens.
        keys: of all tokens.
        values: likewise.
        mask: which keys each query sees.
        gates: of the demonstrations in this head.
    """
    t = queries.shape[0]
    own = gates.own(t)
    entries = kernel_entries(config, queries, keys, mask, jnp.ones_like(mask))
    if gates.rates is not None:
        rates = gates.each(gates.rates.astype(entries.dtype), t)
        entries = rates * kernel_entries(config, queries, keys, mask, rates > 0)
    normaliser = jnp.sum(entries, axis=1, keepdims=True)
    if gates.contributions is None:
        return (entries @ values) / normaliser
    alone = kernel_entries(config, queries, keys, mask & own, own)
    zero_shot = (alone @ values) / jnp.sum(alone, axis=1, keepdims=True)
    of_token = gates.each(gates.contributions.astype(entries.dtype), t)
    gated = jnp.where(own, jnp.zeros((), entries.dtype), of_token * (entries / normaliser))
    return zero_shot + gated @ values - jnp.sum(gated, axis=1, keepdims=True) * zero_shot
