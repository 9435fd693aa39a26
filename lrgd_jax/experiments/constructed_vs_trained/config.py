"""The setting of the experiment on constructed and trained layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lrgd_jax.incontext import (
    RegressionTasks,
    TrainingConfig,
)

if TYPE_CHECKING:
    pass

__all__ = ["QUICK", "REFERENCES", "SHIFTS", "Config"]

REFERENCES = ("descent", "GD++")

SHIFTS: tuple[Literal["input_scale", "weight_scale"], ...] = ("input_scale", "weight_scale")


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: independent trainings of each depth.
        layers: depths.
        dimension: d of an input.
        demonstrations: N of a prompt.
        inputs: their law.
        noise: standard deviation on the demonstrations' targets.
        steps: of training.
        batch: tasks in a step.
        learning_rate: peak.
        warmup: steps until then.
        clip: largest norm of a gradient.
        init_scale: of the initial weights.
        checkpoints: at which the learner is compared.
        prompts: new tasks for the comparison.
        spectra: prompts from which the best rates are found.
        scales: of the shifted inputs and tasks.
        shares: of the constructed weights in a mixture.
        dtype: float64 or float32.
    """

    seeds: int = 3
    layers: tuple[int, ...] = (1, 2)
    dimension: int = 10
    demonstrations: int = 20
    inputs: Literal["uniform", "normal"] = "uniform"
    noise: float = 0.0
    steps: int = 3000
    batch: int = 512
    learning_rate: float = 0.01
    warmup: int = 100
    clip: float = 1.0
    init_scale: float = 0.3
    checkpoints: int = 20
    prompts: int = 4096
    spectra: int = 16384
    scales: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
    shares: tuple[float, ...] = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
    dtype: Literal["float64", "float32"] = "float32"

    def __post_init__(self) -> None:
        if not self.layers or min(self.layers) < 1 or min(self.prompts, self.spectra) < 1:
            raise ValueError(
                "constructed-vs-trained: layers, prompts and spectra must be at least 1, got "
                f"layers={self.layers}, prompts={self.prompts}, spectra={self.spectra}"
            )
        # both say what is wrong with their own fields
        _ = self.tasks, self.training

    @property
    def tasks(self) -> RegressionTasks:
        """The distribution of tasks."""
        return RegressionTasks(self.dimension, self.demonstrations, self.inputs, noise=self.noise)

    @property
    def training(self) -> TrainingConfig:
        """How to train."""
        return TrainingConfig(self.steps, self.batch, self.learning_rate, self.warmup, self.clip, self.checkpoints)


QUICK = Config(seeds=1, steps=600, batch=256, checkpoints=12, prompts=2048, spectra=2048)
