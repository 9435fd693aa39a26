"""The setting of the experiment on random features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    pass

__all__ = ["KINDS", "QUANTITIES", "QUICK", "Config"]

KINDS = ("plain", "orthogonal")

QUANTITIES = ("kernel", "output", "normalised output")


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: instances (keys, queries, values).
        features: r, the numbers of features.
        width: d of a key.
        value_width: dv of a value.
        keys: n, demonstrations of an instance.
        queries: t.
        draws: independent projections over which an error is averaged.
        length: root mean square norm of keys and queries; errors grow like exp(|k + q|^2).
        dtype: float64 or float32.
    """

    seeds: int = 8
    features: tuple[int, ...] = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
    width: int = 8
    value_width: int = 4
    keys: int = 16
    queries: int = 8
    draws: int = 512
    length: float = 0.5
    dtype: Literal["float64", "float32"] = "float64"

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in ("width", "value_width", "keys", "queries")}
        for name, size in {**sizes, **{f"features[{k}]": r for k, r in enumerate(self.features)}}.items():
            if size < 1:
                raise ValueError(f"random-features: {name} must be at least 1, got {size}")
        if len(set(self.features)) < max(2, len(self.features)):
            raise ValueError(f"random-features: features must be two or more different numbers, got {self.features}")
        if self.draws < 2:
            raise ValueError(
                f"random-features: draws must be at least 2, or there is no standard error; got {self.draws}"
            )
        if not self.length > 0:
            raise ValueError(f"random-features: length must be positive, got {self.length}")


QUICK = Config(seeds=2, features=(4, 16, 64, 256), draws=128)
