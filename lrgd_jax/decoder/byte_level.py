"""Byte-level BPE from a vocabulary and its merges, as GGUF files hold them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from lrgd_jax.decoder.tokenizer import Tokenizer, add_special_tokens, number_tokens

__all__ = ["SPLITTINGS", "Splitting", "byte_level_tokenizer"]

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*"
PATHS = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


class Splitting(NamedTuple):
    """How a text is cut before its pieces become bytes.

    Attributes:
        rule: a regular expression whose matches are the pieces; None for GPT-2's own.
        digits: every digit is a piece of its own, before GPT-2's rule.
        whole_words: a piece that is a token is not put together from merges.
        begins: a text begins with the first token, unless the file says otherwise.
        composed: letters and their accents are composed (NFC) first.
    """

    rule: str | None = None
    digits: bool = False
    whole_words: bool = False
    begins: bool = False
    composed: bool = False


LLAMA3 = Splitting(rf"{CONTRACTIONS}|{WORDS}|\p{{N}}{{1,3}}|{REST}", whole_words=True, begins=True)
QWEN2 = Splitting(rf"{CONTRACTIONS}|{WORDS}|\p{{N}}|{REST}", composed=True)
SPLITTINGS: Mapping[str, Splitting] = {
    "gpt-2": Splitting(),
    "smollm": Splitting(digits=True),
    "llama-bpe": LLAMA3,
    "llama-v3": LLAMA3,
    "llama3": LLAMA3,
    "tekken": Splitting(rf"{CASED}|\p{{N}}|{PATHS}", whole_words=True, begins=True),
    "qwen2": QWEN2,
    "deepseek-r1-qwen": QWEN2,
}
"""By the names of GGUF (`tokenizer.ggml.pre`); each as in the tokenizer.json of the model that brought it."""


def byte_level_tokenizer(
    tokens: Sequence[str],
    merges: Sequence[str],
    *,
    splitting: str,
    special: Sequence[str] = (),
    added: Sequence[str] = (),
    first: int | None = None,
    last: int | None = None,
) -> Tokenizer | None:
    """A byte-level BPE as GPT-2 has it; None where its rule for cutting a text is not known.

    Args:
        tokens: by id, in GPT-2's letters for bytes.
        merges: pairs of tokens with a space between them, the first to be merged first.
        splitting: a key of `SPLITTINGS`.
        special: tokens that `Tokenizer.decode` leaves out; like `added`, never cut.
        added: tokens that are never cut.
        first: id of the token before every text.
        last: id of the token after every text.

    Raises:
        ValueError: a token is there twice, or a merge is no pair of tokens that make a third.
    """
    if splitting not in SPLITTINGS:
        return None
    rule = SPLITTINGS[splitting]
    vocabulary = number_tokens(tokens)
    pairs = [_pair(merge, vocabulary) for merge in merges]
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, pairs, ignore_merges=rule.whole_words))
    before = [pre_tokenizers.Digits(individual_digits=True)] if rule.digits else []
    if rule.rule is not None:
        before = [pre_tokenizers.Split(tokenizers.Regex(rule.rule), "isolated")]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=rule.rule is None)
    backend.pre_tokenizer = pre_tokenizers.Sequence([*before, byte_level])
    if rule.composed:
        backend.normalizer = normalizers.NFC()
    backend.decoder = decoders.ByteLevel()
    add_special_tokens(backend, tokens, special=special, added=added, first=first, last=last)
    return Tokenizer(backend, len(tokens))


def _pair(merge: str, vocabulary: Mapping[str, int]) -> tuple[str, str]:
    left, space, right = merge.partition(" ")
    if not space or any(token not in vocabulary for token in (left, right, left + right)):
        raise ValueError(f"the merge {merge!r} is not two tokens of the vocabulary that make a third")
    return left, right
