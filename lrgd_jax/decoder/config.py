"""What a decoder is, apart from its weights: sizes, constants and the kind of its attention."""

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from lrgd_jax.positions import RotaryLayout, RotaryScaling

__all__ = ["Activation", "AttentionKind", "DecoderConfig"]

AttentionKind: TypeAlias = Literal["softmax", "linear"]
"""Which attention every head of a decoder computes."""

Activation: TypeAlias = Literal["silu", "gelu", "gelu_tanh", "quick_gelu", "relu"]
"""Which function a feed-forward block applies to its gate, or, without one, between its two matrices."""

CHOICES = {
    "attention": ("softmax", "linear"),
    "rope_layout": ("half", "interleaved"),
    "positions": ("rotary", "learned", "none"),
    "query_key_norm_over": ("head", "heads"),
    "norm": ("rms", "layer"),
    "activation": ("silu", "gelu", "gelu_tanh", "quick_gelu", "relu"),
}


@dataclass(frozen=True)
class DecoderConfig:
    r"""A pre-norm decoder, by default a Llama; hashable, so it can be a static argument of `jax.jit`.

    `attention` switches every head between

    * "softmax": causal softmax attention with rotary positions, scale $1/\sqrt d$;
    * "linear": causal linear attention with $\phi = \mathrm{elu} + 1$, divided by the sum of its (positive)
      weights, on keys and queries that are *not* rotated, since rotated features give weights that may be zero.
      The order of the tokens enters through causality alone, and a state of fixed size is all that generation
      keeps of the past. Source: Katharopoulos et al. 2020, arXiv 2006.16236.

    Attributes:
        vocab_size: number of tokens in the vocabulary.
        width: m, of the residual stream.
        layers: number of layers.
        heads: h, query heads.
        kv_heads: g, key-value heads, a divisor of h.
        head_width: d, of a query, key and value; even, for rotary pairs.
        hidden_width: f, of the feed-forward block.
        context_length: the most tokens that the model was made for.
        norm_epsilon: added to the mean square under the root of every norm.
        rope_theta: base of the rotary frequencies.
        rope_scaling: a stretch of the slow frequencies (Llama 3's, YaRN).
        rope_layout: which coordinates form a rotated pair.
        tied_head: logits are read out with the embedding.
        attention_bias: the four projections of attention have biases.
        mlp_bias: the three matrices of the feed-forward block have biases, and so has a router.
        attention: "softmax" or "linear".
        bos: id of the token that begins a text.
        eos: ids of the tokens that end one.
        output_bias: the output projection of attention has a bias; as `attention_bias` unless given.
        query_key_norm: queries and keys pass a norm before they are rotated (Qwen 3, Gemma 3).
        query_key_norm_over: what that norm is of: each "head", or all "heads" of a token together (OLMo 2).
        attention_scale: s of the logits $s\,q^\top k$, $1/\sqrt d$ unless given.
        attention_sinks: the softmax of each head counts one entry more, of a learnt logit, whose value is zero
            (GPT-OSS); the attention scale must be given then.
        attention_soft_cap: c of the logits $c\tanh(s\,q^\top k / c)$; none unless given (Gemma 2).
        logit_soft_cap: likewise, of the output's logits.
        window: a query sees its own and the window - 1 tokens before it; all unless given.
        local_layers: which layers have the window; all unless given.
        local_rope_theta: base of the rotary frequencies in `local_layers`, which are then not stretched (Gemma 3).
        positions: "rotary", "learned" rows that are added to the embedding (GPT-2), or "none".
        rotated_layers: which layers have rotary positions, the others none; all unless given (SmolLM 3).
        rotary_width: coordinates of a head that are rotated, the first ones; all unless given (GPT-NeoX).
        rope_factor: positions are divided by it before they are rotated.
        rope_gain: what is rotated is multiplied by it (YaRN, LongRoPE).
        norm: "rms", or "layer" for LayerNorm with bias.
        pre_norms: what attention and feed-forward block read is normed.
        post_norms: what they return is normed before it is added (Gemma 2; OLMo 2, without pre-norms).
        residual_multiplier: what they return is multiplied by it before it is added (Granite).
        parallel_residual: the feed-forward block reads what attention reads, not its sum (GPT-NeoX).
        experts: number of gated feed-forward blocks in a layer, of which a router chooses; one block unless given.
        experts_per_token: how many of them each token passes (Mixtral).
        gated: the feed-forward block multiplies by an activated gate; otherwise two matrices (GPT-2, GPT-NeoX).
        activation: of the feed-forward block.
        swiglu_limit: L of a gated block $\mathrm{act}(\min(g, L))\,(\mathrm{clip}(u, -L, L) + 1)$, in place of
            $\mathrm{act}(g)\,u$ (GPT-OSS).
        embedding_scale: what the rows of the embedding are multiplied by (Gemma).
        logit_divisor: by which the output's logits are divided (Granite).
        beyond: what the decoder is on texts longer than its context, where it reads them too (LongRoPE).

    Raises:
        ValueError: a size is not positive, the heads cannot be divided among the groups, a rotated width is odd, a
            name is unknown, or linear attention is asked to do what it does not.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> config = tiny_decoder().config
        >>> config.heads // config.kv_heads  # query heads that share a key-value head
        2
    """

    vocab_size: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    hidden_width: int
    context_length: int
    norm_epsilon: float = 1e-5
    rope_theta: float = 10_000.0
    rope_scaling: RotaryScaling | None = None
    rope_layout: RotaryLayout = "half"
    tied_head: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    attention: AttentionKind = "softmax"
    bos: int | None = None
    eos: tuple[int, ...] = ()
    output_bias: bool | None = None
    query_key_norm: bool = False
    query_key_norm_over: Literal["head", "heads"] = "head"
    attention_scale: float | None = None
    attention_sinks: bool = False
    attention_soft_cap: float | None = None
    logit_soft_cap: float | None = None
    window: int | None = None
    local_layers: tuple[bool, ...] | None = None
    local_rope_theta: float | None = None
    positions: Literal["rotary", "learned", "none"] = "rotary"
    rotated_layers: tuple[bool, ...] | None = None
    rotary_width: int | None = None
    rope_factor: float = 1.0
    rope_gain: float = 1.0
    norm: Literal["rms", "layer"] = "rms"
    pre_norms: bool = True
    post_norms: bool = False
    residual_multiplier: float = 1.0
    parallel_residual: bool = False
    experts: int | None = None
    experts_per_token: int = 1
    gated: bool = True
    activation: Activation = "silu"
    swiglu_limit: float | None = None
    embedding_scale: float = 1.0
    logit_divisor: float = 1.0
    beyond: "DecoderConfig | None" = None

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_numbers()
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"DecoderConfig: {name} must be one of {known}, got {getattr(self, name)!r}")
        for token in (*self.eos, *(() if self.bos is None else (self.bos,))):
            if not 0 <= token < self.vocab_size:
                raise ValueError(
                    f"DecoderConfig: bos and eos must be in the vocabulary (0 to {self.vocab_size - 1}), got {token}"
                )
        softmax_only = ("window", "attention_scale", "attention_soft_cap")
        given = [name for name in softmax_only if getattr(self, name) is not None]
        if self.attention == "linear" and given:
            raise ValueError(f"DecoderConfig: linear attention has no {', '.join(given)}; set it to None")
        if self.attention_sinks and (self.attention_scale is None or self.attention_soft_cap is not None):
            raise ValueError(
                "DecoderConfig: sinks are entries of a softmax whose attention_scale is given and whose logits have no "
                f"soft cap; got attention_scale={self.attention_scale}, attention_soft_cap={self.attention_soft_cap}"
            )

    def _check_sizes(self) -> None:
        sizes = ("vocab_size", "width", "layers", "heads", "kv_heads", "head_width", "hidden_width", "context_length")
        optional = [name for name in ("window", "rotary_width", "experts") if getattr(self, name) is not None]
        for name in (*sizes, *optional, "experts_per_token"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"DecoderConfig: {name} must be a positive whole number, got {value!r}")
        if self.heads % self.kv_heads:
            raise ValueError(
                f"DecoderConfig: {self.heads} query heads cannot be divided among {self.kv_heads} key-value heads; "
                "heads must be a multiple of kv_heads"
            )
        rotated = self.head_width if self.rotary_width is None else self.rotary_width
        if self.positions == "rotary" and (rotated % 2 or rotated > self.head_width):
            name = "head_width" if self.rotary_width is None else f"rotary_width (of head_width {self.head_width})"
            raise ValueError(f"DecoderConfig: {name} must be even to form rotary pairs, got {rotated}")
        if self.experts is not None and (self.experts_per_token > self.experts or not self.gated):
            raise ValueError(
                f"DecoderConfig: a token passes {self.experts_per_token} of {self.experts} experts, which must be that "
                f"many at least and gated; got gated={self.gated}"
            )
        if self.local_layers is not None and (self.window is None or len(self.local_layers) != self.layers):
            raise ValueError(
                f"DecoderConfig: local_layers says for each of the {self.layers} layers whether it has the window; got "
                f"{len(self.local_layers)} of them and window={self.window}"
            )
        if self.rotated_layers is not None and (self.positions != "rotary" or len(self.rotated_layers) != self.layers):
            raise ValueError(
                f"DecoderConfig: rotated_layers says for each of the {self.layers} layers whether it has rotary "
                f"positions; got {len(self.rotated_layers)} of them and positions={self.positions!r}"
            )

    def _check_numbers(self) -> None:
        numbers = (
            "norm_epsilon",
            "rope_theta",
            "rope_factor",
            "rope_gain",
            "embedding_scale",
            "residual_multiplier",
            "logit_divisor",
        )
        optional = ("attention_scale", "attention_soft_cap", "logit_soft_cap", "local_rope_theta", "swiglu_limit")
        for name in (*numbers, *(name for name in optional if getattr(self, name) is not None)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise ValueError(f"DecoderConfig: {name} must be a positive number, got {value!r}")

    def logit_scale(self, width: int) -> float:
        r"""S of the logits $s\,q^\top k$ of heads of a width: `attention_scale`, $1/\sqrt d$ unless given."""
        return 1 / math.sqrt(width) if self.attention_scale is None else self.attention_scale

    def head_gains(self, heads: int) -> tuple[int, ...]:
        """The shape of the gains of the norm of queries or keys: one row for all heads, or one a head."""
        shared = self.query_key_norm_over == "head" and self.norm == "rms"
        return (self.head_width,) if shared else (heads, self.head_width)

    def of_layer(self, index: int) -> "DecoderConfig":
        """What one layer is: the config itself where all are alike, else with its own window and positions."""
        own = self
        if self.rotated_layers is not None:
            positions = self.positions if self.rotated_layers[index] else "none"
            own = replace(own, positions=positions, rotated_layers=None)
        if self.local_layers is None:
            return own
        whole = {"local_layers": None, "local_rope_theta": None}
        if not self.local_layers[index]:
            return replace(own, window=None, **whole)
        if self.local_rope_theta is None:
            return replace(own, **whole)
        plain = {"rope_scaling": None, "rope_factor": 1.0, "rope_gain": 1.0}
        return replace(own, rope_theta=self.local_rope_theta, **plain, **whole)

    def for_length(self, length: int) -> "DecoderConfig":
        """What the decoder is on a text of a length: the config itself, or `beyond` where its context is shorter."""
        return self if self.beyond is None or length <= self.context_length else self.beyond

    def check_one_layer(self) -> None:
        """Raises ValueError where the layers differ, so that this config describes none of them."""
        if self.local_layers is not None or self.rotated_layers is not None:
            raise ValueError("the layers of this decoder differ; give one layer its own config, config.of_layer(i)")
