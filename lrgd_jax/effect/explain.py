"""Why a decoder answers as it does: which of the demonstrations in its prompt did it, and how much."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownMemberType=false

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.forward import hidden_states, read_logits
from lrgd_jax.decoder.loading import LoadedDecoder
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.answer import ANSWER, own_answer, token_texts, tokenizer_of
from lrgd_jax.effect.methods import DEFAULT, METHODS
from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.effect.prompt_attribution import PromptAttribution, TokenProbability, units
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.effect.scores import Scores

__all__ = ["check_method", "explain_prompt"]

ALTERNATIVES = 4
"""How many of the most probable first tokens of an answer are told, zero-shot and few-shot each."""


def explain_prompt(
    decoder: LoadedDecoder,
    prompt: Prompt,
    *,
    method: str | None = None,
    answer_tokens: int = ANSWER,
    progress: Callable[[str], None] | None = None,
) -> PromptAttribution:
    """Scores the demonstrations of a prompt.

    Args:
        decoder: with a tokenizer.
        prompt: from `lrgd_jax.effect.few_shot`; without a target the model's own answer is explained.
        method: a name in `lrgd_jax.effect.methods.METHODS`, its `DEFAULT` unless given.
        answer_tokens: the most tokens of an own answer.
        progress: called with the name of each stage.

    Raises:
        ValueError: an unknown method, no tokenizer, an answer that does not fit the context, or probabilities that are
            not finite.

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
    own, empty = prompt.target is None, False
    if own:
        tell("the model's answer")
        with _clock(seconds, "answer"):
            prompt, empty = own_answer(decoder, prompt, answer_tokens)
    loss = prompt.loss(decoder.params, decoder.config)
    tell("probabilities")
    with _clock(seconds, "probabilities"):
        zero, one = (_log_probabilities_at(loss, prompt, gate) for gate in (0.0, 1.0))
    tell("scores")
    with _clock(seconds, "scores"):
        scores = _scores(loss, method)
    notes = [*_remarks(prompt, own=own, empty=empty), *([] if METHODS[method].in_nats else [units(method)])]
    attribution = _attribution(tokenizer_of(decoder), prompt, scores, zero, one)
    return replace(attribution, own=own, method=method, notes=tuple(notes), seconds=MappingProxyType(seconds))


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
    tokenizer: Tokenizer,
    prompt: Prompt,
    scores: Scores,
    zero: Float[np.ndarray, "a vocab"],
    one: Float[np.ndarray, "a vocab"],
) -> PromptAttribution:
    """By the logarithms of all probabilities at the places of the target, zero-shot and few-shot."""
    start, end = _target(prompt)
    at = np.arange(end - start), prompt.tokens[start:end]
    if not all(np.isfinite(x).all() for x in (zero[at], one[at], scores.values)):
        raise ValueError("the model's probabilities are not finite on this prompt; is the checkpoint damaged?")
    return PromptAttribution(
        prompt,
        scores,
        zero_shot=-float(zero[at].mean()),
        few_shot=-float(one[at].mean()),
        target=_target_probabilities(tokenizer, prompt, zero[at], one[at]),
        alternatives=_alternatives(tokenizer, prompt, zero[0], one[0]),
        own=False,
    )


def _scores(loss: PromptLoss, method: str) -> Scores:
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


def _target(prompt: Prompt) -> tuple[int, int]:
    if prompt.target is None:
        raise ValueError("the prompt has no target")
    return prompt.target


@jax.jit
def _log_probabilities(
    loss: PromptLoss, places: Int[Array, " a"], gates: Float[Array, " N"]
) -> Float[Array, "a vocab"]:
    hidden = hidden_states(loss.params, loss.config, loss.tokens, loss.demonstration_gates(gates))
    return jax.nn.log_softmax(read_logits(loss.params, loss.config, hidden[places - 1]))


def _log_probabilities_at(loss: PromptLoss, prompt: Prompt, gate: float) -> Float[np.ndarray, "a vocab"]:
    """Of every token at the places of the target, all gates alike."""
    places = jnp.arange(*_target(prompt), dtype=jnp.int32)
    gates = jnp.full(loss.demonstrations, gate, loss.dtype)
    return np.asarray(_log_probabilities(loss, places, gates), np.float64)


def _target_probabilities(
    tokenizer: Tokenizer, prompt: Prompt, zero: Float[np.ndarray, " a"], one: Float[np.ndarray, " a"]
) -> tuple[TokenProbability, ...]:
    start, end = _target(prompt)
    texts = token_texts(tokenizer, prompt.tokens[:start], prompt.tokens[start:end])
    return tuple(map(TokenProbability, texts, np.exp(zero).tolist(), np.exp(one).tolist()))


def _alternatives(
    tokenizer: Tokenizer, prompt: Prompt, zero: Float[np.ndarray, " vocab"], one: Float[np.ndarray, " vocab"]
) -> tuple[TokenProbability, ...]:
    start, _ = _target(prompt)
    likely = {int(k) for x in (zero, one) for k in np.argsort(-x)[:ALTERNATIVES]} - {int(prompt.tokens[start])}
    ids = sorted(likely, key=lambda k: -max(zero[k], one[k]))
    texts = [token_texts(tokenizer, prompt.tokens[:start], np.array([k]))[0] for k in ids]
    return tuple(map(TokenProbability, texts, np.exp(zero[ids]).tolist(), np.exp(one[ids]).tolist()))


@contextlib.contextmanager
def _clock(seconds: dict[str, float], name: str) -> Generator[None]:
    """Keeps the seconds of a block under a name."""
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started
