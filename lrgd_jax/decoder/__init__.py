"""Decoders: a pretrained or random Llama as pure functions over a pytree, and the same as a chain of dual models."""

from lrgd_jax.decoder.chain import dual_attention, dual_chain, dual_layer, head_dual
from lrgd_jax.decoder.config import AttentionKind, DecoderConfig
from lrgd_jax.decoder.generation import Cache, empty_cache, generate, read
from lrgd_jax.decoder.layers import FeedForwardWeights, LayerWeights, layer
from lrgd_jax.decoder.loading import LoadedDecoder, load_directory
from lrgd_jax.decoder.model import DecoderParams, apply, embed, head, hidden_states, init
from lrgd_jax.decoder.readout import (
    GATES,
    apply_feed_forward,
    apply_rms_norm,
    feed_forward_matrix,
    gated_feed_forward_matrix,
    layer_norm_matrix,
    rms_norm_matrix,
)
from lrgd_jax.decoder.segments import split_text, split_tokens
from lrgd_jax.decoder.tokenizer import Tokenizer

__all__ = [
    "GATES",
    "AttentionKind",
    "Cache",
    "DecoderConfig",
    "DecoderParams",
    "FeedForwardWeights",
    "LayerWeights",
    "LoadedDecoder",
    "Tokenizer",
    "apply",
    "apply_feed_forward",
    "apply_rms_norm",
    "dual_attention",
    "dual_chain",
    "dual_layer",
    "embed",
    "empty_cache",
    "feed_forward_matrix",
    "gated_feed_forward_matrix",
    "generate",
    "head",
    "head_dual",
    "hidden_states",
    "init",
    "layer",
    "layer_norm_matrix",
    "load_directory",
    "read",
    "rms_norm_matrix",
    "split_text",
    "split_tokens",
]
