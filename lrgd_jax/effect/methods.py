"""All scores of a prompt's demonstrations by name, and the one to take where nothing else is said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lrgd_jax.effect.attribution import aumann_shapley, leave_one_out, rate_gradient
from lrgd_jax.effect.baselines import (
    attention_sums,
    contribution_sums,
    gradient_times_input,
    input_gradient_norms,
    prompt_alignment,
)
from lrgd_jax.effect.contrast import ContrastLoss
from lrgd_jax.effect.prompt_convergence import prompt_convergence_gains, prompt_one_step_gains
from lrgd_jax.effect.prompt_loss import Control, PromptLoss
from lrgd_jax.effect.ridge import ridge_influence
from lrgd_jax.effect.scores import Scores
from lrgd_jax.effect.shapley import exact_shapley, permutation_shapley

__all__ = ["DEFAULT", "METHODS", "Method", "score_demonstrations"]

DEFAULT = "aumann-shapley"
"""Of the methods whose cost does not grow with N the one that comes closest to exact Shapley values."""


@dataclass(frozen=True)
class Method:
    """A way of scoring the demonstrations of a prompt; called with the loss, of rates or of gates alike.

    Attributes:
        function: takes the loss and returns one score a demonstration.
        control: the numbers as whose function the loss is taken; those that it has unless given.
        options: further arguments of the function.
        in_nats: the scores are parts or changes of the loss; those of other methods have units of their own.
        signed: positive helps; otherwise scores say how much a demonstration matters, not whether it helps.
        with_parts: it also takes `parts=True` and then scores each layer and head, at the same cost.

    Examples:
        >>> from lrgd_jax.effect import METHODS
        >>> METHODS["attention"].signed, METHODS["leave-one-out"].in_nats
        (False, True)
    """

    function: Callable[..., Scores]
    control: Control | None = None
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    in_nats: bool = False
    signed: bool = True
    with_parts: bool = False

    def __call__(self, loss: PromptLoss | ContrastLoss, **more: object) -> Scores:
        """The scores; further arguments go to the function.

        Raises:
            ValueError: two answers are compared by a method that is not in units of the loss.
        """
        if isinstance(loss, ContrastLoss) and not self.in_nats:
            raise ValueError(f"two answers are compared in nats, by one of {', '.join(names_in_nats())}")
        loss = loss if self.control is None else loss.with_control(self.control)
        return self.function(loss, **self.options, **more)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "aumann-shapley": Method(aumann_shapley, "contributions", in_nats=True, with_parts=True),
        "aumann-shapley-rates": Method(aumann_shapley, "rates", {"power": 3}, in_nats=True, with_parts=True),
        "rate-gradient": Method(rate_gradient, "rates", in_nats=True, with_parts=True),
        "leave-one-out": Method(leave_one_out, "rates", in_nats=True),
        "permutation-shapley": Method(permutation_shapley, "rates", {"pairs": 8}, in_nats=True),
        "exact-shapley": Method(exact_shapley, "rates", in_nats=True),
        "gradient-alignment": Method(prompt_alignment, "contributions"),
        "ridge-influence": Method(ridge_influence),
        "one-step-gain": Method(prompt_one_step_gains),
        "convergence-gain": Method(prompt_convergence_gains),
        "gradient-times-input": Method(gradient_times_input),
        "input-gradient": Method(input_gradient_norms, signed=False),
        "attention": Method(attention_sums, signed=False),
        "contribution-norm": Method(contribution_sums, signed=False),
    }
)
"""All methods by name; a new one is one line here."""


def names_in_nats() -> list[str]:
    """The methods whose scores are parts or changes of the loss."""
    return [name for name, method in METHODS.items() if method.in_nats]


def score_demonstrations(loss: PromptLoss | ContrastLoss, method: str = DEFAULT) -> Scores:
    """What each demonstration of a prompt is worth; positive helps, that is, lowers the loss of the target.

    Args:
        loss: of a prompt, or of one answer against another.
        method: a name in `METHODS`.

    Raises:
        ValueError: there is no such method, or it cannot take so many demonstrations or two answers.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot, score_demonstrations
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> score_demonstrations(loss).values.shape
        (2,)
        >>> score_demonstrations(loss, "leave-one-out").method
        'leave-one-out'
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; choose one of {', '.join(METHODS)}")
    return METHODS[method](loss)
