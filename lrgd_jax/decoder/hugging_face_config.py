"""What the families share in reading a config.json: sizes, activations, tokens, windows."""

from collections.abc import Mapping
from typing import TypeAlias, TypedDict

from lrgd_jax.decoder.config import Activation
from lrgd_jax.decoder.fields import Fields

__all__ = ["Config", "WindowFields", "activation", "eos_tokens", "local_layers", "refuse", "sizes", "window_fields"]

Config: TypeAlias = Fields
"""A config.json that records which of its keys were read; the others must be known to be without effect."""

ACTIVATIONS: Mapping[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "relu": "relu",
}
"""Hugging Face's names of activations."""


class WindowFields(TypedDict, total=False):
    """The fields of `DecoderConfig` about sliding windows that a config.json sets."""

    window: int
    local_layers: tuple[bool, ...]


def sizes(config: Config, *names: str) -> list[int]:
    """Whole numbers above zero from a config.

    Raises:
        ValueError: one is missing or something else.
    """
    return [config.size(name) for name in names]


def activation(config: Config, key: str, default: str, known: tuple[str, ...] = tuple(ACTIVATIONS)) -> Activation:
    """The activation that a config names.

    Raises:
        ValueError: the family is not computed with it.
    """
    name = config.text(key) if config.has(key) else default
    if name not in known:
        raise ValueError(f"{key} is {name!r}; supported: {', '.join(known)}")
    return ACTIVATIONS[name]


def eos_tokens(config: Config) -> tuple[int, ...]:
    """The ids of the tokens that end a text: none, one or a list.

    Raises:
        ValueError: there is something else, such as true, 2.5 or a text.
    """
    return config.wholes("eos_token_id") if config.has("eos_token_id") else ()


def refuse(config: Config, **unsupported: str) -> None:
    """Raises ValueError where a switch is on that the decoder does not know; the values say what it would do."""
    for name, what in unsupported.items():
        value = config.get(name)
        if value:
            raise ValueError(f"{name} is {value!r}: {what} is not computed here; it must be false")


def local_layers(config: Config, layers: int) -> tuple[bool, ...] | None:
    """Which layers have a sliding window, by "layer_types"; None where the config does not say.

    Raises:
        ValueError: a type is unknown, or there is not one for each layer.
    """
    types = config.get("layer_types")
    if types is None:
        return None
    known = ("full_attention", "sliding_attention")
    if not isinstance(types, list) or len(types) != layers or any(kind not in known for kind in types):
        raise config.wrong("layer_types", f"one of {', '.join(known)} for each of {layers} layers", types)
    return tuple(kind == "sliding_attention" for kind in types)


def window_fields(window: int | None, local: tuple[bool, ...]) -> WindowFields:
    """The window of the layers that are local; no field where none is.

    Raises:
        ValueError: there are local layers, but no window.
    """
    if not any(local):
        return {}
    if window is None:
        raise ValueError("layer_types has layers with sliding_attention, but sliding_window is not set")
    return {"window": window, "local_layers": local}
