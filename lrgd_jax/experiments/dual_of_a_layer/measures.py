"""The dual models of a real decoder's heads, in numbers: their steps, and what an explicit finite dual would cost."""

import itertools
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp

from lrgd_jax.decoder import DecoderConfig, DecoderParams, LoadedDecoder
from lrgd_jax.experiments.dual_of_a_layer.config import Config
from lrgd_jax.experiments.dual_of_a_layer.features import chain_rows, feature_rows
from lrgd_jax.experiments.dual_of_a_layer.head_steps import see, step_rows
from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.experiments.shared.prompts import Prompt, kind_of, load_model, prompts_of, story_prompt
from lrgd_jax.outside.json_files import read_text


class LayerSetting(NamedTuple):
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


@lru_cache(maxsize=1)
def setting_of(config: Config) -> LayerSetting:
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
    return LayerSetting(loaded.params, loaded.config, prompts, layers, length)


def _prompts(config: Config, loaded: LoadedDecoder) -> list[Prompt]:
    kind = kind_of(config.model)
    # a decoder of stories without a tokenizer is refused there
    if kind != "stories" or not config.prompt_file or loaded.tokenizer is None:
        return prompts_of(loaded, kind, config.seeds, config.demonstrations)
    try:
        lines = read_text(Path(config.prompt_file), what="prompt file").strip().split("\n")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no prompt file {config.prompt_file} (seen from {Path.cwd()}): give one by "
            '--set prompt_file=PATH, or none by --set prompt_file=""'
        ) from None
    first = story_prompt(loaded.tokenizer, loaded.config, lines)
    others = prompts_of(loaded, kind, config.seeds - 1, config.demonstrations)
    return list(itertools.chain([first], others))
