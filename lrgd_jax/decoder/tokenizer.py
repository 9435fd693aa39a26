"""Text to tokens and back, and the tokenizer that a tokenizer.json holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import tokenizers
from jaxtyping import Array, Int
from tokenizers.processors import TemplateProcessing

from lrgd_jax.decoder.segments import split_text
from lrgd_jax.outside.convert import cut_text
from lrgd_jax.outside.json_files import parse_json, read_text

__all__ = ["Tokenizer", "add_special_tokens", "chatml", "load_tokenizer", "number_tokens"]

MOST_IDS = 2**24
"""More than any vocabulary has."""


@dataclass(frozen=True)
class Tokenizer:
    r"""A tokenizer of the `tokenizers` library.

    Attributes:
        backend: the library's object.
        vocab_size: of the decoder; no token may lie outside.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> tokenizer = tiny_decoder().tokenizer
        >>> tokenizer.decode(tokenizer.encode("a cat"))
        'a cat'
        >>> tokenizer.encode_prompt("a\nb")[1].tolist()
        [0, 0, 1]
    """

    backend: tokenizers.Tokenizer
    vocab_size: int

    def encode(self, text: str) -> Int[Array, " n"]:
        """The ids of a text, with the special tokens (such as the first) that the tokenizer itself adds.

        Raises:
            ValueError: the text has a token that the decoder does not know.
        """
        return jnp.asarray(self.encoding(text).ids, jnp.int32)

    def encode_prompt(
        self, text: str, *, separator: str = "\n", demonstrations: int | None = None
    ) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
        """The ids of a prompt, and the segment of each token by `lrgd_jax.decoder.split_text`.

        Raises:
            ValueError: the prompt has no query, or another number of demonstrations.
        """
        encoding = self.encoding(text)
        segments = split_text(text, encoding.offsets, separator=separator, demonstrations=demonstrations)
        return jnp.asarray(encoding.ids, jnp.int32), segments

    def decode(self, ids: Int[Array, " n"], *, skip_special: bool = True) -> str:
        """The text of ids."""
        return self.backend.decode(np.asarray(ids).tolist(), skip_special_tokens=skip_special)

    def encoding(self, text: str) -> tokenizers.Encoding:
        """The whole text as the library encodes it, whatever truncation and padding were saved with the tokenizer.

        Raises:
            ValueError: the text has a token that the decoder does not know.
        """
        # at every call, as AutoTokenizer does: a text that loses tokens, or has some to its left, is another text
        self.backend.no_truncation()
        self.backend.no_padding()
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
        ValueError: the file is not a tokenizer, or not always the same one.
    """
    text = read_text(path, what="tokenizer")
    _require_few_ids(parse_json(text, object, where=str(path)), path)
    try:
        backend = tokenizers.Tokenizer.from_buffer(text.encode())
    except ValueError as error:
        raise ValueError(f"{path}: not a tokenizer of the tokenizers library ({cut_text(str(error))})") from error
    if getattr(backend.model, "dropout", None):
        raise ValueError(
            f"{path}: model.dropout is {backend.model.dropout}: the same text would be other tokens each time; "
            "set it to null"
        )
    return Tokenizer(backend, vocab_size)


def _require_few_ids(written: object, path: Path) -> None:
    """Raises ValueError where a token's id is so large that the library would walk all ids below it for minutes."""
    waiting = [written]
    while waiting:
        one = waiting.pop()
        inner = [*one.values()] if isinstance(one, dict) else one if isinstance(one, list) else []
        largest = max((entry for entry in inner if isinstance(entry, int)), default=0)
        if largest > MOST_IDS:
            raise ValueError(f"{path}: a number in it is beyond {MOST_IDS}; expected ids of at most that")
        waiting.extend(entry for entry in inner if isinstance(entry, dict | list))


def number_tokens(tokens: Sequence[str]) -> dict[str, int]:
    """The id of every token.

    Raises:
        ValueError: a token is there twice.
    """
    vocabulary = {token: i for i, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        twice = next(token for i, token in enumerate(tokens) if vocabulary[token] != i)
        raise ValueError(f"the token {twice!r} is in the vocabulary twice")
    return vocabulary


def add_special_tokens(
    backend: tokenizers.Tokenizer,
    tokens: Sequence[str],
    *,
    special: Sequence[str],
    added: Sequence[str],
    first: int | None,
    last: int | None,
    normalized: bool = False,
) -> None:
    """Tells a tokenizer which tokens are never cut, and what stands before and after every text.

    Args:
        backend: the library's object, which is changed.
        tokens: by id.
        special: tokens that are never cut and left out by `Tokenizer.decode`.
        added: tokens that are never cut.
        first: id of the token before every text.
        last: id of the token after every text.
        normalized: the added tokens are looked for in the normalised text.
    """
    backend.add_special_tokens([tokenizers.AddedToken(token, special=True, normalized=False) for token in special])
    backend.add_tokens([tokenizers.AddedToken(token, normalized=normalized) for token in added])
    before = [] if first is None else [tokens[first]]
    after = [] if last is None else [tokens[last]]
    if before or after:
        ends = {tokens[i]: i for i in (first, last) if i is not None}
        backend.post_processor = TemplateProcessing(single=[*before, "$A", *after], special_tokens=[*ends.items()])


def chatml(question: str, system: str | None = None) -> str:
    """A question in the ChatML form that many instructed models expect; they end their answer with `<|im_end|>`.

    Args:
        question: of the user.
        system: what stands before the conversation; nothing unless given.

    Examples:
        >>> from lrgd_jax.decoder import chatml
        >>> print(chatml("Who?"), end="")
        <|im_start|>user
        Who?<|im_end|>
        <|im_start|>assistant
    """
    turns = [] if system is None else [("system", system)]
    said = "".join(f"<|im_start|>{who}\n{what}<|im_end|>\n" for who, what in [*turns, ("user", question)])
    return said + "<|im_start|>assistant\n"
