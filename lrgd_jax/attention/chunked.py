r"""Causal linear attention of one head over chunks, many of them at a time: matrix products within, a state between.

The chunks of a sequence are read in spans. Within a span each product is one batched product over its chunks, and only
the sums of the chunks go from one to the next. So what a span holds beside its tokens does not grow with the sequence,
and neither does the time a token takes. Derivatives compute a span anew from its tokens and the state before it, and
nothing else is kept for them. They are JAX's own in either direction: no rule is written by hand.
"""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.checks import check_decay
from lrgd_jax.attention.gated import decay_products
from lrgd_jax.attention.linear import LinearState
from lrgd_jax.attention.per_token import PerToken, every_token
from lrgd_jax.features import feature_count, identity
from lrgd_jax.positions import visible
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = ["Spans", "attend_spans", "chunked_linear_attention", "cut_spans"]

_SPAN = 512
"""Tokens of a span, more or less: enough for products that keep a core busy, few enough for its cache."""

_Memory: TypeAlias = tuple[Float[Array, "dv r"], Float[Array, " r"]]
"""The sums over values and keys, and over keys."""


class Spans(NamedTuple):
    """The tokens of one head in spans of chunks, the last ones filled up.

    Attributes:
        queries: shape [spans, chunks, chunk, d].
        keys: likewise.
        values: shape [spans, chunks, chunk, dv].
        decays: what is kept of the memory before each token, shape [spans, chunks, chunk]; None keeps all of it.
        filled: which tokens fill up the last chunks; None if none does.
    """

    queries: Float[Array, "*spans chunks chunk d"]
    keys: Float[Array, "*spans chunks chunk d"]
    values: Float[Array, "*spans chunks chunk dv"]
    decays: Float[Array, "*spans chunks chunk"] | None
    filled: Bool[Array, "*spans chunks chunk"] | None


