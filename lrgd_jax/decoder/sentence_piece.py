"""SentencePiece's BPE from a vocabulary with scores, as GGUF files of Llama 2, Mistral and Gemma hold it."""

from collections.abc import Mapping, Sequence

import tokenizers
from tokenizers import decoders, models, normalizers

from lrgd_jax.decoder.tokenizer import Tokenizer, add_special_tokens, number_tokens

__all__ = ["sentence_piece_tokenizer"]

SPACE = "▁"


def sentence_piece_tokenizer(
    tokens: Sequence[str],
    scores: Sequence[float],
    *,
    unknown: int,
    pieces: Sequence[bool],
    special: Sequence[str] = (),
    added: Sequence[str] = (),
    prefix: bool = True,
    first: int | None = None,
    last: int | None = None,
) -> Tokenizer:
    """A BPE that merges the pair whose token has the highest score, and writes unknown letters as bytes.

    Args:
        tokens: by id, with ▁ for a space.
        scores: of the tokens.
        unknown: id of the token for what cannot be written.
        pieces: which tokens a text is put together from.
        special: tokens that `Tokenizer.decode` leaves out; like `added`, never cut.
        added: tokens that are never cut.
        prefix: a space is put before every text.
        first: id of the token before every text.
        last: id of the token after every text.

    Raises:
        ValueError: a token is there twice.

    Source: Kudo and Richardson 2018, arXiv 1808.06226, section 3.
    """
    vocabulary = number_tokens(tokens)
    whole = {token: i for token, i in vocabulary.items() if pieces[i]}
    every_byte = all(f"<0x{byte:02X}>" in vocabulary for byte in range(256))
    backend = tokenizers.Tokenizer(
        models.BPE(
            vocabulary,
            _merges(whole, scores),
            unk_token=tokens[unknown],
            fuse_unk=True,
            byte_fallback=every_byte,
        )
    )
    before = [normalizers.Prepend(SPACE)] if prefix else []
    backend.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", SPACE)])
    after = [decoders.Strip(" ", 1, 0)] if prefix else []
    backend.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *after]
    )
    ends = {"first": first, "last": last}
    # a space in an added token is written as in the text, unless that would get a space of its own before it
    add_special_tokens(backend, tokens, special=special, added=added, normalized=not prefix, **ends)
    return Tokenizer(backend, len(tokens))


def _merges(vocabulary: Mapping[str, int], scores: Sequence[float]) -> list[tuple[str, str]]:
    """Every pair of tokens that make a third, the highest score first, the longer left part where scores are equal."""
    ranked = []
    for token, i in vocabulary.items():
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in vocabulary and right in vocabulary:
                ranked.append((-scores[i], -len(left), i, left, right))
    return [(left, right) for *_, left, right in sorted(ranked)]
