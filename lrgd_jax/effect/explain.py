"""Why a decoder answers as it does: which of the demonstrations in its prompt did it, and how much."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lrgd_jax.decoder.loading import LoadedDecoder
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.answer import ANSWER, own_answer, tokenizer_of
from lrgd_jax.effect.answer_probabilities import AnswerProbabilities
from lrgd_jax.effect.contrast import ContrastLoss, contrast_loss
from lrgd_jax.effect.interactions import check_interactions, exact_interactions
from lrgd_jax.effect.methods import DEFAULT, METHODS
from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.effect.prompt_attribution import Contrast, PromptAttribution, units
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.effect.scores import Scores

__all__ = ["check_method", "explain_prompt"]


def explain_prompt(
    decoder: LoadedDecoder,
    prompt: Prompt,
    *,
    against: Prompt | None = None,
    method: str | None = None,
    interactions: bool = False,
    answer_tokens: int = ANSWER,
    progress: Callable[[str], None] | None = None,
) -> PromptAttribution:
    """Scores the demonstrations of a prompt.

    With `against` it is the log odds of one answer against another that are explained, see `ContrastLoss`.

    Args:
        decoder: with a tokenizer.
        prompt: from `lrgd_jax.effect.few_shot`; without a target the model's own answer is explained.
        against: the same prompt with another answer.
        method: a name in `lrgd_jax.effect.methods.METHODS`, its `DEFAULT` unless given.
        interactions: add the Shapley interaction index of all pairs, by the losses of all 2^N subsets.
        answer_tokens: the most tokens of an own answer.
        progress: called with the name of each stage.

    Raises:
        ValueError: an unknown method, no tokenizer, an answer that does not fit the context, or probabilities that are
            not finite; two answers that are one, or a method in other units for two; or interactions of one
            demonstration, or of more than `LARGEST`.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import explain_prompt, few_shot
        >>> decoder = tiny_decoder()
        >>> prompt = few_shot(decoder.tokenizer, decoder.config, ["a 1", "b 2"], "c", " 3")
        >>> attribution = explain_prompt(decoder, prompt)
        >>> attribution.scores.values.shape, [one.token for one in attribution.target]
        ((2,), [' ', '3'])
    """
    method = check_method(method)
    tell = progress or _say_nothing
    seconds: dict[str, float] = {}
    if interactions:
        check_interactions(len(prompt.demonstrations))
    own, empty = prompt.target is None, False
    if own:
        tell("the model's answer")
        with _clock(seconds, "answer"):
            prompt, empty = own_answer(decoder, prompt, answer_tokens)
    losses = _losses(decoder, prompt, against)
    tell("probabilities")
    with _clock(seconds, "probabilities"):
        answer = AnswerProbabilities.of(losses.answer, prompt)
        other = None if losses.other is None else AnswerProbabilities.of(*losses.other)
    tell("scores")
    with _clock(seconds, "scores"):
        scores = _scores(losses.explained, method)
    pairs = None
    if interactions:
        tell("interactions")
        with _clock(seconds, "interactions"):
            pairs = exact_interactions(losses.explained)
    notes = [*_remarks(prompt, own=own, empty=empty), *([] if METHODS[method].in_nats else [units(method)])]
    return replace(
        _attribution(tokenizer_of(decoder), scores, answer, other),
        own=own,
        method=method,
        interactions=pairs,
        notes=tuple(notes),
        seconds=MappingProxyType(seconds),
    )


class Losses(NamedTuple):
    """What is explained, the loss of its answer alone and, of two answers, that of the other with its prompt."""

    explained: PromptLoss | ContrastLoss
    answer: PromptLoss
    other: tuple[PromptLoss, Prompt] | None


def _losses(decoder: LoadedDecoder, prompt: Prompt, against: Prompt | None) -> Losses:
    if against is None:
        loss = prompt.loss(decoder.params, decoder.config)
        return Losses(loss, loss, None)
    both = contrast_loss(prompt, against, decoder.params, decoder.config)
    return Losses(both, both.target, (both.against, against))


def _say_nothing(stage: str) -> None:
    del stage


def _remarks(prompt: Prompt, *, own: bool, empty: bool) -> Iterator[str]:
    """On answers that are not what they seem."""
    answer = prompt.answer or ""
    if empty:
        yield f"the model's answer is empty: what is explained is the token {answer!r} that ends it"
    if not own and prompt.query[-1:].isalnum() and answer[:1].isalnum():
        yield f"query and target meet within a word: …{prompt.query[-12:]}{answer[:12]}…"


def _attribution(
    tokenizer: Tokenizer, scores: Scores, answer: AnswerProbabilities, other: AnswerProbabilities | None
) -> PromptAttribution:
    """By the probabilities of the answer and, where there is one, of the other answer."""
    told = [one.own for one in (answer, other) if one is not None]
    if not all(np.isfinite(x).all() for x in (scores.values, *(side for sides in told for side in sides))):
        raise ValueError("the model's probabilities are not finite on this prompt; is the checkpoint damaged?")
    if other is None:
        zero_shot, few_shot = (-float(side.mean()) for side in told[0])
    else:
        zero_shot, few_shot = (float(b.sum() - a.sum()) for a, b in zip(*told, strict=True))
    return PromptAttribution(
        answer.prompt,
        scores,
        zero_shot=zero_shot,
        few_shot=few_shot,
        target=answer.tokens(tokenizer),
        alternatives=answer.alternatives(tokenizer),
        own=False,
        contrast=None if other is None else Contrast(other.prompt.answer or "", other.tokens(tokenizer)),
    )


def _scores(loss: PromptLoss | ContrastLoss, method: str) -> Scores:
    """By layer and head too, where the method knows them: that costs no more."""
    return METHODS[method](loss, parts=True) if METHODS[method].with_parts else METHODS[method](loss)


def check_method(method: str | None) -> str:
    """The name of a method, the default one for None.

    Raises:
        ValueError: it is unknown.
    """
    if method is not None and method not in METHODS:
        raise ValueError(f"unknown method {method!r}; expected one of {', '.join(METHODS)}")
    return DEFAULT if method is None else method


@contextlib.contextmanager
def _clock(seconds: dict[str, float], name: str) -> Generator[None]:
    """Keeps the seconds of a block under a name."""
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started
