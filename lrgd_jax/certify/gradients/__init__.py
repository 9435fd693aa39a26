"""Which updates are gradients: of a loss, of a loss under a metric, or of none."""

from lrgd_jax.certify.gradients.decision import is_gradient
from lrgd_jax.certify.gradients.verdicts import Conservative, Loss, Rotational, Undecided

__all__ = ["Conservative", "Loss", "Rotational", "Undecided", "is_gradient"]
