"""How probable the tokens of an answer are with and without the demonstrations, and what else was likely."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.forward import hidden_states, read_logits
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.effect.answer import token_texts
from lrgd_jax.effect.prompt import Prompt, target_of
from lrgd_jax.effect.prompt_attribution import TokenProbability
from lrgd_jax.effect.prompt_loss import PromptLoss

__all__ = ["AnswerProbabilities"]

ALTERNATIVES = 4
"""How many of the most probable first tokens of an answer are told, zero-shot and few-shot each."""


class AnswerProbabilities(NamedTuple):
    """Logarithms of all tokens' probabilities at the places of an answer.

    Attributes:
        prompt: with the answer.
        zero_shot: without the demonstrations, the positions of the rest kept; shape [a, vocab].
        few_shot: with them.
    """

    prompt: Prompt
    zero_shot: Float[np.ndarray, "a vocab"]
    few_shot: Float[np.ndarray, "a vocab"]

    @classmethod
    def of(cls, loss: PromptLoss, prompt: Prompt) -> "AnswerProbabilities":
        """By two forward passes.

        Args:
            loss: of the prompt.
            prompt: with a target.
        """
        return cls(prompt, *(_log_probabilities_at(loss, prompt, gate) for gate in (0.0, 1.0)))

    @property
    def own(self) -> tuple[Float[np.ndarray, " a"], Float[np.ndarray, " a"]]:
        """Of the answer's tokens, zero-shot and few-shot."""
        start, end = target_of(self.prompt)
        at = np.arange(end - start), self.prompt.tokens[start:end]
        return self.zero_shot[at], self.few_shot[at]

    def tokens(self, tokenizer: Tokenizer) -> tuple[TokenProbability, ...]:
        """Of the answer's tokens, with their texts."""
        (start, end), (zero, one) = target_of(self.prompt), self.own
        texts = token_texts(tokenizer, self.prompt.tokens[:start], self.prompt.tokens[start:end])
        return tuple(map(TokenProbability, texts, np.exp(zero).tolist(), np.exp(one).tolist()))

    def alternatives(self, tokenizer: Tokenizer) -> tuple[TokenProbability, ...]:
        """The most probable tokens in place of the answer's first."""
        start, _ = target_of(self.prompt)
        zero, one = self.zero_shot[0], self.few_shot[0]
        likely = {int(k) for x in (zero, one) for k in np.argsort(-x)[:ALTERNATIVES]} - {int(self.prompt.tokens[start])}
        ids = sorted(likely, key=lambda k: -max(zero[k], one[k]))
        texts = [token_texts(tokenizer, self.prompt.tokens[:start], np.array([k]))[0] for k in ids]
        return tuple(map(TokenProbability, texts, np.exp(zero[ids]).tolist(), np.exp(one[ids]).tolist()))


@jax.jit
def _log_probabilities(
    loss: PromptLoss, places: Int[Array, " a"], gates: Float[Array, " N"]
) -> Float[Array, "a vocab"]:
    hidden = hidden_states(loss.params, loss.config, loss.tokens, loss.demonstration_gates(gates))
    return jax.nn.log_softmax(read_logits(loss.params, loss.config, hidden[places - 1]))


def _log_probabilities_at(loss: PromptLoss, prompt: Prompt, gate: float) -> Float[np.ndarray, "a vocab"]:
    """Of every token at the places of the target, all gates alike."""
    places = jnp.arange(*target_of(prompt), dtype=jnp.int32)
    gates = jnp.full(loss.demonstrations, gate, loss.dtype)
    return np.asarray(_log_probabilities(loss, places, gates), np.float64)
