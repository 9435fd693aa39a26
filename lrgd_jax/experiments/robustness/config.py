"""The setting of the experiment on attacked and perturbed data."""

from dataclasses import dataclass

from lrgd_jax.experiments.shared.recommender_data import BEAUTY, GENERATED
from lrgd_jax.recommend.robustness.attack_detection import PRUNING
from lrgd_jax.recommend.robustness.data_perturbations import PERTURBATIONS
from lrgd_jax.recommend.robustness.data_regularisers import REGULARISERS
from lrgd_jax.recommend.robustness.shilling_attacks import ATTACKS

__all__ = ["ALL", "QUICK", "Config"]

ALL = (*REGULARISERS, *PRUNING)


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: how many; the seed is that of attacks, perturbations and of who is asked.
        perturbation_seeds: how many of them for the perturbations, at most.
        data: folder of the data, or "generated".
        queries: users whose test queries are asked, drawn by the seed; all where there are fewer.
        attacks: kinds.
        shares: of fake demonstrations among all.
        perturbations: kinds.
        strengths: of the perturbations.
        regularisers: names.
        temperature: of the loss by which effects are measured.
        candidates: of that loss.
        false_alarm: of the rule for outlying items.
        ridge: lambda.
    """

    seeds: int = 3
    perturbation_seeds: int = 3
    data: str = BEAUTY
    queries: int = 5_000
    attacks: tuple[str, ...] = tuple(ATTACKS)
    shares: tuple[float, ...] = (0.003, 0.01, 0.03)
    perturbations: tuple[str, ...] = tuple(PERTURBATIONS)
    strengths: tuple[float, ...] = (0.2, 0.5)
    regularisers: tuple[str, ...] = ALL
    temperature: float = 0.1
    candidates: int = 100
    false_alarm: float = 0.01
    ridge: float = 100.0

    def __post_init__(self) -> None:
        choices = (
            ("attacks", self.attacks, tuple(ATTACKS)),
            ("perturbations", self.perturbations, tuple(PERTURBATIONS)),
            ("regularisers", self.regularisers, ALL),
        )
        for what, names, known in choices:
            unknown = [name for name in names if name not in known]
            if unknown:
                raise ValueError(f"Config: {what} must be among {', '.join(known)}; got {unknown[0]!r}")
        if "none" not in self.regularisers:
            raise ValueError("Config: regularisers must hold 'none', with which the others are compared")
        if not all(0 < x < 1 for x in (*self.shares, *self.strengths)):
            raise ValueError(f"Config: shares and strengths lie in (0, 1), got {self.shares} and {self.strengths}")
        if self.queries < 2:
            raise ValueError(f"Config: at least two queries are needed, got {self.queries}")


QUICK = Config(seeds=1, data=GENERATED, shares=(0.03,), strengths=(0.3,))
"""Ends in well under a minute on two cores."""
