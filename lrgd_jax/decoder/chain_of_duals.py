r"""The whole decoder as a chain of dual models, layer on layer.

In every layer and key-value head a dual model is built: $W_0$ (softmax: $f_0$) from the query's own segment, its
zero-shot context; the keys and values of earlier segments, the demonstrations, are the training set; one step is
taken by `jax.grad` of the written loss; the heads of a group predict with that one model, each at its own test point.
Norms and feed-forward blocks are the state-dependent linear readouts of `lrgd_jax.decoder.readout`. Nothing here calls
attention, norm or feed-forward of the ordinary forward pass (`lrgd_jax.decoder.forward`), with which the logits agree:
the two are the sides of a claim, so the chain has a loop over the layers of its own, on purpose.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from lrgd_jax.attention.forms import LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.attention.multi_head import HeadWeights, project
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.forward import check_length, embed
from lrgd_jax.decoder.layer_weights import HeadsWithSinks, LayerWeights, NormedHeads
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.decoder.readout import apply_feed_forward, apply_norm
from lrgd_jax.decoder.soft_cap import soft_cap
from lrgd_jax.decoder.soft_capped_dual import SoftCappedDual
from lrgd_jax.dual.correspondence import dual_of
from lrgd_jax.dual.single_head import HeadDual
from lrgd_jax.dual.token_roles import TokenRoles, segments_of, token_roles
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import rotary_frequencies, rotate, visible
from lrgd_jax.precision import at_least_float32

__all__ = ["dual_attention", "dual_chain", "dual_layer", "head_dual"]


@dataclass(frozen=True)
class PartialRotary(Rotary):
    """Rotary positions of the first coordinates of a head, at positions divided by a factor, times a gain.

    Attributes:
        width: how many coordinates are rotated; all unless given.
        factor: by which positions are divided.
        gain: by which what is rotated is multiplied.
    """

    width: int | None = None
    factor: float = 1.0
    gain: float = 1.0

    def __call__(self, x: Float[Array, "n d"], first: int = 0) -> Float[Array, "n d"]:
        """Rotates the rows, which stand at the positions offset + first, offset + first + 1, …"""
        width = x.shape[1] if self.width is None else self.width
        frequencies = rotary_frequencies(width, self.theta, self.scaling) / self.factor
        positions = self.offset + first + jnp.arange(x.shape[0])
        turned = rotate(at_least_float32(x[:, :width]), positions, frequencies, self.layout)
        turned = _multiply(self.gain, turned).astype(x.dtype)
        return jnp.concatenate([turned, x[:, width:]], axis=1)


def head_dual(config: DecoderConfig) -> HeadDual:
    """The dual of what every head of a layer computes: linear, softmax with rotary positions, or soft-capped.

    Args:
        config: of the layer.

    Examples:
        >>> from lrgd_jax.decoder import head_dual, tiny_decoder
        >>> dual = head_dual(tiny_decoder().config)
        >>> dual.form.causal, type(dual.form.rotary).__name__
        (True, 'Rotary')
    """
    if config.attention == "linear":
        return dual_of(LinearAttention(elu_plus_one, causal=True, normalised=True))
    rotary: Rotary | None = Rotary(config.rope_theta, config.rope_layout, scaling=config.rope_scaling)
    if config.positions != "rotary":
        rotary = None
    elif config.rotary_width is not None or config.rope_factor != 1 or config.rope_gain != 1:
        rotary = PartialRotary(
            config.rope_theta,
            config.rope_layout,
            scaling=config.rope_scaling,
            width=config.rotary_width,
            factor=config.rope_factor,
            gain=config.rope_gain,
        )
    form = SoftmaxAttention(scale=config.attention_scale, causal=True, window=config.window, rotary=rotary)
    return dual_of(form) if config.attention_soft_cap is None else SoftCappedDual(form, config.attention_soft_cap)


def dual_attention(
    heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"], segments: Int[Array, " n"]
) -> Float[Array, "n m"]:
    r"""$\sum_h W_O^{h\top} f_1^{g(h)}(q^h) + b_O$ for every token: one dual a group, one test point a head.

    Args:
        heads: projections of the layer.
        config: of the layer.
        x: normed tokens.
        segments: of each token, not decreasing; see `split_tokens`.

    Returns:
        What the layer's attention adds to the residual stream, shape [n, m].

    Raises:
        ValueError: the config's layers differ, so that it describes none of them.

    Examples:
        >>> from lrgd_jax.decoder import dual_attention, embed, split_tokens, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> x = embed(params, tokens)
        >>> dual_attention(params.layers[0].heads, config, x, split_tokens(5, [(0, 2)])).shape
        (5, 8)
    """
    config.check_one_layer()
    n, g = x.shape[0], heads.groups
    dual = head_dual(config)
    queries, keys = project(heads.query, heads.query_bias, x), project(heads.key, heads.key_bias, x)
    if isinstance(heads, NormedHeads) and heads.query_norm is not None and heads.key_norm is not None:
        queries = apply_head_norm(config, heads.query_norm, queries)
        keys = apply_head_norm(config, heads.key_norm, keys)
    points, inputs = jax.vmap(dual.inputs)(queries), jax.vmap(dual.inputs)(keys)
    sinks = heads.sinks if isinstance(heads, HeadsWithSinks) else None
    if sinks is not None:
        meets = jnp.ones((1, n, 1), x.dtype) * (sinks / jnp.asarray(config.logit_scale(0), x.dtype))[:, None, None]
        points = jnp.concatenate([points, meets], axis=2)
        inputs = jnp.concatenate([inputs, jnp.zeros((g, n, 1), x.dtype)], axis=2)
    points, inputs = checkpoint_name(points, "heads"), checkpoint_name(inputs, "heads")
    values = checkpoint_name(project(heads.value, heads.value_bias, x), "heads")
    role = token_roles(visible(n, n, causal=True, window=config.window), segments, ordered=True, dtype=x.dtype)
    if sinks is not None:
        inputs, values, role = _with_null_token(inputs, values, role)

    def one_group(
        points: Float[Array, "share n d"], inputs: Float[Array, "samples d"], values: Float[Array, "samples dv"]
    ) -> Float[Array, "share n dv"]:
        def one_query(role: TokenRoles, points: Float[Array, "share d"]) -> Float[Array, "share dv"]:
            model = dual.build(inputs, values, role)
            trained = model.train()
            return jax.vmap(lambda point: dual.predict(model, trained, role, point))(points)

        return jax.vmap(one_query, in_axes=(0, 1), out_axes=1)(role, points)

    grouped = jax.vmap(one_group)(points.reshape(g, heads.heads // g, *points.shape[1:]), inputs, values)
    outputs = checkpoint_name(grouped.reshape(heads.heads, *grouped.shape[2:]), "attended")
    mixed = jnp.einsum("hnd,hdm->nm", outputs, heads.output)
    return mixed if heads.output_bias is None else mixed + heads.output_bias[None, :]


def _with_null_token(
    inputs: Float[Array, "g n d"], values: Float[Array, "g n dv"], role: TokenRoles
) -> tuple[Float[Array, "g n_1 d"], Float[Array, "g n_1 dv"], TokenRoles]:
    """One token more in the zero-shot context of every query, which is what a sink is to the dual.

    Its input is the unit vector of the last coordinate, where every test point of a head has the same entry and no
    other input has any; its value is zero. So it is a null sample: all that it trains is the normaliser.
    """
    g, _, d = inputs.shape
    unit = jnp.broadcast_to(jnp.eye(d, dtype=inputs.dtype)[-1], (g, 1, d))
    one, none = jnp.ones_like(role.context[:, :1]), jnp.zeros_like(role.demonstrations[:, :1])
    return (
        jnp.concatenate([inputs, unit], axis=1),
        jnp.concatenate([values, jnp.zeros_like(values[:, :1])], axis=1),
        TokenRoles(jnp.concatenate([role.context, one], axis=1), jnp.concatenate([role.demonstrations, none], axis=1)),
    )


def apply_head_norm(
    config: DecoderConfig, gain: Float[Array, "*h d"], x: Float[Array, "h n d"]
) -> Float[Array, "h n d"]:
    """The readout of the config's norm for every row of every head, or for the heads of a token as one row."""
    if config.query_key_norm_over == "head":
        axes = None if gain.ndim == 1 else 0, 0
        return jax.vmap(lambda gain, rows: apply_norm(config, gain, None, rows), in_axes=axes)(gain, x)
    h, n, d = x.shape
    rows = jnp.einsum("hnd->nhd", x).reshape(n, h * d)
    return jnp.einsum("nhd->hnd", apply_norm(config, gain.reshape(h * d), None, rows).reshape(n, h, d))


