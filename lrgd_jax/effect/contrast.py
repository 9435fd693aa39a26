"""This answer rather than that: a loss whose fall is what the demonstrations add to the log odds of two answers."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.effect.prompt import Prompt, target_of
from lrgd_jax.effect.prompt_loss import Control, PromptLoss

__all__ = ["ContrastLoss", "contrast_loss"]


@struct.dataclass
class ContrastLoss:
    r"""Minus the log odds of one answer against another after the same prompt, in nats.

    $$\ell(\eta) = \ln p_\eta(B) - \ln p_\eta(A),\qquad \ln p_\eta(A) = \sum_{t\in A}\ln p_\eta(x_t\mid x_{<t})$$

    The probabilities are those of the whole answers: logarithms are summed over the tokens, not averaged, so that the
    odds are those of a draw from the model; of two likely continuations the longer one has the smaller probability.
    It is the difference of two `PromptLoss` times the lengths of their targets, so scores that are linear in the loss
    are differences too.

    Attributes:
        target: the loss of the answer A.
        against: of the answer B, with the same demonstrations and the same control.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import contrast_loss, few_shot
        >>> config, params, tokenizer = tiny_decoder()
        >>> one, other = (few_shot(tokenizer, config, ["a 1", "b 2"], "c", answer) for answer in (" 3", " 45"))
        >>> contrast_loss(one, other, params, config).lengths
        (2, 3)
    """

    target: PromptLoss
    against: PromptLoss

    @property
    def demonstrations(self) -> int:
        """How many there are."""
        return self.target.demonstrations

    @property
    def dtype(self) -> DTypeLike:
        """Of the weights, hence of the loss."""
        return self.target.dtype

    @property
    def control(self) -> Control:
        """What the numbers are."""
        return self.target.control

    @property
    def parts(self) -> tuple[int, int]:
        """Layers and heads, in each of which a demonstration can have a number of its own."""
        return self.target.parts

    @property
    def lengths(self) -> tuple[int, int]:
        """Of both answers, in tokens."""
        target, against = (int(np.count_nonzero(np.asarray(loss.shares))) for loss in (self.target, self.against))
        return target, against

    def with_control(self, control: Control) -> "ContrastLoss":
        """The same loss as a function of other numbers."""
        return replace(self, target=self.target.with_control(control), against=self.against.with_control(control))

    def __call__(self, gates: Float[Array, "*parts N"]) -> Float[Array, ""]:
        """The loss at given rates or gates."""
        target, against = (
            jnp.count_nonzero(loss.shares).astype(self.dtype) * loss(gates) for loss in (self.target, self.against)
        )
        return target - against


def contrast_loss(
    target: Prompt, against: Prompt, params: DecoderParams, config: DecoderConfig, *, control: Control = "rates"
) -> ContrastLoss:
    """The loss of a prompt's answer against another answer to it.

    Args:
        target: the prompt with the answer that is explained.
        against: the same prompt with the other answer.
        params: of the decoder.
        config: the decoder.
        control: "rates" or "contributions".

    Raises:
        ValueError: one of them has no target, the prompts differ in more than their answers, or the answers are the
            same.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import contrast_loss, exact_shapley, few_shot
        >>> config, params, tokenizer = tiny_decoder()
        >>> one, other = (few_shot(tokenizer, config, ["a 1", "b 2"], "c", answer) for answer in (" 3", " 45"))
        >>> exact_shapley(contrast_loss(one, other, params, config)).values.shape
        (2,)
    """
    if (target.demonstrations, target.query) != (against.demonstrations, against.query):
        raise ValueError(
            "two answers are compared after the same prompt, but the demonstrations or the queries of these differ; "
            "make both by few_shot with the same arguments, save for the target"
        )
    if target.answer == against.answer or np.array_equal(target.tokens, against.tokens):
        raise ValueError(
            f"the answer {target.answer!r} is compared with itself: both have the same tokens; give another one"
        )
    # of one size, so that what is computed of each alone is compiled once
    length = max(len(target.tokens), len(against.tokens))
    room = max(end - start for start, end in (target_of(target), target_of(against)))
    losses = (
        prompt.loss(params, config, control=control, length=length, target_length=room) for prompt in (target, against)
    )
    return ContrastLoss(*losses)
