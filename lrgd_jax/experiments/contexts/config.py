"""The setting of the experiment on contexts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    pass

__all__ = ["DUALS", "QUICK", "Config"]

DUALS = ("one step", "ridge")


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: independent repetitions.
        demonstrations: N.
        width: d.
        noise: sigma.
        prior: tau sqrt(d), the root mean square norm of a task's weights.
        tasks: over which an error is averaged, a repetition.
        queries: test points of a task.
        failure_probability: delta, with which a task's error may exceed the bound of single tasks.
        dtype: float64 or float32.
    """

    seeds: int = 8
    demonstrations: tuple[int, ...] = (1, 2, 4, 8, 12, 16, 32, 64, 128, 256, 512)
    width: int = 8
    noise: float = 0.5
    prior: float = 1.0
    tasks: int = 1000
    queries: int = 32
    failure_probability: float = 0.05
    dtype: Literal["float64", "float32"] = "float64"

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in ("width", "queries")}
        for name, size in {**sizes, **{f"demonstrations[{k}]": n for k, n in enumerate(self.demonstrations)}}.items():
            if size < 1:
                raise ValueError(f"contexts: {name} must be at least 1, got {size}")
        if len(set(self.demonstrations)) < max(2, len(self.demonstrations)):
            raise ValueError(
                f"contexts: demonstrations must be two or more different numbers, got {self.demonstrations}"
            )
        if self.tasks < 2:
            raise ValueError(f"contexts: tasks must be at least 2, or there is no standard error; got {self.tasks}")
        if not (self.noise > 0 and self.prior > 0):
            raise ValueError(f"contexts: noise and prior must be positive, got {self.noise} and {self.prior}")
        if not 0 < self.failure_probability < 1:
            raise ValueError(f"contexts: failure_probability must lie between 0 and 1, got {self.failure_probability}")

    @property
    def ridge(self) -> float:
        """The ridge lambda = sigma^2 / tau^2, under which the ridge dual is the mean of the posterior."""
        return self.width * (self.noise / self.prior) ** 2

    @property
    def spread(self) -> float:
        """A N = d + 1 + lambda."""
        return self.width + 1 + self.ridge


QUICK = Config(seeds=2, demonstrations=(2, 8, 16, 64, 256), tasks=200)
