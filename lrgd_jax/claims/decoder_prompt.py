"""The prompt on which a decoder is verified: its tokens, and which of them are demonstrations."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from lrgd_jax.decoder import LoadedDecoder, split_tokens
from lrgd_jax.decoder.forward import check_length

__all__ = ["Demonstrations", "split_prompt"]

Demonstrations = int | Sequence[tuple[int, int]] | None
"""How many lines of the text are demonstrations; or their ranges of tokens; None for all lines but the last."""


def split_prompt(
    decoder: LoadedDecoder, prompt: str | Sequence[int], demonstrations: Demonstrations
) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    """Tokens of a prompt and the segment of each; the last segment is the query.

    Raises:
        ValueError: as for `verify_decoder`.
    """
    if isinstance(prompt, str):
        tokens, segments = _from_text(decoder, prompt, demonstrations)
    else:
        if isinstance(demonstrations, int) and demonstrations:
            raise ValueError(
                "token ids have no lines to count; give the demonstrations as ranges (start, end) of tokens"
            )
        ids = np.asarray(prompt, np.int64).reshape(-1)
        outside = ids[(ids < 0) | (ids >= decoder.config.vocab_size)]
        if outside.size:
            raise ValueError(f"token {outside[0]} is outside the vocabulary of {decoder.config.vocab_size} tokens")
        check_length(decoder.config.for_length(ids.size), ids.size)
        tokens = jnp.asarray(ids, jnp.int32)
        segments = split_tokens(ids.size, demonstrations if isinstance(demonstrations, Sequence) else ())
    check_length(decoder.config.for_length(tokens.shape[0]), tokens.shape[0])
    return tokens, segments


def _from_text(
    decoder: LoadedDecoder, prompt: str, demonstrations: Demonstrations
) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    if decoder.tokenizer is None:
        raise ValueError("the checkpoint has no tokenizer.json, so the prompt must be given as token ids")
    if not prompt.strip():
        raise ValueError("the prompt is empty: give at least a query, in the last line")
    tokens, segments = decoder.tokenizer.encode_prompt(prompt)
    if demonstrations is None:
        return tokens, segments
    if not isinstance(demonstrations, int):
        return tokens, split_tokens(tokens.shape[0], demonstrations)
    lines = int(segments[-1]) + 1
    if not 0 <= demonstrations < lines:
        raise ValueError(
            f"{demonstrations} demonstrations overlap the query or are not there: the prompt has {lines} lines, and "
            f"the last one is the query; ask for 0 to {lines - 1}"
        )
    # what follows the last demonstration that was asked for is the query
    return tokens, jnp.minimum(segments, demonstrations)
