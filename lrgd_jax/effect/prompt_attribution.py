"""A prompt's answer attributed to its demonstrations: scores, the two losses, probabilities of the answer's tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.effect.interactions import Interactions
from lrgd_jax.effect.methods import DEFAULT, METHODS
from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.effect.scores import Scores

__all__ = ["Contrast", "PromptAttribution", "TokenProbability", "units"]


@dataclass(frozen=True)
class TokenProbability:
    """A token, and how probable it is after the tokens before it.

    Attributes:
        token: its text.
        zero_shot: probability without the demonstrations, the positions of the rest kept.
        few_shot: with them.

    Examples:
        >>> from lrgd_jax.effect import TokenProbability
        >>> TokenProbability(" Paris", zero_shot=0.25, few_shot=0.75)
        TokenProbability(token=' Paris', zero_shot=0.25, few_shot=0.75)
    """

    token: str
    zero_shot: float
    few_shot: float


@dataclass(frozen=True)
class Contrast:
    """The answer against which another one is explained.

    Attributes:
        answer: its text.
        tokens: their probabilities after the same prompt.

    Examples:
        >>> from lrgd_jax.effect import Contrast, TokenProbability
        >>> Contrast(" London", (TokenProbability(" London", zero_shot=0.25, few_shot=0.125),)).answer
        ' London'
    """

    answer: str
    tokens: tuple[TokenProbability, ...]


@dataclass(frozen=True)
class PromptAttribution:
    r"""What the demonstrations of one prompt are worth; positive scores help, that is, lower the loss of the target.

    Attributes:
        prompt: with its target.
        scores: one a demonstration, in nats a token of the target; against another answer, in nats of the log odds.
        zero_shot: the loss without demonstrations, $-\frac1{|A|}\sum_{t\in A}\log p(x_t)$ over the target A, in nats;
            against another answer minus the log odds, $\log p(B) - \log p(A)$ of the whole answers.
        few_shot: with them.
        target: its tokens.
        alternatives: the most probable tokens in place of the target's first, that one left out.
        own: whether the target is the model's own answer.
        method: the name by which the scores were asked for.
        contrast: the answer against which the target is explained; None where it is explained by itself.
        interactions: of all pairs of demonstrations; None unless asked for.
        notes: what the reader should know besides.
        seconds: by stage.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import explain_prompt, few_shot
        >>> decoder = tiny_decoder()
        >>> prompt = few_shot(decoder.tokenizer, decoder.config, ["a 1", "b 2"], "c", " 3")
        >>> attribution = explain_prompt(decoder, prompt)
        >>> sorted(attribution.ranking.tolist()), attribution.heads.shape, attribution.in_nats
        ([0, 1], (2, 4, 2), True)
    """

    prompt: Prompt
    scores: Scores
    zero_shot: float
    few_shot: float
    target: tuple[TokenProbability, ...]
    alternatives: tuple[TokenProbability, ...]
    own: bool
    method: str = DEFAULT
    contrast: Contrast | None = None
    interactions: Interactions | None = None
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def whole(self) -> float:
        """The fall of the loss by all demonstrations, nats."""
        return self.zero_shot - self.few_shot

    @property
    def relative(self) -> float | None:
        """Effect_D, the fall relative to the zero-shot loss; None where that is zero, and for log odds."""
        return self.whole / self.zero_shot if self.zero_shot > 0 and self.contrast is None else None

    @property
    def shares(self) -> Float[np.ndarray, " N"] | None:
        """The scores over the size of the whole effect, so that positive still helps.

        None where the effect is zero, or the scores are in other units.
        """
        return self.scores.values / abs(self.whole) if self.whole and self.in_nats else None

    @property
    def in_nats(self) -> bool:
        """Whether the scores are in units of the loss."""
        return METHODS[self.method].in_nats

    @property
    def unit(self) -> str:
        """Of the scores, in words."""
        if not self.in_nats:
            return "units of the method"
        return "nats a token" if self.contrast is None else "nats of the log odds"

    @property
    def gap(self) -> float | None:
        """How far the scores' sum is from the whole effect, relative to it; None where there are no shares."""
        return None if self.shares is None else abs(float(np.sum(self.scores.values)) - self.whole) / abs(self.whole)

    @property
    def ranking(self) -> Int[np.ndarray, " N"]:
        """The demonstrations from the most helpful to the most harmful."""
        return np.argsort(-self.scores.values, kind="stable")

    @property
    def heads(self) -> Float[np.ndarray, "L h N"] | None:
        """The scores' parts by layer and head; None where the method knows none."""
        return self.scores.parts

    @property
    def layers(self) -> Float[np.ndarray, "L N"] | None:
        """The scores' parts by layer."""
        return None if self.heads is None else self.heads.sum(axis=1)


def units(method: str) -> str:
    """A remark on scores that are no nats."""
    if not METHODS[method].signed:
        return f"{method} has units of its own and no sign: it says how much a demonstration matters, not if it helps"
    return f"{method} has units of its own: it orders the demonstrations, and its scores do not add up to the effect"
