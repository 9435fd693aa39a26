"""Prompts of several demonstrations and a decoder written out around any attention, shared by claims about rates and gates."""

import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name

from lrgd_jax.decoder import DecoderParams, embed, head
from lrgd_jax.decoder.attention import attend, project_heads, read_out
from lrgd_jax.decoder.feed_forward import swiglu
from lrgd_jax.decoder.norms import rms_norm
from proofs_checks._weights import DIMENSIONS, LAYER, layer_of, trained_size

ARGUMENTS = {
    "embedding": "vocab m",
    "final_norm": "m",
    **{name: f"layers {shape}" for name, shape in LAYER.items()},
    "gates": "demonstrations",
}
"""Arguments: a decoder of any number of layers, and one number a demonstration."""

SIZES = {**DIMENSIONS, "n": (4, 6), "demonstrations": (1, 2), "layers": (1, 2), "vocab": (2, 5)}
"""Dimensions; every segment has a token."""

SHAPES = ({"n": 5, "m": 4, "g": 1, "share": 1, "pairs": 1, "f": 3, "layers": 2, "vocab": 5, "demonstrations": 2},)
"""One shape: each costs reverse passes that are compiled anew; the exact layers add the largest and the smallest."""


def positive_gates(m, gates, **rest):
    """Weights of a trained layer's size, and positive numbers for the demonstrations."""
    return {**trained_size(m, **rest), "gates": 0.25 + gates * gates}


def decoder_of(embedding, final_norm, layers, **rest):
    """The decoder whose weights are the arguments, stacked over layers."""
    stack = tuple(layer_of({name: rest[name][i] for name in LAYER}) for i in range(layers))
    return DecoderParams(embedding, stack, 1 + final_norm / 4)


def text(n, vocab):
    """Tokens, some of them repeated. The embedding is random, so which ones they are does not matter."""
    return np.arange(n) ** 2 % vocab


def segments_of_text(n, demonstrations):
    """Demonstrations and query of about equal length."""
    return np.arange(n) * (demonstrations + 1) // n


def visible_to(positions):
    """Which tokens each one sees: itself and those before it."""
    return positions[None, :] <= positions[:, None]


def through_layers(params, config, tokens, positions, attended):
    """The logits of a decoder at given positions, its attention a function of (layer, queries, keys, values)."""
    x = embed(params, jnp.asarray(tokens))
    for number, weights in enumerate(params.layers):
        normed = rms_norm(weights.attention_norm, x, config.norm_epsilon)
        outputs = attended(number, *project_heads(weights.heads, config, normed, jnp.asarray(positions)))
        x = checkpoint_name(x + read_out(weights.heads, checkpoint_name(outputs, "attended")), "residual")
        normed = rms_norm(weights.feed_forward_norm, x, config.norm_epsilon)
        x = checkpoint_name(x + swiglu(weights.feed_forward, normed), "residual")
    return head(params, rms_norm(params.final_norm, x, config.norm_epsilon))


def on_tokens(params, config, tokens, chosen, positions):
    """The ordinary decoder on some of the tokens, at given positions."""
    seen = jnp.asarray(visible_to(chosen))
    return through_layers(params, config, tokens[chosen], positions, lambda _, q, k, v: attend(config, q, k, v, seen))


def each_head(function, queries, keys, values):
    """A function of one head's queries, keys and values for every query head."""
    share = queries.shape[0] // keys.shape[0]
    return jnp.stack([function(q, keys[j // share], values[j // share]) for j, q in enumerate(queries)])
