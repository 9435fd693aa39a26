"""The setting of the experiment on stage two in a language model's prompt."""

from dataclasses import dataclass

from lrgd_jax.experiments.llm_demonstrations.config import Config as SelectionConfig
from lrgd_jax.experiments.llm_demonstrations.config import set_name
from lrgd_jax.experiments.shared.recommender_data import SMALL
from lrgd_jax.language_recommender.rate_adaptation import PromptAdaptation
from lrgd_jax.recommend.adaptation.collapse_guard import Guard

__all__ = ["PATHS", "QUICK", "RATES", "Config", "adaptation_of", "selection_config"]

PATHS = ("free", "guarded")
RATES = {"rates 1": 1.0, "rates 1/2": 0.5, "rates 1/4": 0.25}
"""How far demonstrations count, where they are perturbed."""


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
        demonstrations: K, by attention weight.
        window: how many of the user's latest titles the rates are refined on.
        updates: how many.
        step: of Adam, on the logarithms of the rates.
        pull: toward rate 1.
        voices: limit of the guard, in units of all demonstrations.
        largest: limit of the guard, in units of the mean rate.
        rank: limit of the guard, in units of the effective rank at rates 1.
        history: latest titles of who asks.
        told: latest titles of a demonstration's history.
        title_tokens: tokens that are kept of a title.
    """

    seeds: int = 1
    dtype: str = "float32"
    model: str = "../shared/data/stories260K"
    data: tuple[str, ...] = ("../shared/data/amazon_office", "../shared/data/amazon_industrial")
    users: int = 20
    unit: int = 10
    demonstrations: int = 4
    window: int = 2
    updates: int = 8
    step: float = 0.3
    pull: float = 0.02
    voices: float = 0.9
    largest: float = 2.0
    rank: float = 0.8
    history: int = 3
    told: int = 1
    title_tokens: int = 8

    def __post_init__(self) -> None:
        if min(self.users, self.unit, self.demonstrations, self.window, self.updates) < 1:
            raise ValueError("Config: users, units, demonstrations, window and updates must be at least 1")
        if len({set_name(folder) for folder in self.data}) < len(self.data):
            raise ValueError(f"Config: two folders of data have one name: {', '.join(self.data)}")
        adaptation_of(self, guarded=True)


def adaptation_of(config: Config, *, guarded: bool) -> PromptAdaptation:
    """How rates are refined, with or without a guard."""
    guard = Guard(config.voices, config.largest, config.rank) if guarded else None
    return PromptAdaptation(config.step, config.pull, guard)


def selection_config(config: Config) -> SelectionConfig:
    """The setting of prompts and users, as the experiment on demonstrations has it."""
    return SelectionConfig(
        seeds=config.seeds,
        dtype=config.dtype,
        model=config.model,
        data=config.data,
        users=config.users,
        unit=config.unit,
        demonstrations=config.demonstrations,
        pool=config.demonstrations,
        history=config.history,
        told=config.told,
        title_tokens=config.title_tokens,
    )


QUICK = Config(
    model="tiny", data=(SMALL,), users=2, unit=2, demonstrations=2, window=1, updates=2, history=1, title_tokens=4
)
"""A random decoder on a small generated catalogue; under a minute."""
