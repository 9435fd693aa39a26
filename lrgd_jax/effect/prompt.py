"""A few-shot prompt: its text from demonstrations and a query, and which of its tokens belong to which of them."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.demonstrations import Demonstration
from lrgd_jax.effect.prompt_loss import Control, PromptLoss
from lrgd_jax.effect.template import Pieces, Template, pieces_of

__all__ = ["Prompt", "encode_pieces", "few_shot"]

BEGINNING = "<|endoftext|>"
"""Between the documents that many models were trained on, hence what such a model has seen before a text."""

SMALLEST_SHARE = 0.5
"""Of an embedding's rows that a tokenizer uses: some are left for padding, but no model leaves half of them."""


@dataclass(frozen=True)
class Prompt:
    """The tokens of a few-shot prompt.

    Attributes:
        tokens: the target's among them.
        segments: of each token: zero for what is always seen, then the demonstrations, last the query with its
            target; where nothing is always seen, the first demonstration is zero.
        target: (start, end) of the target's tokens, end excluded; None where the model's own answer is asked for.
        always_seen: one if the prompt begins with tokens of no demonstration, else zero.
        demonstrations: texts, as they stand in the prompt.
        query: likewise.
        answer: likewise, the target's.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> prompt.segments.tolist(), prompt.target
        ([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2], (9, 11))
        >>> prompt.counts().tolist()
        [4, 4]
    """

    tokens: Int[np.ndarray, " n"]
    segments: Int[np.ndarray, " n"]
    target: tuple[int, int] | None
    always_seen: int
    demonstrations: tuple[str, ...]
    query: str
    answer: str | None

    def with_answer(self, tokens: Int[np.ndarray, " a"], answer: str) -> "Prompt":
        """The same prompt with these tokens as its target."""
        n, more = len(self.tokens), len(tokens)
        return replace(
            self,
            tokens=np.concatenate([self.tokens, tokens]).astype(np.int32),
            segments=np.pad(self.segments, (0, more), mode="edge"),
            target=(n, n + more),
            answer=answer,
        )

    def loss(
        self,
        params: DecoderParams,
        config: DecoderConfig,
        *,
        control: Control = "rates",
        length: int | None = None,
        target_length: int | None = None,
    ) -> PromptLoss:
        """Of the target, as a function of one number a demonstration; arguments and errors as of `PromptLoss.of`.

        Raises:
            ValueError: the prompt has no target yet.
        """
        return PromptLoss.of(
            params,
            config,
            jnp.asarray(self.tokens),
            jnp.asarray(self.segments),
            target_of(self),
            control=control,
            always_seen=self.always_seen,
            length=length,
            target_length=target_length,
        )

    def counts(self) -> Int[np.ndarray, " N"]:
        """How many tokens each demonstration has."""
        return np.bincount(self.segments)[self.always_seen : -1]


def target_of(prompt: Prompt) -> tuple[int, int]:
    """Where the target starts and ends.

    Args:
        prompt: with a target.

    Raises:
        ValueError: the prompt has no target yet.
    """
    if prompt.target is None:
        raise ValueError("the prompt has no target: give one, or add the model's own answer by Prompt.with_answer")
    return prompt.target


def few_shot(
    tokenizer: Tokenizer,
    config: DecoderConfig,
    demonstrations: Sequence[Demonstration],
    query: str,
    target: str | None = None,
    *,
    template: Template | None = None,
    chat: bool = False,
    preamble: str = "",
) -> Prompt:
    r"""The prompt: preamble, demonstrations, query, target.

    The text is encoded as a whole, so it has the tokens that the model would see anyway. A token belongs to the piece
    in which its first character lies, and a token with a character of the target to the target. A newline that ends a
    demonstration, or whatever else stands between two of them, belongs to the first.

    Before a text that is no chat stands the token that the tokenizer puts there; if there is none, the one between
    documents (`<|endoftext|>`) or the config's. The first token is where heads look that look at nothing in
    particular, so it must not come and go with the first demonstration.

    Args:
        tokenizer: of the decoder.
        config: the decoder.
        demonstrations: texts, or pairs of input and output; not both.
        query: a text, or the input whose output is asked for.
        target: the output that is explained; None for the model's own answer, see `Prompt.with_answer`.
        template: of pairs, in a prompt that is no chat.
        chat: write ChatML: each pair is two turns, texts stand in the user's turn before the query.
        preamble: always seen, before the demonstrations; in a chat the turn of the system.

    Raises:
        ValueError: no demonstration, or texts and pairs together; an empty query or target; a template that is of no
            use; a tokenizer that does not fit the decoder or knows no ChatML; a piece without a token of its own; or
            more tokens than the context holds.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> prompt.demonstrations, prompt.query, prompt.answer
        (('a 1\n', 'b 2\n'), 'c', ' 3')
    """
    if target is not None and not target.strip():
        raise ValueError("the target is empty: give the text whose likelihood counts, or no target")
    if not query.strip():
        raise ValueError("the query is empty: give the text that the answer belongs to")
    check_tokenizer(tokenizer, config)
    pieces = pieces_of(tokenizer, demonstrations, query, template=template, chat=chat, preamble=preamble)
    if target is None:
        # most tokenizers join a blank with the word after it, which the model has yet to write
        pieces = replace(pieces, query=pieces.query.rstrip(" "))
    return encode_pieces(tokenizer, config, pieces, target, begins=not chat)