def dual_layer(
    weights: LayerWeights, config: DecoderConfig, x: Float[Array, "n m"], segments: Int[Array, " n"]
) -> Float[Array, "n m"]:
    """One layer as a link of the chain; on the same input it returns what `lrgd_jax.decoder.layer` does.

    Args:
        weights: of the layer.
        config: the decoder.
        x: the residual stream.
        segments: of each token, not decreasing; see `split_tokens`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import dual_layer, embed, layer, split_tokens, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> x, segments = embed(params, tokens), split_tokens(5, [(0, 2)])
        >>> apart = dual_layer(params.layers[0], config, x, segments) - layer(params.layers[0], config, x)
        >>> bool(jnp.max(jnp.abs(apart)) < 1e-4)
        True
    """
    normed = apply_norm(config, weights.attention_norm, weights.attention_norm_bias, x)
    attended = dual_attention(weights.heads, config, normed, segments)
    attended = _multiply(config.residual_multiplier, apply_norm(config, weights.attention_post_norm, None, attended))
    after = checkpoint_name(x + attended, "residual")
    read = x if config.parallel_residual else after
    normed = apply_norm(config, weights.feed_forward_norm, weights.feed_forward_norm_bias, read)
    k, limit = config.experts_per_token, config.swiglu_limit
    added = apply_feed_forward(weights.feed_forward, normed, config.activation, k, limit)
    added = _multiply(config.residual_multiplier, apply_norm(config, weights.feed_forward_post_norm, None, added))
    return checkpoint_name(after + added, "residual")


def _multiply(factor: float, x: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Factor x; the rows themselves for one, which costs no rounding."""
    return x if factor == 1 else jnp.asarray(factor, x.dtype) * x


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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import apply, dual_chain, split_tokens, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> apart = dual_chain(params, config, tokens, split_tokens(5, [(0, 2)])) - apply(params, config, tokens)
        >>> bool(jnp.max(jnp.abs(apart)) < 1e-4)
        True
    """
    config = config.for_length(tokens.shape[0])
    check_length(config, tokens.shape[0])
    segments = segments_of(tokens.shape[0], segments)
    x = embed(params, tokens)
    for i, weights in enumerate(params.layers):
        x = dual_layer(weights, config.of_layer(i), x, segments)
    final = apply_norm(config, params.final_norm, params.final_norm_bias, x)
    logits = jnp.einsum("vm,nm->nv", params.embedding if params.head is None else params.head, final)
    if config.logit_divisor != 1:
        logits = logits / jnp.asarray(config.logit_divisor, logits.dtype)
    return soft_cap(config.logit_soft_cap, logits)
