"""The dual models of a real decoder's heads, in numbers: their steps, and what an explicit finite dual would cost."""

import itertools
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax.numpy as jnp

from lrgd_jax.decoder import DecoderConfig, DecoderParams
from lrgd_jax.experiments.dual_of_a_layer.features import chain_rows, feature_rows
from lrgd_jax.experiments.dual_of_a_layer.head_steps import see, step_rows
from lrgd_jax.experiments.running.interface import Rows, Summary, Value
from lrgd_jax.experiments.shared.prompts import Prompt, kind_of, load_model, prompts_of, story_prompt

if TYPE_CHECKING:
    pass


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


class Setting(NamedTuple):
    """What all units share.

    Attributes:
        params: of the decoder.
        config: the decoder.
        prompts: one a unit.
        layers: which are measured.
        length: to which prompts are filled up, room for the greedy tokens included.
    """

    params: DecoderParams
    config: DecoderConfig
    prompts: list[Prompt]
    layers: tuple[int, ...]
    length: int


def units(config: Config) -> list[str]:
    """One a prompt."""
    return [f"prompt={i}" for i in range(config.seeds)]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """The rows of one prompt: a row a head, rows of the features' errors, rows of the chains."""
    setting, number = setting_of(config), int(unit.partition("=")[2])
    prompt = setting.prompts[number]
    seen = see(setting.params, setting.config, prompt, setting.layers, setting.length)
    rows = step_rows(seen)
    rows += feature_rows(seen, config.features, config.degrees, config.draws, seed=number)
    if number < config.chain_prompts:
        chain = config.chain_features, config.chain_tokens, config.chain_draws
        rows += chain_rows(setting.params, setting.config, prompt, setting.length, *chain)
    return [{"prompt": number, **row} for row in rows]


def summary(config: Config, rows: Rows) -> Summary:
    """Medians over heads and prompts, by layer and together, and the features that are needed."""
    from lrgd_jax.experiments.dual_of_a_layer.summaries import summarised

    return summarised(config, rows)


@lru_cache(maxsize=1)
def setting_of(config: Config) -> Setting:
    """Model, prompts and sizes of a configuration.

    Raises:
        ValueError: the attention is not softmax without a cap, whose kernel has a Hilbert space and these features; or
            a layer is asked for that there is not.
    """
    loaded = load_model(config.model, jnp.dtype(config.dtype))
    if loaded.config.attention != "softmax" or loaded.config.attention_soft_cap is not None:
        raise ValueError(f"dual-of-a-layer: {config.model} has another attention than softmax without a soft cap")
    layers = config.layers or tuple(range(loaded.config.layers))
    outside = [layer for layer in layers if not 0 <= layer < loaded.config.layers]
    if outside:
        raise ValueError(
            f"dual-of-a-layer: layers must be among 0 to {loaded.config.layers - 1} of {config.model}, got {outside}"
        )
    prompts = _prompts(config, loaded)
    # the greedy tokens follow the query
    longest = max(len(prompt.tokens()) - len(prompt.target) + config.chain_tokens for prompt in prompts)
    length = max(longest, *(len(prompt.tokens()) for prompt in prompts))
    return Setting(loaded.params, loaded.config, prompts, layers, length)


def _prompts(config: Config, loaded: Any) -> list[Prompt]:
    kind = kind_of(config.model)
    if kind != "stories" or not config.prompt_file:
        return prompts_of(loaded, kind, config.seeds, config.demonstrations)
    file = Path(config.prompt_file)
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no prompt file {file} (seen from {Path.cwd()}): give one by --set prompt_file=PATH, or none by "
            '--set prompt_file=""'
        )
    lines = file.read_text(encoding="utf-8").strip().split("\n")
    first = story_prompt(loaded.tokenizer, loaded.config, lines)
    others = prompts_of(loaded, kind, config.seeds - 1, config.demonstrations)
    return list(itertools.chain([first], others))
