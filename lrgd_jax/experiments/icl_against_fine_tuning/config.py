"""The setting of the experiment on in-context learning and fine-tuning."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lrgd_jax.experiments.icl_against_fine_tuning.fine_tuning import Optimiser

if TYPE_CHECKING:
    pass

__all__ = ["QUICK", "Batches", "Config"]

Batches = Literal["all", "one by one"]
"""One update a pass, on all demonstrations; or one update a demonstration, in order."""


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: prompts that are measured.
        tuning: further prompts, on which the learning rates are chosen.
        model: a folder, a .gguf file, "smollm2", or "random" for a tiny decoder with random weights.
        demonstrations: in each prompt.
        orders: permutations of them, the given order first.
        passes: after how many passes over the demonstrations the fine-tuned model is asked.
        optimisers: "sgd", "adam".
        batches: "all" takes one update a pass, "one by one" one a demonstration, in order.
        sgd_rates: learning rates to choose from.
        adam_rates: likewise.
        dtype: float64 or float32.
    """

    seeds: int = 40
    tuning: int = 8
    model: str = "../shared/data/stories260K"
    demonstrations: int = 3
    orders: int = 6
    passes: tuple[int, ...] = (1, 4, 16)
    optimisers: tuple[Optimiser, ...] = ("sgd", "adam")
    batches: tuple[Batches, ...] = ("all", "one by one")
    sgd_rates: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
    adam_rates: tuple[float, ...] = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003)
    dtype: Literal["float64", "float32"] = "float32"

    def __post_init__(self) -> None:
        name = "icl-against-fine-tuning"
        for field in ("tuning", "demonstrations"):
            if getattr(self, field) < 1:
                raise ValueError(f"{name}: {field} must be at least 1, got {getattr(self, field)}")
        if self.orders < 2:
            raise ValueError(f"{name}: orders must be at least 2, or nothing varies; got {self.orders}")
        for field in ("passes", "optimisers", "batches", "sgd_rates", "adam_rates"):
            given = getattr(self, field)
            if not given or len(set(given)) < len(given):
                raise ValueError(f"{name}: {field} must be different values, at least one; got {given}")
        if min(self.passes) < 1 or not min((*self.sgd_rates, *self.adam_rates)) > 0:
            raise ValueError(f"{name}: passes must be at least 1 and rates positive, got {self}")

    def rates(self, optimiser: Optimiser) -> tuple[float, ...]:
        """The learning rates that are tried with an optimiser."""
        return self.sgd_rates if optimiser == "sgd" else self.adam_rates


QUICK = Config(seeds=4, tuning=2, model="random", passes=(1, 2), sgd_rates=(0.03, 0.1), adam_rates=(0.001, 0.003))
