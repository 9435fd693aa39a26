"""What the experiment `dual-of-a-layer` measures of explicit features: heads one by one, and all in a chain."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lrgd_jax.decoder import DecoderConfig, DecoderParams, apply, dual_chain
from lrgd_jax.decoder.capture import Capture
from lrgd_jax.decoder.forward import apply_with
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.effect.finite_dual import feature_attention, finite_outputs, taylor_dimension, taylor_outputs
from lrgd_jax.experiments.dual_of_a_layer.head_steps import Seen, all_centred, scale_of
from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.experiments.shared.prompts import Prompt
from lrgd_jax.features import PositiveRandomFeatures

__all__ = ["chain_rows", "feature_rows"]

AS_THEY_ARE, CENTRED = "as they are", "centred"


def feature_rows(seen: Seen, features: Sequence[int], degrees: int, draws: int, *, seed: int) -> list[dict[str, Value]]:
    """The relative error of every head's output at the query's last token, by map and number of features."""
    last, rows = seen.query[-1], []
    role = seen.role(last)
    exact = np.asarray(seen.found.outputs[:, :, last])
    width, dtype = seen.config.head_width, seen.found.keys.dtype
    drawn = _projections(jax.random.key(seed), (draws,), max(features), width, dtype)
    moved = replace(seen.found, keys=all_centred(seen.found.keys, role))
    for kind, found in (({"keys": AS_THEY_ARE}, seen.found), ({"keys": CENTRED}, moved)):
        for r in features:
            by_draw = [np.asarray(_random_outputs(x[:r], seen.config, found, role, jnp.asarray(last))) for x in drawn]
            errors = np.median([_relative(x, exact) for x in by_draw], axis=0)
            rows += _errors(seen, errors, {"map": "random", **kind, "features": r, "dimension": float(r)})
        by_degree = _taylor_outputs(seen.config, found, role, jnp.asarray(last), degree=degrees)
        for degree, outputs in enumerate(np.asarray(by_degree)):
            dimension = float(taylor_dimension(seen.config.head_width, degree))
            labels = {"map": "Taylor", **kind, "features": degree, "dimension": dimension}
            rows += _errors(seen, _relative(outputs, exact), labels)
    return rows


def _errors(seen: Seen, errors: Float[np.ndarray, "L h"], labels: dict[str, Value]) -> list[dict[str, Value]]:
    return [
        {"measure": "features", "layer": layer, "head": j, **labels, "error": float(errors[i, j])}
        for i, layer in enumerate(seen.layers)
        for j in range(errors.shape[1])
    ]


def _relative(outputs: Float[np.ndarray, "L h dv"], exact: Float[np.ndarray, "L h dv"]) -> Float[np.ndarray, "L h"]:
    return np.linalg.norm(outputs - exact, axis=-1) / np.linalg.norm(exact, axis=-1)


@partial(jax.jit, static_argnames=("shape", "features", "width", "dtype"))
def _projections(
    key: PRNGKeyArray, shape: tuple[int, ...], features: int, width: int, dtype: jax.typing.DTypeLike
) -> Float[Array, "*shape r d"]:
    """Orthogonal rows; the first r of them serve fewer features."""

    def one(key: PRNGKeyArray) -> Float[Array, "r d"]:
        phi = PositiveRandomFeatures.draw(key, features, width, orthogonal=True, dtype=dtype)
        return jnp.asarray(phi.projection)

    number = math.prod(shape)
    return jax.lax.map(one, jax.random.split(key, number)).reshape(*shape, features, width)


@partial(jax.jit, static_argnames="config")
def _random_outputs(
    projection: Float[Array, "r d"], config: DecoderConfig, found: Capture, role: TokenRoles, at: Int[Array, ""]
) -> Float[Array, "L h dv"]:
    phi = PositiveRandomFeatures(projection)
    return _each_head(partial(finite_outputs, phi, scale_of(config)), found, role, at)


@partial(jax.jit, static_argnames=("config", "degree"))
def _taylor_outputs(
    config: DecoderConfig, found: Capture, role: TokenRoles, at: Int[Array, ""], *, degree: int
) -> Float[Array, "degrees L h dv"]:
    return _each_head(partial(taylor_outputs, degree, scale_of(config)), found, role, at, axis=1)


def _each_head(function: Callable, found: Capture, role: TokenRoles, at: Int[Array, ""], *, axis: int = 0) -> Array:
    """A function of (keys, values, role, points) for every key-value head, the heads along `axis` of its result."""
    count, h, _, d = found.queries.shape
    g = found.keys.shape[1]
    points = jnp.take(found.queries, at, axis=2).reshape(count, g, h // g, d)
    one_group = jax.vmap(lambda keys, values, points: function(keys, values, role, points), out_axes=axis)
    outputs = jax.lax.map(lambda x: one_group(*x), (found.keys, found.values, points))
    # [L, ..., g, share, dv]
    merged = outputs.reshape(*outputs.shape[: axis + 1], h, outputs.shape[-1])
    return jnp.moveaxis(merged, 0, axis)


def chain_rows(
    params: DecoderParams,
    config: DecoderConfig,
    prompt: Prompt,
    length: int,
    features: Sequence[int],
    tokens: int,
    draws: int,
) -> list[dict[str, Value]]:
    """How many of the decoder's greedy tokens the chain of duals gives, exactly and with so many features a layer.

    Every chain reads the decoder's own tokens: up to its first other token it has written the same text by itself.
    """
    start = len(prompt.tokens()) - len(prompt.target)
    written = _greedy(params, config, prompt.tokens()[:start], length, tokens)
    # segments of what fills up the prompt are the query's
    segments = np.concatenate([prompt.segments()[:start], np.full(length - start, prompt.segments()[-1])])
    exact = jax.jit(dual_chain, static_argnums=1)(params, config, written, jnp.asarray(segments, jnp.int32))
    rows = [{"chain": "exact", **_agreement(exact, written, start, tokens)}]
    told = jnp.arange(length) < start
    drawn = _projections(
        jax.random.key(0), (draws, config.layers), max(features, default=1), config.head_width, params.embedding.dtype
    )
    for r, (draw, projections) in itertools.product(features, enumerate(drawn)):
        for keys, share in ((AS_THEY_ARE, 0.0), (CENTRED, 1.0)):
            shares = jnp.asarray(share, params.embedding.dtype)
            logits = _finite_chain(params, config, written, projections[:, :r], told, shares)
            labels = {"chain": "random features", "features": r, "keys": keys, "draw": draw}
            rows.append({**labels, **_agreement(logits, written, start, tokens)})
    return [{"measure": "chain", **row} for row in rows]


def _greedy(
    params: DecoderParams, config: DecoderConfig, tokens: tuple[int, ...], length: int, steps: int
) -> Int[Array, " n"]:
    """The tokens with the decoder's greedy continuation, filled up to the length."""
    run = jax.jit(apply, static_argnums=1)
    written = np.zeros(length, np.int32)
    written[: len(tokens)] = tokens
    for at in range(len(tokens), len(tokens) + steps):
        written[at] = int(jnp.argmax(run(params, config, jnp.asarray(written))[at - 1]))
    return jnp.asarray(written)


def _agreement(logits: Float[Array, "n vocab"], written: Int[Array, " n"], start: int, tokens: int) -> dict[str, Value]:
    """The share of the greedy tokens that are the chain's choice, and how many are before the first that is not."""
    chosen = np.asarray(jnp.argmax(logits[start - 1 : start - 1 + tokens], axis=1))
    same = chosen == np.asarray(written[start : start + tokens])
    return {"agreeing": float(same.mean()), "leading": int(np.cumprod(same).sum()), "tokens": tokens}


@partial(jax.jit, static_argnames="config")
def _finite_chain(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    projections: Float[Array, "layers r d"],
    told: Bool[Array, " n"],
    share: Float[Array, ""],
) -> Float[Array, "n vocab"]:
    maps = [PositiveRandomFeatures(projection) for projection in projections]
    return apply_with(feature_attention(maps, counted=told, share=share), params, config, tokens)
