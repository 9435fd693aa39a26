r"""The whole decoder as a chain of dual models, layer on layer.

In every layer and key-value head a dual model is built: $W_0$ (softmax: $f_0$) from the query's own segment, its
zero-shot context; the keys and values of earlier segments, the demonstrations, are the training set; one step is
taken by `jax.grad` of the written loss; the heads of a group predict with that one model, each at its own test point.
Norms and feed-forward blocks are the state-dependent linear readouts of `lrgd_jax.decoder.readout`. Nothing here calls
attention, norm or feed-forward of the ordinary forward pass, with which the logits agree.
"""

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from lrgd_jax.attention.forms import LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.attention.heads import HeadWeights, project
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layers import LayerWeights
from lrgd_jax.decoder.model import DecoderParams, check_length, embed
from lrgd_jax.decoder.readout import apply_feed_forward, apply_rms_norm
from lrgd_jax.dual.correspondence import dual_of
from lrgd_jax.dual.head import HeadDual
from lrgd_jax.dual.roles import Roles, roles, segments_of
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import visible

__all__ = ["dual_attention", "dual_chain", "dual_layer", "head_dual"]


def head_dual(config: DecoderConfig) -> HeadDual:
    """The dual of what every head of the decoder computes."""
    if config.attention == "linear":
        return dual_of(LinearAttention(elu_plus_one, causal=True, normalised=True))
    rotary = Rotary(config.rope_theta, config.rope_layout, scaling=config.rope_scaling)
    return dual_of(SoftmaxAttention(causal=True, rotary=rotary))


def dual_attention(
    heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"], segments: Int[Array, " n"]
) -> Float[Array, "n m"]:
    r"""$\sum_h W_O^{h\top} f_1^{g(h)}(q^h) + b_O$ for every token: one dual a group, one test point a head."""
    n, g = x.shape[0], heads.groups
    dual = head_dual(config)
    points = checkpoint_name(jax.vmap(dual.inputs)(project(heads.query, heads.query_bias, x)), "heads")
    inputs = checkpoint_name(jax.vmap(dual.inputs)(project(heads.key, heads.key_bias, x)), "heads")
    values = checkpoint_name(project(heads.value, heads.value_bias, x), "heads")
    role = roles(visible(n, n, causal=True), segments, ordered=True, dtype=x.dtype)

    def one_group(
        points: Float[Array, "share n d"], inputs: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "share n dv"]:
        def one_query(role: Roles, points: Float[Array, "share d"]) -> Float[Array, "share dv"]:
            model = dual.build(inputs, values, role)
            trained = model.train()
            return jax.vmap(lambda point: dual.predict(model, trained, role, point))(points)

        return jax.vmap(one_query, in_axes=(0, 1), out_axes=1)(role, points)

    grouped = jax.vmap(one_group)(points.reshape(g, heads.heads // g, *points.shape[1:]), inputs, values)
    outputs = checkpoint_name(grouped.reshape(heads.heads, *grouped.shape[2:]), "attended")
    mixed = jnp.einsum("hnd,hdm->nm", outputs, heads.output)
    return mixed if heads.output_bias is None else mixed + heads.output_bias[None, :]


def dual_layer(
    weights: LayerWeights, config: DecoderConfig, x: Float[Array, "n m"], segments: Int[Array, " n"]
) -> Float[Array, "n m"]:
    """One layer as a link of the chain; on the same input it returns what `lrgd_jax.decoder.layer` does.

    Args:
        weights: of the layer.
        config: the decoder.
        x: the residual stream.
        segments: of each token, not decreasing; see `split_tokens`.
    """
    normed = apply_rms_norm(weights.attention_norm, x, config.norm_epsilon)
    x = checkpoint_name(x + dual_attention(weights.heads, config, normed, segments), "residual")
    normed = apply_rms_norm(weights.feed_forward_norm, x, config.norm_epsilon)
    return checkpoint_name(x + apply_feed_forward(weights.feed_forward, normed), "residual")


def dual_chain(
    params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"], segments: Int[Array, " s"]
) -> Float[Array, "n vocab"]:
    """The logits of `lrgd_jax.decoder.apply`, computed as a chain of dual models.

    Args:
        params: of the decoder.
        config: the decoder.
        tokens: ids.
        segments: of each token, not decreasing; the last one is the query. See `split_tokens`.

    Raises:
        ValueError: there are no tokens, more than the context holds, or not one segment for each.
    """
    check_length(config, tokens.shape[0])
    segments = segments_of(tokens.shape[0], segments)
    x = embed(params, tokens)
    for weights in params.layers:
        x = dual_layer(weights, config, x, segments)
    final = apply_rms_norm(params.final_norm, x, config.norm_epsilon)
    return jnp.einsum("vm,nm->nv", params.embedding if params.head is None else params.head, final)
