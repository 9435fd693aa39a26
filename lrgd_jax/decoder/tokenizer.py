"""Text to tokens and back, by a tokenizer.json."""

from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import tokenizers
from jaxtyping import Array, Int

from lrgd_jax.decoder.segments import split_text

__all__ = ["Tokenizer", "load_tokenizer"]


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer of the `tokenizers` library.

    Attributes:
        backend: the library's object.
        vocab_size: of the decoder; no token may lie outside.
    """

    backend: tokenizers.Tokenizer
    vocab_size: int

    def encode(self, text: str) -> Int[Array, " n"]:
        """The ids of a text, with the special tokens (such as the first) that the tokenizer itself adds.

        Raises:
            ValueError: the text has a token that the decoder does not know.
        """
        return jnp.asarray(self._encoding(text).ids, jnp.int32)

    def encode_prompt(
        self, text: str, *, separator: str = "\n", demonstrations: int | None = None
    ) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
        """The ids of a prompt, and the segment of each token by `lrgd_jax.decoder.split_text`.

        Raises:
            ValueError: the prompt has no query, or another number of demonstrations.
        """
        encoding = self._encoding(text)
        segments = split_text(text, encoding.offsets, separator=separator, demonstrations=demonstrations)
        return jnp.asarray(encoding.ids, jnp.int32), segments

    def decode(self, ids: Int[Array, " n"], *, skip_special: bool = True) -> str:
        """The text of ids."""
        return self.backend.decode(np.asarray(ids).tolist(), skip_special_tokens=skip_special)

    def _encoding(self, text: str) -> tokenizers.Encoding:
        encoding = self.backend.encode(text)
        outside = [i for i in encoding.ids if i >= self.vocab_size]
        if outside:
            raise ValueError(
                f"the tokenizer gives token {outside[0]}, but the decoder's vocabulary has {self.vocab_size} tokens; "
                "tokenizer.json and model belong to different models"
            )
        return encoding


def load_tokenizer(path: Path, vocab_size: int) -> Tokenizer:
    """Reads a tokenizer.json.

    Raises:
        ValueError: the file is not a tokenizer.
    """
    try:
        backend = tokenizers.Tokenizer.from_buffer(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: not a tokenizer of the tokenizers library ({error})") from error
    return Tokenizer(backend, vocab_size)
