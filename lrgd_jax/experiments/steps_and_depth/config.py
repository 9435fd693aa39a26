"""The setting of the experiment on steps and depth."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lrgd_jax.incontext import (
    RegressionTasks,
    TrainingConfig,
)

if TYPE_CHECKING:
    pass

__all__ = ["LEARNERS", "QUICK", "Config"]

LEARNERS = ("descent, one rate", "descent, a rate a step", "GD++")


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: independent trainings of each depth.
        depths: K of the constructed layers.
        corrected_depths: K up to which GD++ is optimised; its polynomials have the degree (3^K - 1)/2.
        trained: depths that are trained.
        factors: of the best rate of one step.
        dimension: d of an input.
        demonstrations: N of a prompt.
        inputs: their law.
        noise: standard deviation on the demonstrations' targets.
        spectra: prompts of each of the two sets.
        prompts: new tasks on which trained stacks are tried.
        steps: of training.
        batch: tasks in a step.
        learning_rate: peak.
        warmup: steps until then.
        clip: largest norm of a gradient.
        init_scale: of the initial weights.
        dtype: float64 or float32.
    """

    seeds: int = 2
    depths: tuple[int, ...] = (1, 2, 3, 4, 6, 8)
    corrected_depths: int = 3
    trained: tuple[int, ...] = (1, 2, 3)
    factors: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
    dimension: int = 10
    demonstrations: int = 20
    inputs: Literal["uniform", "normal"] = "uniform"
    noise: float = 0.0
    spectra: int = 16384
    prompts: int = 8192
    steps: int = 3000
    batch: int = 256
    learning_rate: float = 0.01
    warmup: int = 100
    clip: float = 1.0
    init_scale: float = 0.3
    dtype: Literal["float64", "float32"] = "float32"

    def __post_init__(self) -> None:
        if not self.depths or min((*self.depths, *self.trained, self.prompts, self.spectra)) < 1:
            raise ValueError(
                "steps-and-depth: depths, trained, prompts and spectra must be at least 1, got "
                f"depths={self.depths}, trained={self.trained}, prompts={self.prompts}, spectra={self.spectra}"
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
        return TrainingConfig(self.steps, self.batch, self.learning_rate, self.warmup, self.clip, checkpoints=1)


QUICK = Config(seeds=1, depths=(1, 2, 3, 4), trained=(1, 2), spectra=4096, prompts=2048, steps=1000)
