"""What a decoder is, apart from its weights: sizes, constants and the kind of its attention."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lrgd_jax.positions import Llama3Scaling, RotaryLayout

__all__ = ["AttentionKind", "DecoderConfig"]

AttentionKind: TypeAlias = Literal["softmax", "linear"]
"""Which attention every head of a decoder computes."""


@dataclass(frozen=True)
class DecoderConfig:
    r"""A pre-norm decoder of the Llama family; hashable, so it can be a static argument of `jax.jit`.

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
        rope_scaling: Llama 3's stretch of the slow frequencies.
        rope_layout: which coordinates form a rotated pair.
        tied_head: logits are read out with the embedding.
        attention_bias: the four projections of attention have biases.
        mlp_bias: the three matrices of the feed-forward block have biases.
        attention: "softmax" or "linear".
        bos: id of the token that begins a text.
        eos: ids of the tokens that end one.

    Raises:
        ValueError: a size is not positive, the heads cannot be divided among the groups, a head is odd, or a
            name is unknown.
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
    rope_scaling: Llama3Scaling | None = None
    rope_layout: RotaryLayout = "half"
    tied_head: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    attention: AttentionKind = "softmax"
    bos: int | None = None
    eos: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "width", "layers", "heads", "kv_heads", "head_width", "hidden_width")
        for name in (*sizes, "context_length"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"DecoderConfig: {name} must be a positive whole number, got {value!r}")
        if self.heads % self.kv_heads:
            raise ValueError(
                f"DecoderConfig: {self.heads} query heads cannot be divided among {self.kv_heads} key-value heads; "
                "heads must be a multiple of kv_heads"
            )
        if self.head_width % 2:
            raise ValueError(f"DecoderConfig: head_width must be even to form rotary pairs, got {self.head_width}")
        for name in ("norm_epsilon", "rope_theta"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise ValueError(f"DecoderConfig: {name} must be a positive number, got {value!r}")
        for name, known in (("attention", ("softmax", "linear")), ("rope_layout", ("half", "interleaved"))):
            if getattr(self, name) not in known:
                raise ValueError(f"DecoderConfig: {name} must be one of {known}, got {getattr(self, name)!r}")
        for token in (*self.eos, *(() if self.bos is None else (self.bos,))):
            if not 0 <= token < self.vocab_size:
                raise ValueError(
                    f"DecoderConfig: bos and eos must be in the vocabulary (0 to {self.vocab_size - 1}), got {token}"
                )
