"""The setting of the experiment on adaptability."""

from dataclasses import dataclass
from pathlib import Path

from lrgd_jax.experiments.adaptability.event_stream import META
from lrgd_jax.experiments.shared.recommender_data import GENERATED, SMALL

__all__ = ["QUICK", "Config"]


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: how many; the seed is that of the intervals' resampling, nothing else is drawn.
        dtype: of the adapted rates.
        data: folders of data with times, or "generated".
        windows: that are reported.
        first: share of the interactions before the first window of all, on which rates are adapted only.
        decays: of the old demonstrations, per window.
        updates: of the rates, in stage two.
        temperature: of the loss that stage two descends.
        popularity: weight of the popularity in W_0.
    """

    seeds: int = 1
    dtype: str = "float64"
    data: tuple[str, ...] = (
        "../shared/data/amazon_office",
        "../shared/data/amazon_industrial",
        "../shared/data/amazon_cds",
        GENERATED,
    )
    windows: int = 10
    first: float = 0.4
    decays: tuple[float, ...] = (0.1, 0.3)
    updates: int = 3
    temperature: float = 0.5
    popularity: float = META.popularity

    def __post_init__(self) -> None:
        names = [Path(one).name for one in self.data]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"Config: data must be folders of different names, got {', '.join(self.data) or 'none'}")
        if self.windows < 2 or self.updates < 1:
            raise ValueError(
                f"Config: at least two windows and one update are needed, got {self.windows} and {self.updates}"
            )
        if not all(0 < decay < 1 for decay in self.decays):
            raise ValueError(f"Config: decays must lie in (0, 1), got {self.decays}")


QUICK = Config(data=(SMALL,), windows=4)
"""Ends in well under a minute on two cores."""
