"""One forward pass over a prompt, and what its heads say about each demonstration at the tokens that predict."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layers import attend, feed_forward_sum, normalised, post_norm, project_heads, read_out
from lrgd_jax.decoder.model import embed
from lrgd_jax.decoder.rates import kernel_entries
from lrgd_jax.effect.prompt import PromptLoss
from lrgd_jax.positions import visible

__all__ = ["Observation", "observe"]


class Observation(NamedTuple):
    """Of an ordinary forward pass, all rates one; means over the tokens that predict the target.

    Attributes:
        attention: the mass of each head's weights on each demonstration, shape [L, h, N].
        contributions: the norm of what each demonstration adds to the residual stream by each head, [L, h, N].
        hidden: the residual stream before each layer, shape [L, n, m].
    """

    attention: Float[Array, "L h N"]
    contributions: Float[Array, "L h N"]
    hidden: Float[Array, "L n m"]


@jax.jit
def observe(loss: PromptLoss) -> Observation:
    """Runs the prompt once."""
    n, segments = loss.tokens.shape[0], loss.segments - loss.always_seen
    members = (segments[:, None] == jnp.arange(loss.demonstrations)[None, :]).astype(loss.dtype)
    # the query and what is always seen make the zero-shot prompt
    own = (segments < 0) | (segments == loss.demonstrations)
    x, found = embed(loss.params, loss.tokens), []
    for i, weights in enumerate(loss.params.layers):
        config = loss.config.of_layer(i)
        normed = normalised(config, weights.attention_norm, weights.attention_norm_bias, x)
        queries, keys, values = project_heads(weights.heads, config, normed, jnp.arange(n))
        mask = visible(n, n, causal=True, window=config.window)
        at = loss.places - 1
        found.append((*_heads(config, queries[:, at], keys, values, weights.heads.output, mask[at], own, members), x))
        attended = read_out(weights.heads, attend(config, queries, keys, values, mask))
        x = feed_forward_sum(weights, config, x, post_norm(config, weights.attention_post_norm, attended))
    masses, norms, hidden = (jnp.stack(parts) for parts in zip(*found, strict=True))
    mean = partial(jnp.einsum, "a,Lhai->Lhi", loss.shares)
    return Observation(mean(masses), mean(norms), hidden)


def _heads(
    config: DecoderConfig, queries: Array, keys: Array, values: Array, output: Array, mask: Array, own: Array, members
) -> tuple[Float[Array, "h a N"], Float[Array, "h a N"]]:
    r"""Masses $\sum_{j\in i} a_j$ and norms $\|W_O^\top C_i\|$ with $C_i = \sum_{j\in i} a_j (v_j - o^0)$."""

    def one_head(q: Float[Array, "a d"], k: Float[Array, "n d"], v: Float[Array, "n dv"], out: Float[Array, "dv m"]):
        entries = kernel_entries(config, q, k, mask, mask)
        entries = entries / jnp.sum(entries, axis=1, keepdims=True)
        alone = kernel_entries(config, q, k, mask & own[None, :], mask & own[None, :])
        zero_shot = (alone @ v) / jnp.sum(alone, axis=1, keepdims=True)
        masses = entries @ members
        sums = jnp.einsum("an,ni,nd->aid", entries, members, v) - masses[:, :, None] * zero_shot[:, None, :]
        return masses, jnp.linalg.norm(sums @ out, axis=2)

    repeat = queries.shape[0] // keys.shape[0]
    return jax.vmap(one_head)(queries, jnp.repeat(keys, repeat, 0), jnp.repeat(values, repeat, 0), output)
