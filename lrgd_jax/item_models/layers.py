r"""Layers that learn from demonstrations: each takes what is still unexplained of the targets and says what to add.

A layer gets the demonstrations' inputs $x_i$, their residuals $r_i = y_i - f(x_i)$ and points x, and gives the change
of f at these points. All of its few numbers are scalars: since texts are rotated anew in every episode, no other map of
them can be of use. Text and signature are two blocks of an input, weighted by $\rho$ and $1 - \rho$:
$\kappa(x, x') = \rho\langle x_t, x'_t\rangle + (1 - \rho)\langle x_s, x'_s\rangle$.
"""

# the stubs of jax leave parts of array functions without types
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.delta import delta_rule_from_state
from lrgd_jax.attention.linear import linear_attention
from lrgd_jax.attention.ridge import conjugate_gradient_attention, ridge_attention
from lrgd_jax.attention.softmax import softmax_attention

__all__ = ["LAYERS", "Change", "Demonstrations", "LayerKind", "Scalars", "features"]

Scalars: TypeAlias = dict[str, Float[Array, ""]]
"""The numbers of one layer, by name; all of them may be any real number."""

DIRECT = 128
"""From more demonstrations on, ridge attention is solved by conjugate gradients."""
ITERATIONS = 64


class Demonstrations(NamedTuple):
    """What a layer reads.

    Attributes:
        inputs: features phi(x_i), whose inner products are the kernel; zero where there is no demonstration.
        residuals: r_i; zero where there is none.
        there: which of the places hold a demonstration.
    """

    inputs: Float[Array, "n d"]
    residuals: Float[Array, "n d"]
    there: Bool[Array, " n"]


Change: TypeAlias = Callable[[Scalars, Float[Array, "t d"], Demonstrations], Float[Array, "t d"]]
"""The change of f at points that are given by their features."""


class LayerKind(NamedTuple):
    """A kind of layer.

    Attributes:
        change: what it adds.
        start: its scalars before training.
        says: one sentence.
    """

    change: Change
    start: Mapping[str, float]
    says: str


def features(scalars: Scalars, x: Float[Array, "n d"], text_width: int) -> Float[Array, "n d"]:
    """Inputs scaled block by block, so that their inner products are the layer's kernel.

    Args:
        scalars: of which `mix` is read, the logit of rho.
        x: text, then signature.
        text_width: where the text ends.
    """
    text = jnp.arange(x.shape[1]) < text_width
    share = jax.nn.sigmoid(scalars["mix"])
    return x * jnp.sqrt(jnp.where(text, share, 1 - share))[None]


def _linear(scalars: Scalars, points: Float[Array, "t d"], shown: Demonstrations) -> Float[Array, "t d"]:
    return jnp.exp(scalars["step"]) * linear_attention(points, shown.inputs, shown.residuals)


def _normalised(scalars: Scalars, points: Float[Array, "t d"], shown: Demonstrations) -> Float[Array, "t d"]:
    sizes = jnp.abs(points @ shown.inputs.T).sum(axis=1, keepdims=True)
    return _linear(scalars, points, shown) / (jnp.exp(scalars["floor"]) + sizes)


def _softmax(scalars: Scalars, points: Float[Array, "t d"], shown: Demonstrations) -> Float[Array, "t d"]:
    # with a null demonstration there is always something to see; it has the residual zero
    keys = jnp.concatenate([shown.inputs * jnp.exp(scalars["sharpness"]), jnp.zeros_like(points[:1])])
    values = jnp.concatenate([shown.residuals, jnp.zeros_like(points[:1])])
    bias = jnp.append(jnp.zeros(len(shown.there), points.dtype), scalars["null"])
    mask = jnp.append(shown.there, jnp.ones(1, bool))
    rows = (points.shape[0], len(mask))
    outputs = softmax_attention(
        points, keys, values, scale=1.0, bias=jnp.broadcast_to(bias, rows), mask=jnp.broadcast_to(mask, rows)
    )
    return jnp.exp(scalars["step"]) * outputs


def _ridge(scalars: Scalars, points: Float[Array, "t d"], shown: Demonstrations) -> Float[Array, "t d"]:
    ridge = jnp.exp(scalars["ridge"])
    if shown.inputs.shape[0] <= DIRECT:
        return ridge_attention(points, shown.inputs, shown.residuals, ridge)
    return conjugate_gradient_attention(points, shown.inputs, shown.residuals, ridge, iterations=ITERATIONS)


def _delta(scalars: Scalars, points: Float[Array, "t d"], shown: Demonstrations) -> Float[Array, "t d"]:
    # the best demonstration is written last
    keys, values, there = (x[::-1] for x in shown)
    strengths = jnp.where(there, 2 * jax.nn.sigmoid(scalars["strength"]), 0)
    kept = jax.nn.sigmoid(scalars["kept"]) if "kept" in scalars else jnp.ones(())
    decays = jnp.where(there, kept, 1).astype(keys.dtype)
    empty = jnp.zeros((values.shape[1], keys.shape[1]), values.dtype)
    state = delta_rule_from_state(keys, keys, values, strengths, decays, state=empty)[1]
    return points @ state.T


LAYERS: Mapping[str, LayerKind] = MappingProxyType(
    {
        "linear": LayerKind(_linear, {"step": -3.0}, "one gradient step, of one size for all"),
        "normalised": LayerKind(
            _normalised, {"step": 0.0, "floor": 0.0}, "a gradient step over e^b and the sum of the weights' sizes"
        ),
        "softmax": LayerKind(
            _softmax, {"step": 0.0, "sharpness": 1.5, "null": 0.0}, "softmax attention with a null demonstration"
        ),
        "ridge": LayerKind(_ridge, {"ridge": 0.0}, "the ridge solution"),
        "delta": LayerKind(_delta, {"strength": -1.0}, "one gradient step a demonstration, the best one last"),
        "gated-delta": LayerKind(
            _delta, {"strength": -1.0, "kept": 3.0}, "the same, forgetting a part before each step"
        ),
    }
)
"""The kinds of layers, by name."""
