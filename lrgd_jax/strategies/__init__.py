"""Strategies of hypothesis for what attention takes: sizes, tokens, masks, heads, decays, feature maps and forms."""

from lrgd_jax.strategies.arrays import Tokens, arrays, sizes, tokens
from lrgd_jax.strategies.attention_forms import attention_forms, feature_maps
from lrgd_jax.strategies.decays import decays
from lrgd_jax.strategies.heads import head_groups, head_weights
from lrgd_jax.strategies.masks import masks, segments

__all__ = [
    "Tokens",
    "arrays",
    "attention_forms",
    "decays",
    "feature_maps",
    "head_groups",
    "head_weights",
    "masks",
    "segments",
    "sizes",
    "tokens",
]
