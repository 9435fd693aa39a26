"""Work that one device and two devices do alike."""

from dataclasses import replace

import jax
import jax.numpy as jnp

from lrgd_jax.decoder import apply, score_candidates

from .helpers import TINY, TOKENS

CONFIG = replace(TINY, layers=1)
SEGMENTS = jnp.asarray([0, 0, 1, 1, 1, 2, 2, 2])
POINTS = jnp.linspace(0, 1.5, 10).reshape(5, 2)
CANDIDATES = ([3], [1, 2, 3, 4], [5, 5], [7, 1, 0, 2, 4], [2])


@jax.jit
def losses(params, points):
    def one(rates):
        logits = apply(params, CONFIG, TOKENS, rates=rates, segments=SEGMENTS)
        return -jax.nn.log_softmax(logits[-2])[TOKENS[-1]]

    return jax.vmap(one)(points)


def scores(params):
    rates = jnp.asarray([0.5, 1.25])
    return score_candidates(params, CONFIG, TOKENS, CANDIDATES, rates=rates, segments=SEGMENTS, batch=1).tokens
