"""The setting of the experiment on the dual of a layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    pass

__all__ = ["QUICK", "Config"]


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: prompts.
        model: a folder, a .gguf file, "smollm2", or "random" for a tiny decoder with random weights.
        prompt_file: a prompt of lines that comes first where the model continues stories; none if empty.
        demonstrations: in each prompt that is not read from a file.
        layers: which are measured, from 0; all of them if none is given.
        features: numbers of random features, rising.
        degrees: of the Taylor features, from 0 to this.
        draws: of the random features, over which the median error is taken.
        tolerances: relative errors of a head's output.
        chain_prompts: for how many prompts the chain of duals is compared with the model, token by token.
        chain_features: numbers of features in every layer of the chain, rising.
        chain_tokens: greedy tokens.
        chain_draws: of the features of a chain.
        dtype: float64 or float32.
    """

    seeds: int = 12
    model: str = "../shared/data/stories260K"
    prompt_file: str = "../shared/data/prompts/stories.txt"
    demonstrations: int = 3
    layers: tuple[int, ...] = ()
    features: tuple[int, ...] = (16, 64, 256, 1024, 4096, 16384)
    degrees: int = 96
    draws: int = 3
    tolerances: tuple[float, ...] = (0.1, 0.01)
    chain_prompts: int = 5
    chain_features: tuple[int, ...] = (16, 64, 256, 1024, 4096)
    chain_tokens: int = 24
    chain_draws: int = 2
    dtype: Literal["float64", "float32"] = "float64"

    def __post_init__(self) -> None:
        name = "dual-of-a-layer"
        least = {"demonstrations": 1, "degrees": 1, "draws": 1, "chain_prompts": 0, "chain_tokens": 1, "chain_draws": 1}
        for field, smallest in least.items():
            if getattr(self, field) < smallest:
                raise ValueError(f"{name}: {field} must be at least {smallest}, got {getattr(self, field)}")
        for field in ("features", "chain_features"):
            given = getattr(self, field)
            if list(given) != sorted(set(given)) or (given and given[0] < 1):
                raise ValueError(f"{name}: {field} must be rising whole numbers from 1 on, got {given}")
        if not self.features or not self.tolerances or not all(0 < x < 1 for x in self.tolerances):
            raise ValueError(f"{name}: features and tolerances between 0 and 1 are needed, got {self}")


QUICK = Config(
    seeds=2,
    model="random",
    features=(16, 256),
    degrees=8,
    chain_prompts=1,
    chain_features=(16, 256),
    chain_tokens=4,
    chain_draws=1,
)
