"""Causal linear attention of several heads at any length: one entry point, which takes the fastest way there is."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrgd_jax.attention.checks import check_sizes
from lrgd_jax.attention.chunked import attend_spans, cut_spans
from lrgd_jax.attention.gated import attend_gated
from lrgd_jax.attention.head_arguments import Decays, Heads, align_heads
from lrgd_jax.attention.linear import LinearState, recurrent_linear_attention
from lrgd_jax.features import identity
from lrgd_jax.precision import narrow
from lrgd_jax.types import FeatureMap

__all__ = ["causal_linear_attention"]


def causal_linear_attention(
    queries: Float[Array, "h n d"],
    keys: Float[Array, "g n d"],
    values: Float[Array, "g n dv"],
    *,
    feature_map: FeatureMap = identity,
    normalised: bool = False,
    decays: Decays | None = None,
    window: int | None = None,
    segments: Int[Array, " n"] | None = None,
    state: LinearState | None = None,
    chunk: int = 64,
) -> tuple[Float[Array, "h n dv"], LinearState]:
    r"""Causal linear attention of every head, with a state in and out.

    $$S_t = a_tS_{t-1} + v_t\phi(k_t)^\top,\quad z_t = a_tz_{t-1} + \phi(k_t),\quad
    o_t = S_t\phi(q_t)\;\big[/\,z_t^\top\phi(q_t)\big]$$

    Head after head, and in each by chunks (`chunked_linear_attention`): beside what comes in and goes out, memory holds
    some chunks of one head, and a token takes the same time at any length. Under `jax.vmap` and `jax.grad`, in either
    direction of derivatives, it stays that. Two things have no such form and are computed otherwise, with the same
    result: decays of single features by chunks of 16 tokens and their products of decays, which take 16 r numbers a
    token; a window token by token, and its leaving token is subtracted again.

    Args:
        queries: one a token and head.
        keys: k_t of each group of heads; h is a multiple of g.
        values: v_t likewise.
        feature_map: phi.
        normalised: divide by the sum of the weights.
        decays: a_t in [0, 1], by shape: one number, one a head [h], one a head and token [h, n], or one a head, token
            and feature [h, n, r]; nothing is forgotten unless given.
        window: how many tokens are seen; all unless given. Alone: not with decays, segments or a state.
        segments: numbers of sequences that lie one after another; a token sees none of a segment before its own. The
            first segment goes on from the state.
        state: of every head, values [h, dv, r] and normaliser [h, r]; from an earlier call, to go on from.
        chunk: tokens in a chunk, all of them where there are fewer.

    Returns:
        The outputs, and the state of every head after the last token in float32 at least.

    Raises:
        ValueError: numbers of heads, tokens, decays or segments do not fit, a head has no width, a decay lies outside
            [0, 1], the chunk is empty, or a window is given with what it cannot be combined with.

    Source: Katharopoulos et al. 2020, arXiv 2006.16236, eq. 16 to 20; by chunks Hua et al. 2022, arXiv 2202.10447,
    section 3.2; decays Yang et al. 2023, arXiv 2312.06635, section 4.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones, values = jnp.ones((1, 3, 1)), jnp.array([[[1.0], [2.0], [4.0]]])
        >>> outputs, state = causal_linear_attention(ones, ones, values)
        >>> outputs.ravel().tolist(), state.values.tolist()
        ([1.0, 3.0, 7.0], [[[7.0]]])
        >>> causal_linear_attention(ones, ones, values, state=state)[0].ravel().tolist()  # goes on from there
        [8.0, 10.0, 14.0]
        >>> causal_linear_attention(ones, ones, values, segments=jnp.array([5, 5, 6]))[0].ravel().tolist()
        [1.0, 3.0, 4.0]
    """
    check_sizes("causal_linear_attention", window=window, chunk=chunk)
    if window is not None and any(given is not None for given in (decays, segments, state)):
        raise ValueError(
            "causal_linear_attention: a window stands alone, for what leaves it would have to be kept with its decays; "
            "leave out decays, segments and state, or the window"
        )
    heads, a, before = align_heads(
        "causal_linear_attention", (queries, keys, values), decays, segments, state, feature_map
    )
    if window is not None:
        outputs, after = jax.vmap(
            partial(recurrent_linear_attention, window=window, feature_map=feature_map, normalised=normalised)
        )(*heads)
    elif a is not None and a.ndim == 3:
        outputs, after = _by_features(
            heads, a, before, chunk=min(chunk, 16), feature_map=feature_map, normalised=normalised
        )
    else:
        outputs, after = _by_chunks(heads, a, before, chunk=chunk, feature_map=feature_map, normalised=normalised)
    return narrow(outputs, queries, keys, values), after


def _by_chunks(
    heads: Heads,
    decays: Float[Array, "h n"] | None,
    state: LinearState,
    *,
    feature_map: FeatureMap,
    normalised: bool,
    chunk: int,
) -> tuple[Float[Array, "h n dv"], LinearState]:
    tokens = heads[0].shape[1]
    # cut before the loop over heads, so that derivatives keep what came in and no copy of it
    none = None if decays is None else 0
    spans = jax.vmap(partial(cut_spans, chunk=chunk), in_axes=(0, 0, 0, none))(*heads, decays)
    attend = partial(attend_spans, feature_map=feature_map, normalised=normalised)
    outputs, after = jax.lax.map(lambda head: attend(*head), (spans, state))
    return outputs[:, :tokens], after


def _by_features(
    heads: Heads,
    gates: Float[Array, "h n r"],
    state: LinearState,
    *,
    feature_map: FeatureMap,
    normalised: bool,
    chunk: int,
) -> tuple[Float[Array, "h n dv"], LinearState]:
    queries, keys, values = heads
    # the normaliser is the memory of one more value, which is always one
    values = jnp.concatenate([values, jnp.ones_like(values[:, :, :1])], axis=2)
    memory = jnp.concatenate([state.values, state.normaliser[:, None]], axis=1)
    attend = partial(attend_gated, feature_map=feature_map, chunk=chunk)
    outputs, memory = jax.lax.map(lambda head: attend(*head), (queries, keys, values, gates, memory))
    outputs, sums = outputs[:, :, :-1], outputs[:, :, -1:]
    return outputs / sums if normalised else outputs, LinearState(memory[:, :-1], memory[:, -1])
