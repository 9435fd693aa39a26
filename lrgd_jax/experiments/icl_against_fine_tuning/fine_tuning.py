"""Fine-tuning a decoder's own weights on the demonstrations of a prompt, and how far apart predictions are."""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder import DecoderConfig, DecoderParams, apply

__all__ = ["Optimiser", "Texts", "differences", "fine_tuned", "predictions", "text_loss", "texts"]

Optimiser = Literal["sgd", "adam"]
"""Plain gradient descent, or Adam with its usual constants (Kingma & Ba 2015, arXiv 1412.6980)."""

OPTIMISERS = {"sgd": optax.sgd, "adam": optax.adam}
TOP = 10


class Texts(NamedTuple):
    """Training texts of one length, filled up on the right.

    Attributes:
        tokens: shape [..., b, n].
        counted: one where a token's likelihood is trained on.
    """

    tokens: Int[Array, "*batches b n"]
    counted: Float[Array, "*batches b n"]


def texts(first: tuple[int, ...], pieces: list[tuple[int, ...]], outputs: list[int], length: int) -> Texts:
    """Each piece as a text of its own, after the token that begins one; its last so many tokens are trained on."""
    tokens, counted = np.zeros((len(pieces), length), np.int32), np.zeros((len(pieces), length), np.float32)
    for row, (piece, trained) in enumerate(zip(pieces, outputs, strict=True)):
        end = len(first) + len(piece)
        tokens[row, :end] = (*first, *piece)
        # nothing predicts the first token of all
        counted[row, max(end - trained, 1) : end] = 1
    return Texts(jnp.asarray(tokens), jnp.asarray(counted))


def text_loss(params: DecoderParams, config: DecoderConfig, batch: Texts) -> Float[Array, ""]:
    """The mean negative log likelihood of the counted tokens of a batch, in nats."""

    def one(tokens: Int[Array, " n"], counted: Float[Array, " n"]) -> Float[Array, ""]:
        likelihoods = jax.nn.log_softmax(apply(params, config, tokens)[:-1])
        return -jnp.sum(counted[1:] * jnp.take_along_axis(likelihoods, tokens[1:, None], axis=1)[:, 0])

    counted = batch.counted.astype(params.embedding.dtype)
    return jnp.sum(jax.vmap(one)(batch.tokens, counted)) / jnp.sum(counted[:, 1:])


@partial(jax.jit, static_argnames=("config", "rows"))
def predictions(
    params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"], start: Int[Array, ""], rows: int
) -> Float[Array, "rows vocab"]:
    """Log probabilities of the tokens that follow so many tokens of a text, from the one at `start` on."""
    logits = jax.lax.dynamic_slice_in_dim(apply(params, config, tokens), start, rows)
    return jax.nn.log_softmax(logits)


@partial(jax.jit, static_argnames=("config", "optimiser"))
def fine_tuned(
    params: DecoderParams,
    config: DecoderConfig,
    batches: Texts,
    probe: Int[Array, " q"],
    rate: Float[Array, ""],
    *,
    optimiser: Optimiser,
) -> Float[Array, "passes q vocab"]:
    """What a model predicts on the probe after each pass of training; all its weights are trained.

    Args:
        params: where training starts.
        config: the decoder.
        batches: of shape [passes, updates, b, n]: one update on each batch, in order.
        probe: tokens, read without the demonstrations.
        rate: the learning rate.
        optimiser: "sgd" or "adam".

    Returns:
        Log probabilities of the token that follows each of the probe's.
    """
    transformation = OPTIMISERS[optimiser](rate)

    def update(carry, batch: Texts):
        weights, state = carry
        gradient = jax.grad(text_loss)(weights, config, batch)
        change, state = transformation.update(gradient, state, weights)
        return (jax.tree.map(jnp.add, weights, change), state), None

    def one_pass(carry, batches: Texts):
        (weights, state), _ = jax.lax.scan(update, carry, batches)
        return (weights, state), jax.nn.log_softmax(apply(weights, config, probe))

    return jax.lax.scan(one_pass, (params, transformation.init(params)), batches)[1]


def differences(
    one: Float[np.ndarray, "q vocab"], other: Float[np.ndarray, "q vocab"]
) -> dict[str, Float[np.ndarray, " q"]]:
    r"""How far apart two predictions are, at every position.

    With probabilities P (`one`) and Q (`other`): $\mathrm{KL} = \sum P\log(P/Q)$ and Jensen-Shannon with the mixture
    $M = (P+Q)/2$, $\tfrac12\mathrm{KL}(P, M) + \tfrac12\mathrm{KL}(Q, M)$, in nats; total variation
    $\tfrac12\sum|P-Q|$; whether the likeliest token is the same; the share of the ten likeliest that are common.

    Args:
        one: log probabilities.
        other: likewise.

    Source: Lin 1991, IEEE Trans. Inf. Theory 37, eq. 3.4 (Jensen-Shannon); token overlap: Shen et al. 2024, arXiv
        2310.08540, section 4.
    """
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    p, q = np.exp(one), np.exp(other)
    mixture = np.logaddexp(one, other) - np.log(2)
    top = min(TOP, one.shape[1])
    likeliest = [np.argsort(-x, axis=1, kind="stable")[:, :top] for x in (one, other)]
    common = [len(np.intersect1d(a, b)) / top for a, b in zip(*likeliest, strict=True)]
    return {
        "kl": np.sum(p * (one - other), axis=1),
        "total_variation": np.sum(np.abs(p - q), axis=1) / 2,
        "jensen_shannon": (np.sum(p * (one - mixture), axis=1) + np.sum(q * (other - mixture), axis=1)) / 2,
        "top_1": (likeliest[0][:, 0] == likeliest[1][:, 0]).astype(np.float64),
        "top_10": np.asarray(common),
    }
