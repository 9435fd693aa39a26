"""The setting of the experiment on selection."""

from dataclasses import dataclass

from lrgd_jax.experiments.shared.recommender_data import BEAUTY, SMALL
from lrgd_jax.recommend.selection import (
    PERSONAL,
    SHARED,
)

__all__ = ["ORACLE", "QUICK", "Config"]

ORACLE = "oracle"


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of chance, of the validation users whose effects are read, and of the users with their own context.
        data: a folder of which the order is known, or "generated".
        budgets: K of the shared context.
        selectors: for it.
        temperature: of the loss that effects are effects on.
        candidates: of that loss.
        share: of the validation users that a seed reads.
        personal_users: users with a context of their own, drawn from all.
        personal_budgets: K of it.
        personal_selectors: for it.
    """

    seeds: int = 3
    data: str = BEAUTY
    budgets: tuple[int, ...] = (1000, 2500, 5000, 10_000, 30_000, 60_000)
    selectors: tuple[str, ...] = (*SHARED, ORACLE)
    temperature: float = 1.0
    candidates: int = 100
    share: float = 0.9
    personal_users: int = 2000
    personal_budgets: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    personal_selectors: tuple[str, ...] = (*PERSONAL, ORACLE)

    def __post_init__(self) -> None:
        pairs = (("selectors", self.selectors, SHARED), ("personal_selectors", self.personal_selectors, PERSONAL))
        for what, names, known in pairs:
            unknown = [name for name in names if name not in (*known, ORACLE)]
            if unknown:
                raise ValueError(f"Config: {what} must be among {', '.join((*known, ORACLE))}; got {unknown[0]!r}")
        budgets = (*self.budgets, *self.personal_budgets)
        if not self.budgets or not self.personal_budgets or min(budgets) < 1:
            raise ValueError(f"Config: budgets must be at least 1, and one of each kind is needed; got {budgets}")
        if not 0 < self.share <= 1 or self.personal_users < 1:
            raise ValueError(
                f"Config: share must lie in (0, 1] and personal_users be at least 1; got {self.share} and "
                f"{self.personal_users}"
            )


QUICK = Config(seeds=1, data=SMALL, budgets=(50, 200), personal_users=50, personal_budgets=(1, 4))
"""A small generated catalogue; seconds."""
