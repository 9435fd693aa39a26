r"""Effect_D: the relative fall of the test loss by the step that the demonstrations induce.

LRGD (arXiv 2504.04386) names a measure Effect_D in its abstract; the definition here is ours.
"""

from dataclasses import dataclass

from lrgd_jax.effect.evaluation import zero_and_few_shot_losses
from lrgd_jax.effect.losses import GatedLoss

__all__ = ["Effect", "effect_of_demonstrations"]


@dataclass(frozen=True)
class Effect:
    r"""$\mathrm{Effect}_D = (\ell(f_{W_0}) - \ell(f_{W_1}))\,/\,\ell(f_{W_0})$; positive helps, one is the most.

    Attributes:
        zero_shot: the loss before the step, all rates zero.
        few_shot: the loss after it, all rates one.

    Examples:
        >>> from lrgd_jax.effect import Effect
        >>> effect = Effect(zero_shot=4.0, few_shot=1.0)
        >>> effect.fall, effect.relative
        (3.0, 0.75)
    """

    zero_shot: float
    few_shot: float

    def __post_init__(self) -> None:
        if not self.zero_shot > 0 or not self.few_shot >= 0:
            raise ValueError(
                f"Effect_D is the relative fall of a positive loss; got {self.zero_shot} before the step and "
                f"{self.few_shot} after it; use a loss that is not negative, on a target that is not met already"
            )

    @property
    def fall(self) -> float:
        """The fall of the loss, in its own units."""
        return self.zero_shot - self.few_shot

    @property
    def relative(self) -> float:
        """Effect_D."""
        return self.fall / self.zero_shot


def effect_of_demonstrations(loss: GatedLoss, *, batch: int = 1) -> Effect:
    """The whole effect of all demonstrations, by two forward passes: rates zero against rates one.

    Args:
        loss: a `DualLoss`, a `PromptLoss` or any other function of the rates.
        batch: two to compute both together.

    Raises:
        ValueError: the zero-shot loss is not positive, so that no relative fall is defined.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, effect_of_demonstrations
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> effect_of_demonstrations(loss).relative
        0.75
    """
    return Effect(*zero_and_few_shot_losses(loss, batch=batch))
