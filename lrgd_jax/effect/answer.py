"""A model's own answer to a prompt, and the text of its tokens one by one."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownMemberType=false

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from lrgd_jax.decoder.generation import generate
from lrgd_jax.decoder.loading import LoadedDecoder
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.prompt import Prompt

__all__ = ["ANSWER", "own_answer", "token_texts", "tokenizer_of"]

ANSWER = 12
"""Most tokens of a model's own answer, unless another number is asked for."""


def tokenizer_of(decoder: LoadedDecoder) -> Tokenizer:
    """The tokenizer; raises ValueError where there is none."""
    if decoder.tokenizer is None:
        raise ValueError(
            "the model came without a tokenizer: a directory needs a tokenizer.json, a GGUF file a byte-level BPE of a "
            "known kind"
        )
    return decoder.tokenizer


def own_answer(decoder: LoadedDecoder, prompt: Prompt, most: int = ANSWER) -> tuple[Prompt, bool]:
    """The prompt with the model's greedy answer as its target, up to a newline or a token that ends a text.

    Args:
        decoder: with a tokenizer.
        prompt: without a target.
        most: tokens of the answer.

    Returns:
        The prompt, and whether the answer is empty; then the token that ends it is the target.

    Raises:
        ValueError: fewer than one token, or more than fit the context.
    """
    if most < 1:
        raise ValueError(f"an answer has at least one token, got {most}")
    config, tokenizer = decoder.config, tokenizer_of(decoder)
    stop = config.eos[0] if config.eos else None
    ids = np.asarray(generate(decoder.params, config, jnp.asarray(prompt.tokens), most, stop=stop))
    texts = token_texts(tokenizer, prompt.tokens, ids)
    ends = [k for k, text in enumerate(texts) if ids[k] in config.eos or "\n" in text]
    kept = ids[: ends[0] if ends else most]
    kept, empty = (kept, False) if len(kept) else (ids[:1], True)
    return prompt.with_answer(kept, "".join(texts[: len(kept)])), empty


def token_texts(tokenizer: Tokenizer, before: Int[np.ndarray, " n"], ids: Int[np.ndarray, " a"]) -> list[str]:
    """The text that each token adds to those before it."""
    anchor = before[-1:]
    texts: list[str] = []
    for k in range(len(ids)):
        shorter, longer = (
            tokenizer.decode(jnp.asarray([*anchor, *ids[: k + more]], jnp.int32), skip_special=False) for more in (0, 1)
        )
        text = longer[len(shorter) :] if longer.startswith(shorter) else ""
        # a part of a character has no text of its own
        texts.append(text or str(tokenizer.backend.id_to_token(int(ids[k]))))
    return texts
