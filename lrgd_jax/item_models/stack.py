r"""A stack of layers over one episode: from a history and demonstrations to scores of all items.

Inputs x are histories, recent items weighing more, text and signature each of length one. Before any demonstration
$f_0(x) = W_0x$ with a scalar for each block: what is like the history. Layer $\ell$ reads $r_i = y_i - f_{\ell-1}(x_i)$
and changes f at the demonstrations and at the question, so that K layers are K steps on
$L = \frac12\sum_i\lVert y_i - f(x_i)\rVert^2$. Item j scores $\langle f_L(q), C\,y_j\rangle$, C a scalar a block.
"""

# the stubs of jax leave parts of array functions without types
# pyright: reportUnknownMemberType=false

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.item_models.layers import LAYERS, Demonstrations, Scalars, features

__all__ = ["Design", "Items", "Params", "blocks", "initial", "inputs", "predictions", "scores"]

Params: TypeAlias = dict[str, Scalars]
"""The scalars of a stack: those that all layers share under "shared", those of layer 0, 1, … under "layer0", …"""

SHARED = {"text_prior": 0.5, "signature_prior": 0.0, "text_readout": 1.5, "signature_readout": 2.3}
"""The entries of W_0, and the logarithms of those of C, before training."""
DECAY = 0.8
"""gamma, that of the recommender's keys: an item weighs less with every item that came after it."""


@dataclass(frozen=True)
class Design:
    """What a stack is made of.

    Attributes:
        kind: of its layers, a name in `LAYERS`.
        layers: how many.

    Raises:
        ValueError: the kind is unknown, or there is no layer.

    Examples:
        >>> Design("softmax", 2).name
        'softmax x 2'
    """

    kind: str = "softmax"
    layers: int = 1

    def __post_init__(self) -> None:
        if self.kind not in LAYERS:
            raise ValueError(f"unknown kind {self.kind!r} of layers; expected one of {', '.join(LAYERS)}")
        if self.layers < 1:
            raise ValueError(f"a stack has at least one layer, got {self.layers}")

    @property
    def name(self) -> str:
        """Kind and depth."""
        return f"{self.kind} x {self.layers}"


class Items(NamedTuple):
    """The items of an episode.

    Attributes:
        vectors: text, then signature, each of length one (or zero, where there is no text); shape [items, d].
        text_width: where the text ends.
    """

    vectors: Float[Array, "items d"]
    text_width: int


def initial(design: Design) -> Params:
    """The scalars before training."""
    layer = {"mix": 0.0, **LAYERS[design.kind].start}
    named = {"shared": SHARED, **{f"layer{k}": layer for k in range(design.layers)}}
    return {part: {name: jnp.float32(x) for name, x in own.items()} for part, own in named.items()}


def blocks(width: int, text_width: int, text: Float[Array, ""], signature: Float[Array, ""]) -> Float[Array, " d"]:
    """A number for each coordinate: one on the text, another on the signature."""
    return jnp.where(jnp.arange(width) < text_width, text, signature)


def inputs(
    items: Items, histories: Int[Array | np.ndarray, "n window"], ages: Int[Array | np.ndarray, "n window"]
) -> Float[Array, "n d"]:
    r"""Histories as inputs: $\sum_a\gamma^a u_{h_a}$, text and signature each of length one, or zero.

    Args:
        items: of the episode.
        histories: items, negative where there is none.
        ages: how many items of later baskets each has.
    """
    weights = jnp.where(jnp.asarray(histories) >= 0, DECAY ** jnp.asarray(ages, jnp.float32), 0)
    rows = jnp.maximum(jnp.asarray(histories), 0)
    total = jnp.zeros((rows.shape[0], items.vectors.shape[1]), jnp.float32)
    for place in range(rows.shape[1]):
        total = total + weights[:, place, None] * items.vectors[rows[:, place]]
    return jnp.concatenate([_unit(x) for x in jnp.split(total, [items.text_width], axis=1)], axis=1)


def predictions(
    params: Params,
    design: Design,
    text_width: int,
    question: Float[Array, " d"],
    shown: Float[Array, "n d"],
    targets: Float[Array, "n d"],
    there: Bool[Array, " n"],
) -> Float[Array, "layers1 d"]:
    """F at the question before the first layer and after each.

    Args:
        params: the scalars.
        design: of the stack.
        text_width: where the text of a vector ends.
        question: its input.
        shown: the inputs of the demonstrations.
        targets: their targets' vectors.
        there: which places hold a demonstration.
    """
    shared, hidden = params["shared"], there[:, None]
    prior = blocks(question.shape[0], text_width, shared["text_prior"], shared["signature_prior"])
    points = jnp.concatenate([jnp.where(hidden, shown, 0), question[None]])
    values = points * prior[None]
    after = [values[-1]]
    for k in range(design.layers):
        own = params[f"layer{k}"]
        read = features(own, points, text_width)
        residuals = jnp.where(hidden, targets - values[:-1], 0)
        values = values + LAYERS[design.kind].change(own, read, Demonstrations(read[:-1], residuals, there))
        after.append(values[-1])
    return jnp.stack(after)


def scores(params: Params, items: Items, outputs: Float[Array, "*n d"]) -> Float[Array, "*n items"]:
    """What each item scores where f has these values."""
    shared = params["shared"]
    readout = blocks(
        items.vectors.shape[1], items.text_width, jnp.exp(shared["text_readout"]), jnp.exp(shared["signature_readout"])
    )
    return (outputs * jnp.broadcast_to(readout, outputs.shape)) @ items.vectors.T


def _unit(rows: Float[Array, "n d"]) -> Float[Array, "n d"]:
    size = jnp.sum(rows**2, axis=1, keepdims=True)
    return jnp.where(size > 0, rows * jax.lax.rsqrt(jnp.where(size > 0, size, 1)), 0)
