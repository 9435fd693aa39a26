"""What each demonstration of a recommendation prompt is worth to one title: first order, gates, attention, removal."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lrgd_jax.decoder.packing import padded_length
from lrgd_jax.effect.attribution import leave_one_out, rate_gradient
from lrgd_jax.effect.baselines import attention_sums
from lrgd_jax.effect.cost import gradient_cost
from lrgd_jax.effect.evaluation import gradients_at, zero_and_few_shot_losses
from lrgd_jax.effect.prompt import Prompt
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.effect.scores import Scores
from lrgd_jax.language_recommender.prompts import PromptWriter

__all__ = ["DemonstrationEffects", "answer_loss", "effects_under_perturbation", "measure_effects", "removal_effects"]

LOWEST = 0.5
"""To which a perturbation takes a rate at most, from one."""


@dataclass(frozen=True)
class DemonstrationEffects:
    r"""What the demonstrations of one prompt are worth; positive helps, that is, raises the likelihood of the title.

    Attributes:
        first_order: $-\partial\ell/\partial\eta_i$ at rates one, shape [N].
        gates: $-\partial\ell/\partial c_i$ of the contribution gates at one, shape [N].
        attention: that each gets from the tokens that predict the title; no sign, shape [N].
        costs: of the three in their order, in forward passes of the prompt.
        tokens: of the prompt with its answer.

    Examples:
        >>> ones = np.ones(2)
        >>> DemonstrationEffects(first_order=ones, gates=ones, attention=ones, costs=(3.0, 3.0, 1.0), tokens=40).cost
        7.0
    """

    first_order: Float[np.ndarray, " N"]
    gates: Float[np.ndarray, " N"]
    attention: Float[np.ndarray, " N"]
    costs: tuple[float, float, float]
    tokens: int

    @property
    def cost(self) -> float:
        """Of all three together."""
        return sum(self.costs)


def answer_loss(writer: PromptWriter, prompt: Prompt, item: int, *, room: int | None = None) -> PromptLoss:
    """The loss of an item's title behind a prompt, a function of the demonstrations' rates.

    Padded, so that prompts of about one length share a compilation.

    Args:
        writer: who wrote the prompt.
        prompt: without an answer, with at least one demonstration.
        item: with a title.
        room: tokens that the answer has room for; a few more than it has unless given.

    Raises:
        ValueError: the item has no title, or the two do not fit the context.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import PromptWriter, TitledTransition, TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("list"))
        >>> answer_loss(writer, writer.prompt([0], [TitledTransition([1], 2)]), 2).demonstrations
        1
    """
    answered = writer.with_answer(prompt, item)
    context = writer.decoder.config.context_length
    own = len(answered.tokens) - len(prompt.tokens)
    return answered.loss(
        writer.decoder.params,
        writer.decoder.config,
        length=padded_length(len(answered.tokens), context),
        target_length=max(own, room or 0, 16),
    )


def measure_effects(loss: PromptLoss) -> DemonstrationEffects:
    """First-order, gate and attention scores, in one forward and two backward passes.

    Args:
        loss: from `answer_loss`.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import TitleTexts, TitledTransition, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("list"))
        >>> effects = measure_effects(answer_loss(writer, writer.prompt([0], [TitledTransition([1], 2)]), 2))
        >>> effects.first_order.shape, effects.gates.shape
        ((1,), (1,))
    """
    scores: list[Scores] = [
        rate_gradient(loss.with_control("rates")),
        rate_gradient(loss.with_control("contributions")),
        attention_sums(loss),
    ]
    rates, gates, attention = scores
    costs = rates.cost, gates.cost, attention.cost
    return DemonstrationEffects(rates.values, gates.values, attention.values, costs, len(loss.tokens))


def removal_effects(loss: PromptLoss) -> tuple[Scores, float]:
    """By how much the loss rises without each demonstration, and Effect_D, the relative fall by all of them.

    Args:
        loss: from `answer_loss`; N + 3 forward passes.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import PromptWriter, TitledTransition, TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("list"))
        >>> scores, effect = removal_effects(answer_loss(writer, writer.prompt([0], [TitledTransition([1], 2)]), 2))
        >>> scores.values.shape, effect < 1
        ((1,), True)
    """
    zero, few = zero_and_few_shot_losses(loss.with_control("rates"))
    return leave_one_out(loss.with_control("rates")), (zero - few) / zero


def effects_under_perturbation(loss: PromptLoss, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    r"""First-order parts of Effect_D, $-\eta_i\,\partial\ell/\partial\eta_i / \ell(0)$, at rates drawn below one.

    Args:
        loss: from `answer_loss`.
        draws: how many vectors of rates.
        rng: draws them, evenly between `LOWEST` and one.

    Returns:
        One row a draw, shape [draws, N], and the cost in forward passes.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import PromptWriter, TitledTransition, TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("list"))
        >>> loss = answer_loss(writer, writer.prompt([0], [TitledTransition([1], 2)]), 2)
        >>> effects_under_perturbation(loss, 2, np.random.default_rng(0))[0].shape
        (2, 1)
    """
    loss = loss.with_control("rates")
    rates = rng.uniform(LOWEST, 1.0, (draws, loss.demonstrations))
    drawn = gradients_at(loss, rates)
    # the same scale for all demonstrations of a prompt, so the few-shot loss serves as well as the zero-shot one
    return -rates * drawn.gradients / drawn.losses[:, None], draws * gradient_cost(loss)
