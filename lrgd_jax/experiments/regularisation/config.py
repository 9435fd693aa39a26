"""The setting of the experiment on regularisation."""

import math
from dataclasses import dataclass

__all__ = ["KNOBS", "QUICK", "Config"]

KNOBS: dict[str, tuple[float, ...]] = {
    "weight decay": (0.0, 0.05, 0.1, 0.2, 0.4),
    "ridge": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "early stopping": (1, 2, 4, 8, 16, 32, 64),
    "step size": (0.25, 0.5, 0.75, 1.0, 1.25),
    "dropout": (0.0, 0.1, 0.2, 0.4, 0.6, 0.8),
}


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: how many data sets; the seed is that of data and samples.
        dtype: of the computation.
        demonstrations: n.
        queries: test points, over which the errors are averaged.
        width: d.
        value_width: dv.
        noise: deviation of the targets' noise.
        samples: training sets drawn at every value of a knob.
        every: of the values of a knob, every one, every second, …
        knobs: which switches.
        false_alarm: of all comparisons together, for the verdict on agreement.
    """

    seeds: int = 3
    dtype: str = "float64"
    demonstrations: int = 16
    queries: int = 16
    width: int = 6
    value_width: int = 2
    noise: float = 0.5
    samples: int = 20_000
    every: int = 1
    knobs: tuple[str, ...] = tuple(KNOBS)
    false_alarm: float = 1e-3

    def __post_init__(self) -> None:
        unknown = [name for name in self.knobs if name not in KNOBS]
        if unknown:
            raise ValueError(f"Config: knobs must be among {', '.join(KNOBS)}; got {unknown[0]!r}")
        if not 0 < self.noise < math.inf:
            raise ValueError(f"Config: the noise must be positive and finite, got {self.noise}")
        if self.samples < 2 or self.every < 1:
            raise ValueError(
                f"Config: at least two samples are needed, and every = 1 or more; got {self.samples} and {self.every}"
            )


QUICK = Config(seeds=1, samples=1_000, queries=8, every=2)
"""Ends in well under a minute on two cores."""
