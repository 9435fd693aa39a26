"""Decoders of eight families, pretrained or random, as pure functions over a pytree and as chains of dual models."""

from lrgd_jax.decoder.cache import Cache, empty_cache, read
from lrgd_jax.decoder.candidates import CandidateScores, score_candidates
from lrgd_jax.decoder.chain import dual_attention, dual_chain, dual_layer, head_dual
from lrgd_jax.decoder.config import AttentionKind, DecoderConfig
from lrgd_jax.decoder.devices import everywhere, over_devices, spread
from lrgd_jax.decoder.generation import generate
from lrgd_jax.decoder.layers import FeedForwardWeights, LayerWeights, NormedHeads, TwoMatrices, layer
from lrgd_jax.decoder.loading import PACKAGED, LoadedDecoder, load, load_directory
from lrgd_jax.decoder.model import DecoderParams, apply, embed, head, hidden_states, init
from lrgd_jax.decoder.readout import (
    GATES,
    apply_feed_forward,
    apply_norm,
    apply_rms_norm,
    feed_forward_matrix,
    gated_feed_forward_matrix,
    layer_norm_matrix,
    rms_norm_matrix,
)
from lrgd_jax.decoder.segments import split_text, split_tokens
from lrgd_jax.decoder.tokenizer import Tokenizer, chatml
from lrgd_jax.decoder.worth import Worth, worth_of

__all__ = [
    "GATES",
    "PACKAGED",
    "AttentionKind",
    "Cache",
    "CandidateScores",
    "DecoderConfig",
    "DecoderParams",
    "FeedForwardWeights",
    "LayerWeights",
    "LoadedDecoder",
    "NormedHeads",
    "Tokenizer",
    "TwoMatrices",
    "Worth",
    "apply",
    "apply_feed_forward",
    "apply_norm",
    "apply_rms_norm",
    "chatml",
    "dual_attention",
    "dual_chain",
    "dual_layer",
    "embed",
    "empty_cache",
    "everywhere",
    "feed_forward_matrix",
    "gated_feed_forward_matrix",
    "generate",
    "head",
    "head_dual",
    "hidden_states",
    "init",
    "layer",
    "layer_norm_matrix",
    "load",
    "load_directory",
    "over_devices",
    "read",
    "rms_norm_matrix",
    "score_candidates",
    "split_text",
    "split_tokens",
    "spread",
    "worth_of",
]