def cut_spans(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    decays: Float[Array, " n"] | None,
    chunk: int,
) -> Spans:
    """The tokens in spans of equal size.

    Args:
        queries: one a token.
        keys: one a token.
        values: one a token.
        decays: one a token, or None.
        chunk: tokens in a chunk; all of them where there are fewer.

    Raises:
        ValueError: the chunk is empty.
    """
    if chunk < 1:
        raise ValueError(f"a chunk holds at least one token, got chunk={chunk}")
    n = keys.shape[0]
    chunk = max(1, min(chunk, n))
    chunks = -(-n // chunk)
    spans = min(chunks, -(-chunks * chunk // _SPAN))
    # as many chunks in each span as the fewest spans need, so that little is filled up
    each = -(-chunks // max(1, spans))
    filled = spans * each * chunk - n

    def cut(x: Float[Array, " n *d"]) -> Float[Array, "spans chunks chunk *d"]:
        # a copy of the last token, of which any feature map has made something already
        padded = jnp.pad(x, ((0, filled), *((0, 0),) * (x.ndim - 1)), mode="edge") if filled else x
        return padded.reshape(spans, each, chunk, *x.shape[1:])

    past_the_end = (jnp.arange(n + filled) >= n).reshape(spans, each, chunk) if filled else None
    return Spans(cut(queries), cut(keys), cut(values), None if decays is None else cut(decays), past_the_end)


def attend_spans(
    spans: Spans, state: LinearState, *, feature_map: FeatureMap, normalised: bool
) -> tuple[Float[Array, "m dv"], LinearState]:
    """The outputs of all tokens, those that fill up the last chunks included, and the state after them.

    Args:
        spans: of one head, in one format.
        state: before the first token.
        feature_map: phi.
        normalised: divide by the sum of the weights.
    """
    # within a scan nothing can be merged with what is computed anew
    one_span = jax.checkpoint(partial(_one_span, feature_map, normalised), prevent_cse=False)
    memory, outputs = jax.lax.scan(one_span, tuple(state), spans)
    return outputs.reshape(-1, outputs.shape[-1]), LinearState(*memory)


def _one_span(
    feature_map: FeatureMap, normalised: bool, memory: _Memory, span: Spans
) -> tuple[_Memory, Float[Array, "chunks chunk dv"]]:
    phi, v = jax.vmap(jax.vmap(feature_map)), span.values
    q, k = phi(span.queries), phi(span.keys)
    if span.filled is not None:
        k = jnp.where(span.filled[..., None], jnp.zeros_like(k), k)
    weights = jnp.einsum("jtr,jir->jti", q, k)
    if span.decays is None:
        sums, kept = (jnp.einsum("jiv,jir->jvr", v, k), jnp.sum(k, axis=1)), None
    else:
        a = span.decays if span.filled is None else jnp.where(span.filled, jnp.ones_like(span.decays), span.decays)
        left = jax.vmap(decay_products)(a)
        since_start = left[:, :, 0] * a[:, :1]
        weights, q, k = weights * left, q * since_start[..., None], k * left[:, -1, :, None]
        sums, kept = (jnp.einsum("jiv,jir->jvr", v, k), jnp.sum(k, axis=1)), since_start[:, -1]
    weights = jnp.where(visible(*weights.shape[1:], causal=True), weights, jnp.zeros_like(weights))
    memory, (states, normalisers) = jax.lax.scan(_one_chunk, memory, (sums, kept))
    outputs = jnp.einsum("jti,jiv->jtv", weights, v) + jnp.einsum("jtr,jvr->jtv", q, states)
    if normalised:
        outputs = outputs / (jnp.sum(weights, axis=2) + jnp.einsum("jtr,jr->jt", q, normalisers))[..., None]
    return memory, outputs


def _one_chunk(memory: _Memory, chunk: tuple[_Memory, Float[Array, ""] | None]) -> tuple[_Memory, _Memory]:
    """The memory after a chunk, and the one before it."""
    (values, normaliser), kept = chunk
    faded = memory if kept is None else (kept * memory[0], kept * memory[1])
    return (faded[0] + values, faded[1] + normaliser), memory


def chunked_linear_attention(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    decays: PerToken | None = None,
    *,
    feature_map: FeatureMap = identity,
    normalised: bool = False,
    chunk: int = 64,
) -> Float[Array, "n dv"]:
    r"""Causal linear attention, chunk by chunk: matrix products within, a state between.

    $$o_t = c_t\,S_{\text{chunks before}}\,\phi(q_t)
    + \sum_{i \le t\,\text{in the chunk}} D_{ti}\,v_i\,\phi(k_i)^\top\phi(q_t),\qquad
    c_t = \prod_{s\le t} a_s,\quad D_{ti} = \prod_{i<s\le t} a_s$$

    with products over the tokens of the chunk, all one unless there are decays. `causal_linear_attention` does the same
    for several heads, with a state in and out.

    Args:
        queries: one a token.
        keys: k_i.
        values: v_i.
        decays: a_t in [0, 1], one number or one a token; nothing is forgotten unless given.
        feature_map: phi.
        normalised: divide by the sum of the weights.
        chunk: tokens in a chunk; the last one may be shorter.

    Raises:
        ValueError: the chunk is empty, or a decay lies outside [0, 1], as its logarithm does.

    Source: Hua et al. 2022, arXiv 2202.10447, section 3.2; Yang et al. 2024, arXiv 2312.06635, eq. 4; with decays
    Sun et al. 2023, arXiv 2307.08621, eq. 7.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones, values = jnp.ones((3, 1)), jnp.array([[1.0], [2.0], [4.0]])
        >>> chunked_linear_attention(ones, ones, values, chunk=2).ravel().tolist()
        [1.0, 3.0, 7.0]
        >>> chunked_linear_attention(ones, ones, values, 0.5, chunk=2).ravel().tolist()
        [1.0, 2.5, 5.25]
    """
    check_decay("chunked_linear_attention", decays)
    q, k, v = widen(queries, keys, values)
    a = None if decays is None else every_token(decays, v)
    state = LinearState.empty(v.shape[1], feature_count(feature_map, k), v.dtype)
    outputs, _ = attend_spans(cut_spans(q, k, v, a, chunk), state, feature_map=feature_map, normalised=normalised)
    return narrow(outputs[: keys.shape[0]], queries, keys, values)
