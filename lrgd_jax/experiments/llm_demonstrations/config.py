"""The setting of the experiment on demonstrations for a language model."""

from dataclasses import dataclass
from pathlib import Path

from lrgd_jax.experiments.shared.recommender_data import SMALL

__all__ = ["FORMATS", "QUICK", "Config", "set_name"]

FORMATS = ("list", "sentence")
"""Templates beside the first one."""


def set_name(folder: str) -> str:
    """What a set is called: the name of its folder."""
    return Path(folder).name


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of the users that are drawn.
        dtype: of the weights.
        model: a folder, a GGUF file, smollm2, or "tiny", a random decoder.
        data: folders with titles, or "generated-small".
        users: test users of each set.
        unit: users that are measured, and resumed, together.
        learn: validation users of each set from whose effects the learned selector learns.
        candidates: length of the shortlist.
        demonstrations: K, of the comparison of selectors.
        others: other numbers of demonstrations.
        pool: how many demonstrations the model reads where a selector asks it.
        history: latest titles of who asks.
        told: latest titles of a demonstration's history.
        title_tokens: tokens that are kept of a title.
    """

    seeds: int = 1
    dtype: str = "float32"
    model: str = "../shared/data/stories260K"
    data: tuple[str, ...] = ("../shared/data/amazon_office", "../shared/data/amazon_industrial")
    users: int = 30
    unit: int = 10
    learn: int = 40
    candidates: int = 100
    demonstrations: int = 4
    others: tuple[int, ...] = (1, 2, 8)
    pool: int = 8
    history: int = 3
    told: int = 1
    title_tokens: int = 8

    def __post_init__(self) -> None:
        counts = (self.users, self.unit, self.learn, self.candidates, self.demonstrations, self.pool)
        if min(counts) < 1:
            raise ValueError(f"Config: numbers of users, candidates and demonstrations must be positive, got {counts}")
        if self.pool < self.demonstrations:
            raise ValueError(f"Config: a pool of {self.pool} holds no {self.demonstrations} demonstrations")
        if len({set_name(folder) for folder in self.data}) < len(self.data):
            raise ValueError(f"Config: two folders of data have one name: {', '.join(self.data)}")


QUICK = Config(
    model="tiny",
    data=(SMALL,),
    users=4,
    unit=2,
    learn=4,
    candidates=10,
    demonstrations=2,
    others=(1,),
    pool=3,
    history=1,
    told=1,
    title_tokens=4,
)
"""A random decoder on a small generated catalogue; under a minute."""
