"""All scores of a prompt's demonstrations by name, and the one to take where nothing else is said."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from lrgd_jax.effect.attribution import aumann_shapley, leave_one_out, rate_gradient
from lrgd_jax.effect.baselines import (
    attention_sums,
    contribution_sums,
    gradient_times_input,
    input_gradient_norms,
    prompt_alignment,
)
from lrgd_jax.effect.prompt import Control, PromptLoss
from lrgd_jax.effect.ridge import ridge_influence
from lrgd_jax.effect.scores import Scores
from lrgd_jax.effect.shapley import exact_shapley, permutation_shapley

__all__ = ["DEFAULT", "METHODS", "WITH_PARTS", "worth_of_demonstrations"]

DEFAULT = "aumann-shapley"
"""Of the methods whose cost does not grow with N the one that comes closest to exact Shapley values."""


def _of(control: Control, method: Callable[..., Scores], **options: object) -> Callable[..., Scores]:
    """The method on the loss as a function of the rates, or of the gates, whichever was asked for."""

    def score(loss: PromptLoss, **more: object) -> Scores:
        return method(replace(loss, control=control), **options, **more)

    return score


METHODS: Mapping[str, Callable[..., Scores]] = MappingProxyType(
    {
        "aumann-shapley": _of("contributions", aumann_shapley),
        "aumann-shapley-rates": _of("rates", aumann_shapley, power=3),
        "rate-gradient": _of("rates", rate_gradient),
        "leave-one-out": _of("rates", leave_one_out),
        "permutation-shapley": _of("rates", permutation_shapley, pairs=8),
        "exact-shapley": _of("rates", exact_shapley),
        "gradient-alignment": _of("contributions", prompt_alignment),
        "ridge-influence": ridge_influence,
        "gradient-times-input": gradient_times_input,
        "input-gradient": input_gradient_norms,
        "attention": attention_sums,
        "contribution-norm": contribution_sums,
    }
)
"""Each takes the loss of a prompt, of rates or of gates alike, and returns one score a demonstration."""

WITH_PARTS = frozenset({"aumann-shapley", "aumann-shapley-rates", "rate-gradient"})
"""Those that also take `parts=True` and then score each layer and head, at the same cost."""


def worth_of_demonstrations(loss: PromptLoss, method: str = DEFAULT) -> Scores:
    """What each demonstration of a prompt is worth; positive helps, that is, lowers the loss of the target.

    Args:
        loss: of a prompt.
        method: a name in `METHODS`.

    Raises:
        ValueError: there is no such method, or it cannot take so many demonstrations.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; choose one of {', '.join(METHODS)}")
    return METHODS[method](loss)
