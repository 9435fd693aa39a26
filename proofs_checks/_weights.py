"""Random weights of a trained layer's size, shared by the claims about heads and decoders."""

import jax.numpy as jnp

from lrgd_jax.attention import HeadWeights
from lrgd_jax.decoder import DecoderConfig, FeedForwardWeights, LayerWeights

HEADS = {
    "query_weights": "g*share m d",
    "key_weights": "g m d",
    "value_weights": "g m dv",
    "output_weights": "g*share dv m",
}
"""Arguments: the projections of g * share query heads over g key-value heads."""

LAYER = {
    "attention_norm": "m",
    **{name: shape.replace("dv", "d").replace(" d", " 2*pairs") for name, shape in HEADS.items()},
    "feed_forward_norm": "m",
    "gate": "f m",
    "up": "f m",
    "down": "m f",
}
"""Arguments: the weights of a decoder layer with rotary pairs."""

DIMENSIONS = {
    "n": (1, 5),
    "m": (2, 4),
    "g": (1, 2),
    "share": (1, 2),
    "pairs": (1, 2),
    "f": (1, 4),
    "demonstrations": (0, 4),
}
"""Dimensions of a decoder layer and its tokens."""


def shrunk(m, **weights):
    """Each array divided by sqrt(m), so that sums over the width stay of order one."""
    return {name: array / jnp.sqrt(jnp.asarray(m, array.dtype)) for name, array in weights.items()}


def smaller_heads(query_weights, key_weights, value_weights, output_weights, m):
    """The projections, of a trained layer's size."""
    return shrunk(
        m,
        query_weights=query_weights,
        key_weights=key_weights,
        value_weights=value_weights,
        output_weights=output_weights,
    )


def config_of(m, g, share, pairs, f, layers=1, vocab=1, **_):
    """The decoder that the dimensions describe."""
    return DecoderConfig(
        vocab_size=vocab,
        width=m,
        layers=layers,
        heads=g * share,
        kv_heads=g,
        head_width=2 * pairs,
        hidden_width=f,
        context_length=64,
        tied_head=True,
    )


def layer_of(weights):
    """The layer whose weights are the arguments, by their names."""
    names = ("query_weights", "key_weights", "value_weights", "output_weights")
    return LayerWeights(
        weights["attention_norm"],
        HeadWeights(*(weights[name] for name in names)),
        weights["feed_forward_norm"],
        FeedForwardWeights(weights["gate"], weights["up"], weights["down"]),
    )


def trained_size(m, attention_norm, feed_forward_norm, **weights):
    """Projections shrink to a trained layer's size; gains lie around one."""
    matrices = {name: weights[name] for name in LAYER if name in weights}
    gains = {"attention_norm": 1 + attention_norm / 4, "feed_forward_norm": 1 + feed_forward_norm / 4}
    return shrunk(m, **matrices) | gains
