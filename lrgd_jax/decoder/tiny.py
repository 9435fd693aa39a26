"""A tiny random decoder that reads text byte by byte: for examples and first tries."""

from dataclasses import replace

import jax
from tokenizers import pre_tokenizers

from lrgd_jax.decoder.byte_level import byte_level_tokenizer
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.loading import LoadedDecoder
from lrgd_jax.decoder.params import init

__all__ = ["tiny_decoder"]


def tiny_decoder(seed: int = 0, **changes: object) -> LoadedDecoder:
    """A random decoder of two layers with four heads each, whose tokens are the 256 bytes.

    Args:
        seed: of the weights.
        **changes: fields of the `DecoderConfig` that are to differ.

    Returns:
        Config, weights in float32, and a tokenizer; what the decoder says means nothing.

    Examples:
        >>> from lrgd_jax.decoder import apply, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> apply(params, config, tokens).shape
        (5, 256)
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    config = DecoderConfig(
        vocab_size=len(letters),
        width=8,
        layers=2,
        heads=4,
        kv_heads=2,
        head_width=4,
        hidden_width=6,
        context_length=128,
    )
    config = replace(config, **changes)  # pyright: ignore[reportArgumentType]
    tokenizer = byte_level_tokenizer(letters, (), splitting="gpt-2")
    return LoadedDecoder(config, init(jax.random.key(seed), config), tokenizer)
