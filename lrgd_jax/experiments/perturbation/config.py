"""The setting of the experiment on perturbation."""

from collections.abc import Callable
from dataclasses import dataclass

from lrgd_jax.robust import (
    Regulariser,
    anchor,
    fraction,
    none,
    ridge,
    weight_decay,
)

__all__ = ["KINDS", "LINEAR", "QUICK", "REGULARISERS", "Config"]

KINDS = ("target noise", "key noise", "query noise", "dropout", "swap", "worst targets")

REGULARISERS: dict[str, Callable[[], Regulariser]] = {
    "none": none,
    "half step": lambda: fraction(0.5),
    "weight decay": lambda: weight_decay(0.125),
    "anchor": lambda: anchor(0.125),
    "weak ridge": lambda: ridge(0.125),
    "ridge": lambda: ridge(1.0),
    "early stopping": lambda: ridge(0.125, rate=0.25, steps=4),
}

LINEAR = ("none", "half step", "weight decay", "anchor")
"""Under these the output stays linear in the keys and in which demonstrations are kept."""


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: how many data sets; the seed is that of data and samples.
        dtype: of the computation.
        demonstrations: n.
        context: tokens of the zero-shot context.
        width: d.
        value_width: dv.
        samples: perturbations drawn at every grid point.
        strengths: deviation of the noise, rate of dropping or swapping, radius of the worst case.
        kinds: of perturbation.
        regularisers: of the linear dual.
        softmax_regularisers: of the softmax dual; all closed forms are exact under these.
        false_alarm: of the whole grid, for the verdict on agreement.
    """

    seeds: int = 2
    dtype: str = "float64"
    demonstrations: int = 12
    context: int = 3
    width: int = 6
    value_width: int = 2
    samples: int = 20_000
    strengths: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3, 0.4)
    kinds: tuple[str, ...] = KINDS
    regularisers: tuple[str, ...] = tuple(REGULARISERS)
    softmax_regularisers: tuple[str, ...] = LINEAR
    false_alarm: float = 1e-3

    def __post_init__(self) -> None:
        choices = (
            ("kinds", self.kinds, KINDS),
            ("regularisers", self.regularisers, tuple(REGULARISERS)),
            ("softmax_regularisers", self.softmax_regularisers, LINEAR),
        )
        for what, names, known in choices:
            unknown = [name for name in names if name not in known]
            if unknown:
                raise ValueError(f"Config: {what} must be among {', '.join(known)}; got {unknown[0]!r}")
        if not self.strengths or not all(0 < strength <= 1 for strength in self.strengths):
            raise ValueError(f"Config: strengths must lie in (0, 1], as they are rates too; got {self.strengths}")
        if self.samples < 2 or self.demonstrations < 2:
            raise ValueError(
                f"Config: at least two samples and two demonstrations are needed, got {self.samples} and "
                f"{self.demonstrations}"
            )


QUICK = Config(
    seeds=1,
    samples=1_000,
    strengths=(0.1, 0.2, 0.4),
    regularisers=("none", "weight decay", "ridge"),
    softmax_regularisers=("none",),
)
"""Ends in well under a minute on two cores."""
