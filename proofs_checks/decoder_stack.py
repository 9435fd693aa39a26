"""A whole decoder, from tokens to logits, is a chain of duals."""

from dataclasses import replace

import jax.numpy as jnp

from lrgd_jax.claims import Adjoint, Claim, Integers, Mutant
from lrgd_jax.decoder import DecoderParams, apply, dual_chain
from lrgd_jax.dual import segments_of
from proofs_checks._weights import LAYER, config_of, layer_of, trained_size


def decoder_of(embedding, final_norm, layers, **rest):
    """The decoder whose weights are the arguments, stacked over layers."""
    stack = tuple(layer_of({name: rest[name][i] for name in LAYER}) for i in range(layers))
    return DecoderParams(embedding, stack, 1 + final_norm / 4)


def logits(tokens, **rest):
    return apply(decoder_of(**rest), config_of(**rest), tokens)


def chain(tokens, n, demonstrations, **rest):
    return dual_chain(decoder_of(**rest), config_of(**rest), tokens, segments_of(n, min(demonstrations, n)))


def layers_exchanged(tokens, n, demonstrations, **rest):
    reversed_layers = {name: rest[name][::-1] for name in LAYER}
    return chain(tokens, n, demonstrations, **{**rest, **reversed_layers})


def no_step_on_the_demonstrations(tokens, n, demonstrations, **rest):
    """Each segment by itself; by `rotary-position` it may as well begin at position 0."""
    parts = tokens[:demonstrations], tokens[demonstrations:n]
    return jnp.concatenate([chain(part, part.shape[0], 0, **rest) for part in parts])


def interleaved_pairs(tokens, n, demonstrations, **rest):
    config = replace(config_of(**rest), rope_layout="interleaved")
    return dual_chain(decoder_of(**rest), config, tokens, segments_of(n, demonstrations))


def final_gain_left_out(tokens, n, demonstrations, final_norm, **rest):
    return chain(tokens, n, demonstrations, final_norm=jnp.zeros_like(final_norm), **rest)


claim = Claim(
    slug="decoder-stack",
    title="A decoder is a chain of dual models: the same logits, the same greedy token",
    group="A",
    statement=r"""
For a decoder of any number of layers, with tied or untied head, the logits at every token are those of the chain in which
each layer and head is a dual model: $f_0$ from the token's own segment, one step on the segments before it, layer on layer.
Equal logits have the same largest entry, so greedy generation is the same, token for token.
""",
    assumptions=(
        "in floating point the greedy token is the same where the gap between the two largest logits exceeds the tolerance",
    ),
    proof=r"""
Induction over layers: the embedding is the same on both sides; `decoder-layer` carries equality of the residual stream from
one layer to the next; the last norm is a readout (`feed-forward-readout`) and the head is linear. Greedy generation:
induction over tokens, each prefix being the same on both sides. $\square$
""",
    source="composition of the claims named",
    arguments={
        "tokens": Integers("n", below="vocab"),
        "embedding": "vocab m",
        "final_norm": "m",
        **{name: f"layers {shape}" for name, shape in LAYER.items()},
    },
    dimensions={
        "n": (1, 5),
        "m": (2, 4),
        "g": (1, 2),
        "share": (1, 2),
        "pairs": (1, 2),
        "f": (1, 4),
        "layers": (1, 2),
        "vocab": (2, 5),
        "demonstrations": (0, 4),
    },
    shapes=(
        {
            "n": 5,
            "m": 4,
            "g": 1,
            "share": 2,
            "pairs": 2,
            "f": 6,
            "layers": 2,
            "vocab": 7,
            "demonstrations": 3,
        },
    ),
    given=trained_size,
    left=logits,
    right=chain,
    tolerance=Adjoint(),
    mutants=(
        Mutant("the layers in the wrong order", layers_exchanged),
        Mutant("no step on the demonstrations", no_step_on_the_demonstrations),
        Mutant("rotary pairs interleaved on one side", interleaved_pairs),
        Mutant("the final gain is left out", final_gain_left_out),
    ),
)
