r"""A learning rate, or a gate, for each demonstration, in every layer and head of a decoder.

A rate multiplies the kernel entries with which later tokens see a demonstration, in the numerator and in the
normaliser: the sample weights of the dual's training set. A gate multiplies what the demonstration adds to the
zero-shot output. Inside a demonstration, and inside the query, nothing changes.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.dual.roles import segments_of
from lrgd_jax.features import elu_plus_one

__all__ = ["Worth", "kernel_entries", "weighted_attention", "worth_of"]


@struct.dataclass
class Worth:
    """What each demonstration counts for the tokens after it.

    Attributes:
        segments: of each token, not decreasing; N is the query's.
        rates: eta, shape [N]; all one unless given.
        contributions: c, shape [N]; the ordinary sum unless given.
    """

    segments: Int[Array, " n"]
    rates: Float[Array, " N"] | None = None
    contributions: Float[Array, " N"] | None = None

    def own(self, queries: int) -> Bool[Array, "t n"]:
        """Which tokens belong to the segment of each query, the last tokens, or come after it."""
        return self.segments[None, :] >= self.segments[-queries:, None]

    def each(self, gates: Float[Array, " N"], queries: int) -> Float[Array, "t n"]:
        """The gate of every token for every query, one in the query's own segment."""
        of_token = jnp.concatenate([gates, jnp.ones(1, gates.dtype)])[self.segments]
        return jnp.where(self.own(queries), jnp.ones((), gates.dtype), of_token[None, :])


def worth_of(
    tokens: int,
    segments: Int[Array, " n"] | None,
    rates: Float[Array, " N"] | None,
    contributions: Float[Array, " N"] | None,
) -> Worth | None:
    """The worth of the demonstrations of a prompt; None where neither rates nor gates are given.

    Args:
        tokens: in the prompt.
        segments: of each token, from `split_tokens` or `split_text`.
        rates: one learning rate a demonstration, zero or more.
        contributions: one gate a demonstration, of any sign.

    Raises:
        ValueError: no segments, segments that do not fit the tokens, or rates or gates that do not fit the
            segments; a negative rate (known only outside a trace).
    """
    if rates is None and contributions is None:
        if segments is not None:
            raise ValueError("segments were given without rates or contributions; give one of them, or no segments")
        return None
    if segments is None:
        raise ValueError(
            "rates and contributions belong to demonstrations: give the segment of each token, from split_tokens"
        )
    segments = segments_of(tokens, segments)
    for name, gates in (("rates", rates), ("contributions", contributions)):
        if gates is not None:
            check_gates(name, gates, segments)
    if rates is not None and not isinstance(rates, Tracer) and not (np.asarray(rates) >= 0).all():
        raise ValueError(f"rates must be zero or more, got {np.asarray(rates).tolist()}; a gate may be negative")
    return Worth(segments, rates, contributions)


def check_gates(name: str, gates: Float[Array, " N"], segments: Int[Array, " n"]) -> None:
    """Raises ValueError unless there is one number for each demonstration."""
    shape = jnp.shape(gates)
    if len(shape) != 1:
        raise ValueError(f"{name} must be a vector with one number a demonstration, got shape {shape}")
    # under a trace the segments are not known
    if not isinstance(segments, Tracer):
        numbers = np.asarray(segments)
        if numbers.min() < 0 or numbers.max() != shape[0]:
            raise ValueError(
                f"{shape[0]} {name} were given, but the segments run from {numbers.min()} to {numbers.max()}: the last "
                f"is the query, so {numbers.max()} {name} are needed, one for each demonstration"
            )


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
    scale = 1 / math.sqrt(keys.shape[1]) if config.attention_scale is None else config.attention_scale
    logits = (queries @ keys.T) * jnp.asarray(scale, queries.dtype)
    if config.attention_soft_cap is not None:
        cap = jnp.asarray(config.attention_soft_cap, logits.dtype)
        logits = cap * jnp.tanh(logits / cap)
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
    worth: Worth,
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
        worth: of the demonstrations.
    """
    t = queries.shape[0]
    own = worth.own(t)
    entries = kernel_entries(config, queries, keys, mask, jnp.ones_like(mask))
    if worth.rates is not None:
        rates = worth.each(worth.rates.astype(entries.dtype), t)
        entries = rates * kernel_entries(config, queries, keys, mask, rates > 0)
    normaliser = jnp.sum(entries, axis=1, keepdims=True)
    if worth.contributions is None:
        return (entries @ values) / normaliser
    alone = kernel_entries(config, queries, keys, mask & own, own)
    zero_shot = (alone @ values) / jnp.sum(alone, axis=1, keepdims=True)
    gates = worth.each(worth.contributions.astype(entries.dtype), t)
    gated = jnp.where(own, jnp.zeros((), entries.dtype), gates * (entries / normaliser))
    return zero_shot + gated @ values - jnp.sum(gated, axis=1, keepdims=True) * zero_shot
