"""A whole decoder, from tokens to logits, is a chain of duals."""

import jax.numpy as jnp

from lrgd_jax.claims import Adjoint, Claim, Mutant, alter
from lrgd_jax.decoder import apply, dual_chain
from lrgd_jax.dual import segments_of
from proofs_checks._prompts import decoder_of
from proofs_checks._weights import DIMENSIONS, LAYER, config_of, trained_size


def text(n, vocab):
    """Tokens, some of them repeated. The embedding is random, so which ones they are does not matter."""
    return jnp.arange(n) ** 2 % vocab


def logits(n, vocab, **rest):
    return apply(decoder_of(**rest), config_of(vocab=vocab, **rest), text(n, vocab))


def chain(n, vocab, demonstrations, **rest):
    return chain_on(text(n, vocab), demonstrations, vocab=vocab, **rest)


def chain_on(tokens, demonstrations, **rest):
    segments = segments_of(tokens.shape[0], min(demonstrations, tokens.shape[0]))
    return dual_chain(decoder_of(**rest), config_of(**rest), tokens, segments)


def layers_exchanged(n, vocab, demonstrations, **rest):
    reversed_layers = {name: rest[name][::-1] for name in LAYER}
    return chain(n, vocab, demonstrations, **{**rest, **reversed_layers})


def no_step_on_the_demonstrations(n, vocab, demonstrations, **rest):
    """Each segment by itself; by `rotary-position` it may as well begin at position 0."""
    parts = text(n, vocab)[:demonstrations], text(n, vocab)[demonstrations:]
    return jnp.concatenate([chain_on(part, 0, vocab=vocab, **rest) for part in parts])


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
        "embedding": "vocab m",
        "final_norm": "m",
        **{name: f"layers {shape}" for name, shape in LAYER.items()},
    },
    dimensions={**DIMENSIONS, "layers": (1, 2), "vocab": (2, 5)},
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
    tolerance=Adjoint("names"),
    mutants=(
        Mutant("the layers in the wrong order", layers_exchanged),
        Mutant("no step on the demonstrations", no_step_on_the_demonstrations),
        Mutant("the final gain is left out", alter(chain, final_norm=jnp.zeros_like)),
    ),
)
