"""One forward pass over a prompt, and what its heads say about each demonstration at the tokens that predict."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.decoder.attention import Heads, append_null_key, attend
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.forward import embed, run_layers
from lrgd_jax.decoder.weighted_attention import kernel_entries
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.positions import visible

__all__ = ["PromptActivations", "record_activations"]


class PromptActivations(NamedTuple):
    """Of an ordinary forward pass, all rates one; means over the tokens that predict the target.

    Attributes:
        attention: the mass of each head's weights on each demonstration, shape [L, h, N].
        contributions: the norm of what each demonstration adds to the residual stream by each head, before a
            post-norm, [L, h, N].
        hidden: the residual stream before each layer, shape [L, n, m].
    """

    attention: Float[Array, "L h N"]
    contributions: Float[Array, "L h N"]
    hidden: Float[Array, "L n m"]


@jax.jit
def record_activations(loss: PromptLoss) -> PromptActivations:
    """Runs the prompt once."""
    n, segments = loss.tokens.shape[0], loss.segments - loss.always_seen
    members = (segments[:, None] == jnp.arange(loss.demonstrations, dtype=segments.dtype)[None, :]).astype(loss.dtype)
    # the query and what is always seen make the zero-shot prompt
    own = (segments < 0) | (segments == loss.demonstrations)
    at = loss.places - 1

    def attention(
        i: int, config: DecoderConfig, heads: Heads
    ) -> tuple[Float[Array, "h n dv"], tuple[Float[Array, "h a N"], Float[Array, "h a N"]]]:
        mask, output = visible(n, n, causal=True, window=config.window), loss.params.layers[i].heads.output
        asking = heads._replace(queries=heads.queries[:, at])
        return attend(config, *heads, mask), _masses_and_norms(config, asking, output, mask[at], own, members)

    stream = run_layers(attention, loss.params, loss.config, embed(loss.params, loss.tokens), jnp.arange(n))
    masses, norms = (jnp.stack(parts) for parts in zip(*stream.kept, strict=True))
    hidden = jnp.stack(stream.before)
    mean = partial(jnp.einsum, "a,Lhai->Lhi", loss.shares)
    return PromptActivations(mean(masses), mean(norms), hidden)


def _masses_and_norms(
    config: DecoderConfig,
    heads: Heads,
    output: Float[Array, "h dv m"],
    mask: Bool[Array, "a n"],
    own: Bool[Array, " n"],
    members: Float[Array, "n N"],
) -> tuple[Float[Array, "h a N"], Float[Array, "h a N"]]:
    r"""Masses $\sum_{j\in i} a_j$ and norms $\|W_O^\top C_i\|$ with $C_i = \sum_{j\in i} a_j (v_j - o^0)$."""

    def one_head(
        q: Float[Array, "a d"], k: Float[Array, "n d"], v: Float[Array, "n dv"], out: Float[Array, "dv m"]
    ) -> tuple[Float[Array, "a N"], Float[Array, "a N"]]:
        entries = kernel_entries(config, q, k, mask, mask)
        entries = entries / jnp.sum(entries, axis=1, keepdims=True)
        alone = kernel_entries(config, q, k, mask & own[None, :], mask & own[None, :])
        zero_shot = (alone @ v) / jnp.sum(alone, axis=1, keepdims=True)
        masses = entries @ members
        sums = jnp.einsum("an,ni,nd->aid", entries, members, v) - masses[:, :, None] * zero_shot[:, None, :]
        return masses, config.residual_multiplier * jnp.linalg.norm(sums @ out, axis=2)

    keys, values = heads.keys, heads.values
    if config.attention_sinks:
        # a token of the zero-shot prompt, and of no demonstration
        keys, values, mask = append_null_key(keys, values, mask)
        own, members = jnp.pad(own, (0, 1), constant_values=True), jnp.pad(members, ((0, 1), (0, 0)))
    share = heads.queries.shape[0] // keys.shape[0]
    keys, values = jnp.repeat(keys, share, 0), jnp.repeat(values, share, 0)
    return jax.vmap(one_head)(heads.queries, keys, values, output)
