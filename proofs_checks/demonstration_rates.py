"""A learning rate for each demonstration in every layer: one is the forward pass, zero is the prompt without it."""

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.attention import SoftmaxAttention
from lrgd_jax.claims import Adjoint, Claim, Mutant, alter
from lrgd_jax.decoder import apply
from lrgd_jax.dual import TokenRoles, dual_of, token_roles
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


def prompt(n, vocab, demonstrations, **rest):
    """The decoder, its config, tokens, segments, and the tokens outside the last demonstration."""
    segments = segments_of_text(n, demonstrations)
    kept = np.flatnonzero(segments != demonstrations - 1)
    return decoder_of(**rest), config_of(vocab=vocab, **rest), text(n, vocab), segments, kept


def with_rates(gates, demonstrations, **rest):
    """The forward pass with all rates one, with the last one zero, and with any rates."""
    params, config, tokens, segments, kept = prompt(demonstrations=demonstrations, **rest)

    def run(rates):
        return apply(params, config, jnp.asarray(tokens), rates=rates, segments=jnp.asarray(segments))

    last = jnp.asarray(np.arange(demonstrations) < demonstrations - 1, gates.dtype)
    one, zero, any_rates = jax.vmap(run)(jnp.stack([jnp.ones_like(gates), last, gates]))
    return {"one": one, "last zero": zero[kept], "any": any_rates}


def weighted_duals(segments, of_token, inside=False, only=None):
    """In every head and for every query one functional dual, its samples weighted by the rates."""
    seen = jnp.asarray(visible_to(np.arange(len(segments))))
    dual = dual_of(SoftmaxAttention(causal=True))
    plain = token_roles(seen, jnp.asarray(segments, jnp.int32), ordered=True, dtype=of_token.dtype)
    own = plain.context * of_token[None, :] if inside else plain.context
    weighted = TokenRoles(own, plain.demonstrations * of_token[None, :])

    def one_layer(number, queries, keys, values):
        role = weighted if only is None or number in only else plain

        def one_head(q, k, v):
            def one_query(point, role):
                model = dual.build(k, v, role)
                return dual.predict(model, model.train(), role, point)

            return jax.vmap(one_query)(q, role)

        return each_head(one_head, queries, keys, values)

    return one_layer


def duals(gates, n, demonstrations, inside=False, only=None, closed_up=False, **rest):
    params, config, tokens, segments, kept = prompt(n=n, demonstrations=demonstrations, **rest)
    every, of_token = np.arange(n), jnp.concatenate([gates, jnp.ones_like(gates[:1])])[segments]
    attended = weighted_duals(segments, of_token, inside, only)
    return {
        "one": on_tokens(params, config, tokens, every, every),
        "last zero": on_tokens(params, config, tokens, kept, np.arange(len(kept)) if closed_up else kept),
        "any": through_layers(params, config, tokens, every, attended),
    }


def numerator_alone(gates, n, demonstrations, **rest):
    """The normaliser counts every demonstration fully."""
    correct = duals(gates, n, demonstrations, **rest)
    params, config, tokens, segments, _ = prompt(n=n, demonstrations=demonstrations, **rest)
    of_token = jnp.concatenate([gates, jnp.ones_like(gates[:1])])[segments]
    own, seen = segments[None, :] == segments[:, None], visible_to(np.arange(n))

    def one_head(q, k, v):
        entries = jnp.where(seen, jnp.exp(q @ k.T / jnp.sqrt(jnp.asarray(k.shape[1], k.dtype))), 0)
        rates = jnp.where(own, jnp.ones_like(entries), of_token[None, :])
        return (rates * entries) @ v / jnp.sum(entries, axis=1, keepdims=True)

    wrong = through_layers(params, config, tokens, np.arange(n), lambda _, q, k, v: each_head(one_head, q, k, v))
    return {**correct, "any": wrong}


claim = Claim(
    slug="demonstration-rates",
    title="A learning rate for each demonstration in every layer: one is the forward pass, zero its removal",
    group="D",
    statement=r"""
In every layer and head let each query $t$ outside demonstration $i$ see the kernel entries of its tokens times $\eta_i\ge0$, in numerator and normaliser, and nothing change inside a segment:
$$o_t = \frac{\sum_j\eta_{tj}\,\kappa(k_j,q_t)\,v_j}{\sum_j\eta_{tj}\,\kappa(k_j,q_t)},\qquad \eta_{tj} = \begin{cases}1 & s(j) = s(t)\\ \eta_{s(j)} & s(j) < s(t).\end{cases}$$
Then, through all layers, (1) $\eta = 1$ gives the ordinary logits; (2) $\eta_i = 0$ gives, at every token outside demonstration $i$, the logits of the prompt without it, the others keeping their positions;
(3) for any $\eta$ every head's output is that of its functional dual with $\eta_{s(j)}$ as the sample weight of $(k_j,[v_j;1])$.
""",
    assumptions=(
        "causal attention; every query sees itself, so no normaliser is zero",
        "tokens before the first demonstration, such as the one that begins the text, belong to a segment and go with it",
    ),
    proof=r"""
(1) All factors are one. (2) By induction over layers the residual stream at tokens outside $i$ is that of the prompt without $i$: norms and feed-forward blocks act token by token, and in attention the terms of $i$
vanish from both sums, while keys, queries and values of the others are the same, rotated to the same positions. Inside $i$ the stream goes on, but nobody outside reads it.
(3) The step of the functional dual on $-rac1\eta\sum_j\eta_{s(j)}\langle[v_j;1],f(k_j)
angle$ from $f_0$ of the own segment adds $\eta_{s(j)}[v_j;1]\,\kappa(k_j,\cdot)$ (claim `softmax-attention`); its ratio
at $q_t$ is $o_t$. $\square$

$\eta_i$ is a bias $\log\eta_i$ on the logits; multiplied, it has a derivative at zero too.
""",
    source="ours; weights of demonstrations as sample weights: claim `normalised-linear-attention`",
    arguments=ARGUMENTS,
    dimensions=SIZES,
    shapes=SHAPES,
    given=positive_gates,
    left=with_rates,
    right=duals,
    tolerance=Adjoint("names"),
    mutants=(
        Mutant("the rate acts inside the demonstration too", alter(duals, inside=True)),
        Mutant("rates in the first layer only", alter(duals, only=(0,))),
        Mutant("the others' positions are closed up", alter(duals, closed_up=True)),
        Mutant("rates in the numerator alone", numerator_alone),
    ),
)
