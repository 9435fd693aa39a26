"""Pretrained and random decoders of many families, as pure functions over a pytree and as chains of dual models."""

from lrgd_jax.decoder.cache import Cache, empty_cache, read_tokens
from lrgd_jax.decoder.candidates import CandidateScores, score_candidates
from lrgd_jax.decoder.chain_of_duals import dual_attention, dual_chain, dual_layer, head_dual
from lrgd_jax.decoder.config import AttentionKind, DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates, gate_demonstrations
from lrgd_jax.decoder.devices import map_over_devices, replicate, shard
from lrgd_jax.decoder.forward import apply, apply_with, embed, head, hidden_states
from lrgd_jax.decoder.generation import generate
from lrgd_jax.decoder.layer_weights import (
    FeedForwardWeights,
    HeadsWithSinks,
    LayerWeights,
    MixtureOfExperts,
    NormedHeads,
    TwoMatrices,
)
from lrgd_jax.decoder.loading import PACKAGED, LoadedDecoder, load_decoder, load_directory
from lrgd_jax.decoder.params import DecoderParams, init
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
from lrgd_jax.decoder.tiny import tiny_decoder
from lrgd_jax.decoder.tokenizer import Tokenizer, chatml
from lrgd_jax.decoder.transformer_layer import layer

__all__ = [
    "GATES",
    "PACKAGED",
    "AttentionKind",
    "Cache",
    "CandidateScores",
    "DecoderConfig",
    "DecoderParams",
    "DemonstrationGates",
    "FeedForwardWeights",
    "HeadsWithSinks",
    "LayerWeights",
    "LoadedDecoder",
    "MixtureOfExperts",
    "NormedHeads",
    "Tokenizer",
    "TwoMatrices",
    "apply",
    "apply_feed_forward",
    "apply_norm",
    "apply_rms_norm",
    "apply_with",
    "chatml",
    "dual_attention",
    "dual_chain",
    "dual_layer",
    "embed",
    "empty_cache",
    "feed_forward_matrix",
    "gate_demonstrations",
    "gated_feed_forward_matrix",
    "generate",
    "head",
    "head_dual",
    "hidden_states",
    "init",
    "layer",
    "layer_norm_matrix",
    "load_decoder",
    "load_directory",
    "map_over_devices",
    "read_tokens",
    "replicate",
    "rms_norm_matrix",
    "score_candidates",
    "shard",
    "split_text",
    "split_tokens",
    "tiny_decoder",
]
