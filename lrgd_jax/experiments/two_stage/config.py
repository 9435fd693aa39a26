"""The setting of the experiment on the two stages."""

from dataclasses import dataclass
from typing import NamedTuple

from lrgd_jax.experiments.shared.recommender_data import BEAUTY, ONE_HOT, SMALL
from lrgd_jax.recommend.adaptation.collapse_guard import Guard
from lrgd_jax.recommend.adaptation.rate_adaptation import StageTwo
from lrgd_jax.recommend.effect.list_loss import ListLoss

__all__ = ["BACK", "PATHS", "QUICK", "AdaptationSetting", "Config", "settings_of", "stage"]

PATHS = ("free", "guarded")

BACK = "one step back"


class AdaptationSetting(NamedTuple):
    """What is chosen, beside the number of updates."""

    origins: int
    temperature: float


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of the intervals; nothing else is random.
        dtype: of the optimiser.
        data: a folder of which the order is known, or "generated".
        origins: numbers of rolling origins to choose from; 1 reads the validation items alone.
        temperatures: of the loss, to choose from.
        updates: that may be chosen, at most.
        further: updates after the chosen one.
        step: largest move of a logarithm of a rate in one update.
        pull: toward rate 1.
        candidates: of the loss.
        popularity: weight of the counts in W_0, on which the rates do not act.
        largest: limit of the guard, largest rate in units of the mean.
    """

    seeds: int = 1
    dtype: str = "float64"
    data: str = BEAUTY
    origins: tuple[int, ...] = (1, 2, 3)
    temperatures: tuple[float, ...] = (1.0, 0.5, 0.25)
    updates: int = 8
    further: int = 8
    step: float = 0.15
    pull: float = 0.1
    candidates: int = 100
    popularity: float = ONE_HOT.popularity
    largest: float = 10.0

    def __post_init__(self) -> None:
        if self.updates < 1 or self.further < 0:
            raise ValueError(
                "Config: at least one update is needed, and no fewer than 0 further ones; got "
                f"updates={self.updates}, further={self.further}"
            )
        if not self.origins or min(self.origins) < 1 or len(set(self.origins)) < len(self.origins):
            raise ValueError(f"Config: origins must be different numbers from 1 on, got {self.origins}")
        if not self.temperatures or len(set(self.temperatures)) < len(self.temperatures):
            raise ValueError(f"Config: temperatures must be different, at least one; got {self.temperatures}")
        for temperature in self.temperatures:
            stage(self, temperature, Guard(largest=self.largest))


def stage(config: Config, temperature: float, guard: Guard | None = None) -> StageTwo:
    """The settings of stage two, with or without a guard."""
    return StageTwo(ListLoss(temperature, config.candidates), config.step, config.pull, guard)


QUICK = Config(data=SMALL, origins=(1, 2), temperatures=(1.0, 0.5), updates=2, further=4)
"""A small generated catalogue; seconds."""


def settings_of(config: Config) -> list[AdaptationSetting]:
    """Every pair of what may be chosen, in order."""
    return [AdaptationSetting(count, temperature) for count in config.origins for temperature in config.temperatures]
