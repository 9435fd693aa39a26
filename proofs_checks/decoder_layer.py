"""A whole decoder layer, norms, grouped heads, residual sums and SwiGLU, is a link of duals."""

from dataclasses import replace

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.decoder import dual_layer, layer
from lrgd_jax.dual import segments_of
from proofs_checks._weights import DIMENSIONS, LAYER, config_of, layer_of, trained_size


def forward(x, **rest):
    return layer(layer_of(rest), config_of(**rest), x)


def link_of_duals(x, n, demonstrations, **rest):
    return dual_layer(layer_of(rest), config_of(**rest), x, segments_of(n, min(demonstrations, n)))


def no_step_on_the_demonstrations(x, n, demonstrations, **rest):
    """Each segment by itself; by `rotary-position` it may as well begin at position 0."""
    parts = x[:demonstrations], x[demonstrations:n]
    return jnp.concatenate([link_of_duals(part, part.shape[0], 0, **rest) for part in parts])


def interleaved_pairs(x, n, demonstrations, **rest):
    config = replace(config_of(**rest), rope_layout="interleaved")
    return dual_layer(layer_of(rest), config, x, segments_of(n, demonstrations))


def no_residual(x, n, demonstrations, **rest):
    return link_of_duals(x, n, demonstrations, **rest) - x


def norms_exchanged(x, n, demonstrations, attention_norm, feed_forward_norm, **rest):
    exchanged = {"attention_norm": feed_forward_norm, "feed_forward_norm": attention_norm}
    return link_of_duals(x, n, demonstrations, **exchanged, **rest)


claim = Claim(
    slug="decoder-layer",
    title="A decoder layer is a link of dual models",
    group="A",
    statement=r"""
A pre-norm layer with RMSNorm, RoPE, grouped-query softmax attention, residual sums and SwiGLU,
$$x' = x + \sum_j W_O^{j\top}\mathrm{Attn}^j(\mathrm{Norm}_1 x),\qquad x'' = x' + \mathrm{SwiGLU}(\mathrm{Norm}_2 x'),$$
equals, at every token and for every split of the text into segments,
$$x' = x + \sum_j W_O^{j\top} f_1^{g(j)}(R_tW_Q^{j\top}R(x)x),\qquad x'' = x' + A(R_2(x')x')\,R_2(x')\,x',$$
with $f_0$ from the token's own segment and one functional step on all earlier segments.
""",
    assumptions=("any number of segments in the order of the tokens",),
    proof=r"""
`grouped-query` with `rotary-position` turns each attention into duals on the rotated keys; the causal mask makes the
visible tokens those of the own segment up to $t$ (context) and all earlier segments (demonstrations), and
`softmax-attention` holds for every such division. `feed-forward-readout` replaces norms and SwiGLU by their matrices.
Residual sums are the same on both sides. $\square$
""",
    source="composition of the claims named; architecture: Touvron et al. 2023, arXiv 2302.13971",
    arguments={"x": "n m", **LAYER},
    dimensions=DIMENSIONS,
    shapes=(
        {"n": 5, "m": 4, "g": 2, "share": 2, "pairs": 1, "f": 6, "demonstrations": 3},
        {"n": 3, "m": 6, "g": 1, "share": 2, "pairs": 2, "f": 4, "demonstrations": 2},
    ),
    given=trained_size,
    left=forward,
    right=link_of_duals,
    mutants=(
        Mutant("no step on the demonstrations", no_step_on_the_demonstrations),
        Mutant("rotary pairs interleaved on one side", interleaved_pairs),
        Mutant("the residual is left out", no_residual),
        Mutant("the two norms exchanged", norms_exchanged),
    ),
)
