"""In-context prediction beside fine-tuning of the model's own weights on the same demonstrations.

That attention is one gradient step of a dual model is algebra. It does not say that a decoder which reads
demonstrations predicts what the same decoder predicts after its own weights were trained on them; here both are
measured, side by side.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lrgd_jax.experiments.icl_against_fine_tuning.fine_tuning import Optimiser
from lrgd_jax.experiments.icl_against_fine_tuning.measures import Batches, measured_rows, tuning_rows
from lrgd_jax.experiments.icl_against_fine_tuning.summaries import summarised
from lrgd_jax.experiments.running.interface import Rows, Summary, Value

if TYPE_CHECKING:
    pass


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


def units(config: Config) -> list[str]:
    """The learning rates, then one unit a prompt."""
    return ["tuning", *(f"prompt={i}" for i in range(config.seeds))]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """The rows of all rates on the tuning prompts, or of every method on one prompt."""
    if unit == "tuning":
        return [dict(row) for row in tuning_rows(config)]
    return [{"prompt": unit, **row} for row in measured_rows(config, int(unit.partition("=")[2]))]


def summary(config: Config, rows: Rows) -> Summary:
    """Means over the prompts, with 95 % bootstrap intervals; distances in units of that of the zero-shot model."""
    return summarised(config, rows)
