r"""Stage two in a prompt: each demonstration's rate is refined on what the user took lately, guarded against collapse.

$$\log\eta \leftarrow \mathrm{optax}\Big(\nabla_{\log\eta}\ \frac1W\sum_{w=1}^W \ell_w(\eta)
+ \frac\lambda2\|\log\eta\|^2\Big),$$

where $\ell_w$ is the loss of the title that the user took w items ago, after the history before it: a rolling window
that ends before the item that is asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from lrgd_jax.effect.baselines import contribution_sums
from lrgd_jax.effect.evaluation import gradients_at
from lrgd_jax.effect.prompt_loss import PromptLoss
from lrgd_jax.language_recommender.demonstration_effects import answer_loss
from lrgd_jax.language_recommender.prompts import PromptWriter, TitledTransition
from lrgd_jax.recommend.adaptation.collapse_guard import Guard, perplexity

__all__ = ["PromptAdaptation", "PromptCollapse", "adapt_rates", "prompt_collapse", "rolling_window"]


@dataclass(frozen=True)
class PromptAdaptation:
    """How rates are refined.

    Attributes:
        step: learning rate of Adam on the logarithms.
        pull: lambda, toward rate 1.
        guard: limits of collapse, or None.
    """

    step: float = 0.3
    pull: float = 0.1
    guard: Guard | None = None

    def __post_init__(self) -> None:
        if not self.step > 0 or self.pull < 0:
            raise ValueError(f"the step must be positive and the pull not negative, got {self.step} and {self.pull}")


@dataclass(frozen=True)
class PromptCollapse:
    """How concentrated the demonstrations of a prompt are.

    Attributes:
        rank: effective rank of what they add, demonstrations by heads, at their rates.
        voices: exponential of the entropy of the rates' shares; how many demonstrations speak.
        largest: share of the largest rate.
    """

    rank: float
    voices: float
    largest: float


def rolling_window(
    writer: PromptWriter, history: Sequence[int], demonstrations: Sequence[TitledTransition], length: int
) -> list[PromptLoss]:
    """The losses of a user's latest titles, each after the history before it, as functions of the same rates.

    Args:
        writer: of the prompts.
        history: items, oldest first; those without a title are left out.
        demonstrations: in the order of the prompt, at least one.
        length: how many titles at most.

    Raises:
        ValueError: no item has a title, there is no demonstration, or a prompt does not fit the context.
    """
    titled = [item for item in history if writer.titles.there[item]]
    if not titled or not demonstrations or length < 1:
        raise ValueError(
            f"a rolling window needs a title, a demonstration and a length of at least 1; got {len(titled)} titles, "
            f"{len(demonstrations)} demonstrations and the length {length}"
        )
    places = range(len(titled) - 1, max(len(titled) - 1 - length, -1), -1)
    return [
        answer_loss(writer, writer.prompt(titled[:place], demonstrations), titled[place], room=writer.longest)
        for place in places
    ]


def adapt_rates(
    window: Sequence[PromptLoss], adaptation: PromptAdaptation, updates: int
) -> Iterator[Float[np.ndarray, " N"]]:
    """Rates 1, then those after each update.

    Args:
        window: from `rolling_window`.
        adaptation: the settings.
        updates: how many.

    Raises:
        ValueError: the window is empty.

    Source:
        Kingma and Ba 2015, arXiv 1412.6980 (Adam); Kivinen and Warmuth 1997 (steps on logarithms).

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.language_recommender import TitleTexts, load_template
        >>> decoder = tiny_decoder()
        >>> titles = TitleTexts.of(Catalogue(("a", "b", "c"), ("Atlas", "Lamp", "Tent")), decoder.tokenizer)
        >>> writer = PromptWriter(decoder, titles, load_template("list"))
        >>> window = rolling_window(writer, [0], [TitledTransition([1], 2)], length=1)
        >>> first, second = adapt_rates(window, PromptAdaptation(), updates=1)
        >>> first.tolist(), bool(second[0] > 0)
        ([1.0], True)
    """
    if not window:
        raise ValueError("stage two needs at least one title that the user took")
    optimiser = optax.adam(adaptation.step)
    log_rates = np.zeros(window[0].demonstrations)
    start = rank_at(window[0], np.ones(len(log_rates))) if adaptation.guard and adaptation.guard.rank else 0.0
    state: optax.OptState = optimiser.init(jnp.asarray(log_rates))
    yield np.exp(log_rates)
    for _ in range(updates):
        rates = np.exp(log_rates)
        slopes = [gradients_at(loss, rates[None]).gradients[0] for loss in window]
        slope = rates * np.mean(slopes, axis=0) + adaptation.pull * log_rates
        # optax mixes types in its count of updates
        with jax.numpy_dtype_promotion("standard"):
            moves, state = optimiser.update(jnp.asarray(slope), state, jnp.asarray(log_rates))
        log_rates = log_rates + np.asarray(moves, np.float64)
        if adaptation.guard is not None:
            log_rates = adaptation.guard.pull_back_rates(log_rates, start, lambda now: rank_at(window[0], now))
        yield np.exp(log_rates)


def prompt_collapse(loss: PromptLoss, rates: Float[np.ndarray, " N"]) -> PromptCollapse:
    """The state of a prompt's demonstrations at some rates."""
    return PromptCollapse(rank_at(loss, rates), perplexity(rates), float(rates.max() / rates.sum()))


def rank_at(loss: PromptLoss, rates: Float[np.ndarray, " N"]) -> float:
    r"""$\exp(-\sum_k p_k\log p_k)$, $p_k = \sigma_k^2/\sum\sigma^2$, of rated contributions, demonstrations by heads.

    Of each head the size of what a demonstration adds to the residual stream at rates 1, times its rate.

    Source:
        Roy and Vetterli 2007, EUSIPCO (effective rank; here of the energies).
    """
    parts = contribution_sums(loss).parts
    added = np.zeros((len(rates), 1)) if parts is None else parts.reshape(-1, len(rates)).T
    energies = np.linalg.svd(rates[:, None] * added, compute_uv=False) ** 2
    shares = energies[energies > 0] / max(energies.sum(), np.finfo(float).tiny)
    return float(np.exp(-np.sum(shares * np.log(shares))))
