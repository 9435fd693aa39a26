"""The tokenizer in the metadata of a GGUF file, with llama.cpp's defaults (src/llama-vocab.cpp)."""

from lrgd_jax.decoder.byte_level import SPLITTINGS, byte_level_tokenizer
from lrgd_jax.decoder.fields import Fields
from lrgd_jax.decoder.sentence_piece import sentence_piece_tokenizer
from lrgd_jax.decoder.tokenizer import Tokenizer

__all__ = ["gguf_tokenizer", "other_token"]

KEY = "tokenizer.ggml."
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
"""Token types of the format; 5 are not used, 6 are bytes."""
PLACES = ("unknown", "padding", "mask", "seperator", "cls", "prefix", "suffix", "middle")
FILLING = ("fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep")
OTHER_TOKENS = frozenset(f"{KEY}{token}_token_id" for token in (*PLACES, *FILLING))


def other_token(key: str) -> bool:
    """Whether a key names a token that stands in no text unless somebody writes it."""
    return key in OTHER_TOKENS


def gguf_tokenizer(metadata: Fields, vocab_size: int) -> Tokenizer | None:
    """The tokenizer of a file: byte-level BPE ("gpt2") or SentencePiece ("llama"); None where it is another one.

    Args:
        metadata: of the file, which note what is read.
        vocab_size: rows of the embedding.

    Raises:
        ValueError: it has not one token a row, or its parts do not fit each other.
    """
    if not metadata.has(f"{KEY}tokens"):
        return None
    tokens = metadata.texts(f"{KEY}tokens")
    if len(tokens) != vocab_size:
        raise ValueError(
            f"the tokenizer has {len(tokens)} tokens, but the embedding has {vocab_size} rows; "
            "they belong to different models"
        )
    model = metadata.text(f"{KEY}model", "")
    splitting = metadata.text(f"{KEY}pre", "default")
    if model not in ("gpt2", "llama") or (model == "gpt2" and splitting not in SPLITTINGS):
        return None
    types = metadata.wholes(f"{KEY}token_type") if metadata.has(f"{KEY}token_type") else (NORMAL,) * len(tokens)
    if len(types) != len(tokens):
        raise ValueError(f"{KEY}token_type has {len(types)} entries for {len(tokens)} tokens")
    begins = model == "llama" or SPLITTINGS[splitting].begins
    parts = {
        "special": [token for token, kind in zip(tokens, types, strict=True) if kind in (CONTROL, UNKNOWN)],
        "added": [token for token, kind in zip(tokens, types, strict=True) if kind == USER_DEFINED],
        "first": _end(metadata, "bos", len(tokens)) if metadata.flag(f"{KEY}add_bos_token", begins) else None,
        "last": _end(metadata, "eos", len(tokens)) if metadata.flag(f"{KEY}add_eos_token", False) else None,
    }
    if model == "gpt2":
        metadata.get(f"{KEY}scores")  # which only SentencePiece has a use for
        if metadata.flag(f"{KEY}add_space_prefix", False):
            raise ValueError(f"{KEY}add_space_prefix is true, but a byte-level BPE puts no space before a text")
        merges = metadata.texts(f"{KEY}merges")
        return byte_level_tokenizer(tokens, merges, splitting=splitting, **parts)
    if splitting != "default":
        raise ValueError(f"{KEY}pre is {splitting!r}, but SentencePiece cuts no text beforehand")
    metadata.get(f"{KEY}merges")  # which the scores already say
    scores = metadata.numbers(f"{KEY}scores")
    if len(scores) != len(tokens):
        raise ValueError(f"{KEY}scores has {len(scores)} entries for {len(tokens)} tokens")
    return sentence_piece_tokenizer(
        tokens,
        scores,
        unknown=_end(metadata, "unknown", len(tokens), 0),
        pieces=[kind == NORMAL for kind in types],
        prefix=metadata.flag(f"{KEY}add_space_prefix", True),
        **parts,
    )


def _end(metadata: Fields, kind: str, tokens: int, default: int | None = None) -> int:
    token = metadata.whole(f"{KEY}{kind}_token_id", default)
    if not 0 <= token < tokens:
        raise ValueError(f"{KEY}{kind}_token_id is {token}, but there are {tokens} tokens")
    return token
