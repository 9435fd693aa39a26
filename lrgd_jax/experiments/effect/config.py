"""The setting of the experiment on effects on real data."""

from dataclasses import dataclass

from lrgd_jax.experiments.shared.recommender_data import BEAUTY, SMALL

__all__ = ["QUICK", "STRATA", "WHICH", "Config"]

WHICH = ("worst", "best", "random")

STRATA = 4


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of which demonstrations and users are taken out.
        data: a folder of which the order is known, or "generated".
        removals: demonstrations, and users, that are taken out one by one, a quarter from each quarter of the sizes.
        shares: of the context that are taken out at once.
        temperature: of the loss.
        candidates: of the loss.
    """

    seeds: int = 3
    data: str = BEAUTY
    removals: int = 160
    shares: tuple[float, ...] = (0.05, 0.2, 0.5)
    temperature: float = 1.0
    candidates: int = 100

    def __post_init__(self) -> None:
        if self.removals < STRATA:
            raise ValueError(f"Config: removals must be at least {STRATA}, one of each size; got {self.removals}")
        if not all(0 < share < 1 for share in self.shares):
            raise ValueError(f"Config: shares must lie in (0, 1), got {self.shares}")


QUICK = Config(seeds=1, data=SMALL, removals=24, shares=(0.1, 0.5))
"""A small generated catalogue; seconds."""
