"""Gates on the demonstrations' contributions in every layer: one is the forward pass, zero the prompt without any."""

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Adjoint, Claim, Mutant
from lrgd_jax.decoder import apply
from proofs_checks._prompts import (
    ARGUMENTS,
    SHAPES,
    SIZES,
    decoder_of,
    each_head,
    on_tokens,
    positive_gates,
    segments_of_text,
    text,
    through_layers,
    visible_to,
)
from proofs_checks._weights import config_of


def with_gates(gates, n, vocab, demonstrations, **rest):
    """The forward pass with all gates one, all zero, and with any gates."""
    params, config = decoder_of(**rest), config_of(vocab=vocab, **rest)
    tokens, segments = jnp.asarray(text(n, vocab)), jnp.asarray(segments_of_text(n, demonstrations))

    def run(contributions):
        return apply(params, config, tokens, contributions=contributions, segments=segments)

    one, zero, any_gates = jax.vmap(run)(jnp.stack([jnp.ones_like(gates), jnp.zeros_like(gates), gates]))
    return {"one": one, "zero": zero, "any": any_gates}


def itself_if_nothing(mask):
    """A token to which a mask leaves nothing reads itself: a mean over nothing has no value, and here it weighs nothing."""
    return jnp.asarray(mask | np.eye(len(mask), dtype=bool) & ~mask.any(axis=1, keepdims=True))


def mixture(segments, gates, minus_zero_shot=1, among_demonstrations=False, only=None):
    """Each head's output from what the query reads in each demonstration alone, and the mass of attention there."""
    n = len(segments)
    seen = visible_to(np.arange(n))
    own = seen & (segments[None, :] == segments[:, None])

    def one_layer(number, queries, keys, values):
        chosen = gates if only is None or number in only else jnp.ones_like(gates)

        def one_head(q, k, v):
            alone = softmax_attention(q, k, v, mask=jnp.asarray(own))
            output, earlier = alone, seen & ~own if among_demonstrations else seen
            for i, gate in enumerate(chosen):
                members = np.asarray(segments == i, np.float64)[:, None]
                later = jnp.asarray(np.asarray(segments > i, np.float64)[:, None], v.dtype)
                mass = later * softmax_attention(q, k, jnp.asarray(members, v.dtype), mask=itself_if_nothing(earlier))
                there = softmax_attention(q, k, v, mask=itself_if_nothing(seen & (segments[None, :] == i)))
                output = output + gate * mass * (there - minus_zero_shot * alone)
            return output

        return each_head(one_head, queries, keys, values)

    return one_layer


def mixed(gates, n, vocab, demonstrations, attended=mixture, **rest):
    params, config = decoder_of(**rest), config_of(vocab=vocab, **rest)
    tokens, segments, every = text(n, vocab), segments_of_text(n, demonstrations), np.arange(n)
    parts = [np.flatnonzero(segments == s) for s in range(demonstrations + 1)]
    return {
        "one": on_tokens(params, config, tokens, every, every),
        "zero": jnp.concatenate([on_tokens(params, config, tokens, part, part) for part in parts]),
        "any": through_layers(params, config, tokens, every, attended(segments, gates)),
    }


def zero_shot_output_kept(**everything):
    """A demonstration adds its values, but the zero-shot output loses no weight."""
    return mixed(attended=lambda segments, gates: mixture(segments, gates, minus_zero_shot=0), **everything)


def weights_among_demonstrations(**everything):
    """The weights sum to one without the query's own tokens."""
    return mixed(attended=lambda segments, gates: mixture(segments, gates, among_demonstrations=True), **everything)


def first_layer_only(**everything):
    return mixed(attended=lambda segments, gates: mixture(segments, gates, only=(0,)), **everything)


claim = Claim(
    slug="contribution-gates",
    title="Gates on the contributions: one is the forward pass, zero the prompt without demonstrations",
    group="D",
    statement=r"""
In every layer and head let $o^0_t$ be the output of query $t$ over its own segment alone, $a_{tj}$ its few-shot attention weights, and
$$o_t(c) = o^0_t+\sum_{i<s(t)}c_iC_{ti},\qquad C_{ti} = \sum_{j\in i}a_{tj}\,(v_j-o^0_t) = A_{ti}\,(o^i_t-o^0_t),$$
with $A_{ti} = \sum_{j\in i}a_{tj}$ and $o^i_t$ attention over demonstration $i$ alone. Then, through all layers, $c = 1$ gives the ordinary logits, and $c = 0$ those of every segment by itself at its positions: for the query, zero-shot.
""",
    assumptions=(
        "causal attention; every query sees itself",
        "between zero and one the weights $a$ stay those of all demonstrations: $c_i = 0$ for one $i$ is not the prompt without it",
    ),
    proof=r"""
Let $A_{t0}$ be the weight of the own segment; then $o_t = A_{t0}o^0_t+\sum_iA_{ti}o^i_t$ and $A_{t0}+\sum_iA_{ti} = 1$, so $o^0_t+\sum_iC_{ti} = o_t$. At $c = 0$ every token reads its own segment only. Induction over layers, since norms,
feed-forward blocks and residual sums act token by token. $\square$
""",
    source="the dual's contributions $C_i$, claim `effect-decomposition`; as gates on paths through all layers, ours",
    arguments=ARGUMENTS,
    dimensions=SIZES,
    shapes=SHAPES,
    given=positive_gates,
    left=with_gates,
    right=mixed,
    tolerance=Adjoint("names"),
    mutants=(
        Mutant("the zero-shot output loses no weight", zero_shot_output_kept),
        Mutant("weights among demonstrations alone", weights_among_demonstrations),
        Mutant("gates in the first layer only", first_layer_only),
    ),
)
