"""The few demonstrations that the model reads before it is asked, and what its passes over them say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from lrgd_jax.effect.attribution import rate_gradient
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.language_recommender.demonstration_effects import (
    DemonstrationEffects,
    answer_loss,
    effects_under_perturbation,
    measure_effects,
)
from lrgd_jax.language_recommender.demonstration_pool import AskedDemonstrations
from lrgd_jax.language_recommender.prompts import PromptWriter
from lrgd_jax.language_recommender.title_scores import score_titles
from lrgd_jax.recommend.selection.effect_predictor import EffectPredictor

__all__ = ["Cost", "ReadPool"]

DRAWS = 2
"""Perturbations of the rates in stage one."""


@dataclass
class Cost:
    """What was computed.

    Attributes:
        passes: forward passes, a gradient counted as two or three (`lrgd_jax.effect.cost`).
        tokens: that these passes read.

    Examples:
        >>> cost = Cost()
        >>> cost.add(2.0, tokens=30)
        >>> cost
        Cost(passes=2.0, tokens=60.0)
    """

    passes: float = 0.0
    tokens: float = 0.0

    def add(self, passes: float, tokens: int) -> None:
        """So many passes over so many tokens."""
        self.passes += passes
        self.tokens += passes * tokens


@dataclass(frozen=True)
class ReadPool:
    """A short pool whose prompt asks for the user's own latest title, after the history before it.

    Nothing is read before it is asked for, and then once.

    Attributes:
        writer: of the prompts.
        asked: the demonstrations.
        history: items of who asks, oldest first; at least one with a title.
        seed: of the perturbations.
        learnt: a predictor of effects, or None.
        answer: the wanted item, for the oracle alone; None where it is not known.
        cost: of everything that was read.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.language_recommender import DemonstrationPool, PromptWriter, TitleTexts, load_template
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> split, decoder = generate_split(0, users=40, items=60), tiny_decoder()
        >>> titles = TitleTexts.of(split.catalogue, decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("list"))
        >>> pool = DemonstrationPool.of(split.catalogue, split.context("test"), titles.there)
        >>> read = ReadPool(writer, pool.asked(split.test, 0).take(np.arange(2)), split.test.histories.of(0).tolist())
        >>> read.cost.passes, len(read.asked)
        (0.0, 2)
    """

    writer: PromptWriter
    asked: AskedDemonstrations
    history: Sequence[int]
    seed: int = 0
    learnt: EffectPredictor | None = None
    answer: int | None = None
    cost: Cost = field(default_factory=Cost)

    @cached_property
    def loss(self) -> PromptLoss:
        """Of the user's own latest title, as a function of the demonstrations' rates.

        Raises:
            ValueError: no item of the history has a title, or the prompt does not fit the context.
        """
        titled = [item for item in self.history if self.writer.titles.there[item]]
        if not titled:
            raise ValueError("no item of this history has a title, so a model has nothing to be asked about")
        prompt = self.writer.prompt(titled[:-1], self.asked.transitions)
        return answer_loss(self.writer, prompt, titled[-1], room=self.writer.longest)

    @cached_property
    def _effects(self) -> DemonstrationEffects:
        made = measure_effects(self.loss)
        self.cost.add(made.cost, made.tokens)
        return made

    @cached_property
    def _perturbed(self) -> tuple[Float[np.ndarray, "draws N"], float]:
        drawn, passes = effects_under_perturbation(self.loss, DRAWS, np.random.default_rng(self.seed))
        self.cost.add(passes, len(self.loss.tokens))
        return drawn, passes

    @property
    def perturbation_cost(self) -> float:
        """Of the effects at perturbed rates, in forward passes of the prompt."""
        return self._perturbed[1]

    def effects_on(self, item: int) -> Float[np.ndarray, " N"]:
        """First-order effects on the likelihood of any title, after the whole history; where it is known, to learn by.

        Raises:
            ValueError: the item has no title, or the prompt does not fit the context.
        """
        prompt = self.writer.prompt(self.history, self.asked.transitions)
        loss = answer_loss(self.writer, prompt, item, room=self.writer.longest)
        scores = rate_gradient(loss)
        self.cost.add(scores.cost, len(loss.tokens))
        return scores.values

    def effects(self) -> DemonstrationEffects:
        """On the likelihood of the user's own latest title."""
        return self._effects

    def perturbed(self) -> Float[np.ndarray, "draws N"]:
        """Parts of Effect_D at perturbed rates, on the same."""
        return self._perturbed[0]

    def predictor(self) -> EffectPredictor | None:
        """Learnt on validation users; None where nobody has."""
        return self.learnt

    def alone(self) -> Float[np.ndarray, " N"]:
        """Log-likelihood of the wanted title behind each demonstration alone; reads the answer.

        Raises:
            ValueError: the answer is not known.
        """
        if self.answer is None:
            raise ValueError("the oracle reads the answer, which is not known here; choose another selector")
        scores = []
        for one in self.asked.transitions:
            scored = score_titles(self.writer, self.writer.prompt(self.history, [one]), [self.answer])
            self.cost.add(1.0, scored.tokens)
            scores.append(scored.likelihoods[0])
        return np.array(scores)
