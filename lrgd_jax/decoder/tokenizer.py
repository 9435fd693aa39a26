"""Text to tokens and back, by a tokenizer.json or by the vocabulary and merges of a byte-level BPE."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import tokenizers
from jaxtyping import Array, Int
from tokenizers import decoders, models, pre_tokenizers, processors

from lrgd_jax.decoder.segments import split_text

__all__ = ["Tokenizer", "byte_level_tokenizer", "chatml", "load_tokenizer"]

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITTINGS = {
    "gpt-2": None,
    "smollm": pre_tokenizers.Digits(individual_digits=True),
    "llama-bpe": rf"{CONTRACTIONS}|{WORDS}|\p{{N}}{{1,3}}|{REST}",
    "qwen2": rf"{CONTRACTIONS}|{WORDS}|\p{{N}}|{REST}",
}
"""How a text is cut before its pieces become bytes, by the names of GGUF: GPT-2's own rule, after single digits too
("smollm"), or a regular expression in its place."""


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


def byte_level_tokenizer(
    tokens: Sequence[str],
    merges: Sequence[str],
    *,
    splitting: str,
    special: Sequence[str] = (),
    added: Sequence[str] = (),
    first: int | None = None,
) -> Tokenizer | None:
    """A byte-level BPE as GPT-2 has it; None where its rule for cutting a text is not known.

    Args:
        tokens: by id, in GPT-2's letters for bytes.
        merges: pairs of tokens with a space between them, the first to be merged first.
        splitting: a key of `SPLITTINGS`.
        special: tokens that `Tokenizer.decode` leaves out; like `added`, never cut.
        added: tokens that are never cut.
        first: id of the token before every text.
    """
    if splitting not in SPLITTINGS:
        return None
    vocabulary = {token: i for i, token in enumerate(tokens)}
    pairs = [(left, right) for left, right in (merge.split(" ", 1) for merge in merges)]
    whole_words = splitting == "llama-bpe"
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, pairs, ignore_merges=whole_words))
    rule = SPLITTINGS[splitting]
    own_rule = isinstance(rule, str)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not own_rule)
    before = pre_tokenizers.Split(tokenizers.Regex(rule), "isolated") if isinstance(rule, str) else rule
    backend.pre_tokenizer = byte_level if before is None else pre_tokenizers.Sequence([before, byte_level])
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([tokenizers.AddedToken(token, special=True, normalized=False) for token in special])
    backend.add_tokens([tokenizers.AddedToken(token, normalized=False) for token in added])
    if first is not None:
        template = processors.TemplateProcessing(single=f"{tokens[first]} $A", special_tokens=[(tokens[first], first)])
        backend.post_processor = template
    return Tokenizer(backend, len(tokens))


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