def check_tokenizer(tokenizer: Tokenizer, config: DecoderConfig) -> None:
    """Raises ValueError where tokenizer and decoder cannot belong together."""
    known = tokenizer.backend.get_vocab_size()
    if known < SMALLEST_SHARE * config.vocab_size:
        raise ValueError(
            f"the tokenizer knows {known} tokens, but the decoder's vocabulary has {config.vocab_size}; "
            "tokenizer and model belong to different models"
        )


def encode_pieces(
    tokenizer: Tokenizer, config: DecoderConfig, pieces: Pieces, target: str | None, *, begins: bool
) -> Prompt:
    """The prompt of texts that are laid out already; there may be no demonstration among them.

    Args:
        tokenizer: of the decoder.
        config: the decoder.
        pieces: the texts.
        target: the output that is explained, or None.
        begins: whether a token stands before the text; one does in a prompt that is no chat, see `few_shot`.

    Raises:
        ValueError: the tokenizer finds no token, a piece has none of its own, or the context holds fewer.
    """
    texts = [pieces.head, *pieces.demonstrations, pieces.query]
    whole = "".join(texts)
    encoding = tokenizer.encoding(whole + (target or ""))
    ids = np.asarray(encoding.ids, np.int32)
    own = np.flatnonzero(np.asarray(encoding.special_tokens_mask) == 0)
    if not own.size:
        raise ValueError("the tokenizer finds no token in the prompt; tokenizer and text do not fit each other")
    first = ids[: own[0]].tolist() or ([_beginning(tokenizer, config)] if begins else [])
    first = [token for token in first if token is not None]
    offsets, ids = np.asarray(encoding.offsets)[own], np.concatenate([np.asarray(first, np.int32), ids[own]])
    starts = np.cumsum([0, *map(len, texts[:-1])])
    numbers = np.maximum.accumulate(np.searchsorted(starts, offsets[:, 0], side="right") - 1)
    segments = np.concatenate([np.zeros(len(first), int), numbers])
    answer = len(ids) if target is None else len(first) + int(np.argmax(offsets[:, 1] > len(whole)))
    _check_length(config, answer, len(ids) - answer)
    _check_pieces(segments[:answer], len(pieces.demonstrations))
    always_seen = int(segments[0] == 0)
    return Prompt(
        tokens=ids,
        segments=(segments - 1 + always_seen).astype(np.int32),
        target=None if target is None else (answer, len(ids)),
        always_seen=always_seen,
        demonstrations=pieces.demonstrations,
        query=pieces.query,
        answer=target,
    )


def _beginning(tokenizer: Tokenizer, config: DecoderConfig) -> int | None:
    between = tokenizer.backend.token_to_id(BEGINNING)
    return config.bos if between is None or between >= config.vocab_size else between


def _check_pieces(segments: Int[np.ndarray, " n"], demonstrations: int) -> None:
    """Raises ValueError where two pieces share their only token, so that their segments would overlap."""
    names = [f"demonstration {i + 1}" for i in range(demonstrations)] + ["the query"]
    for name, number in zip(names, range(1, demonstrations + 2), strict=True):
        if number not in segments:
            raise ValueError(
                f"{name} has no token of its own: one token holds it together with what stands next to it, so the two "
                "overlap; put a newline between them"
            )


def _check_length(config: DecoderConfig, prompt: int, target: int) -> None:
    if prompt + target > config.context_length:
        what = f" and the target {target}" if target else ""
        raise ValueError(
            f"the prompt has {prompt} tokens{what}, but the model's context holds {config.context_length}; "
            "give fewer or shorter demonstrations"
        )
