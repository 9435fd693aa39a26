"""What the families share in reading a config.json: sizes, activations, frequencies, windows."""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypedDict

from lrgd_jax.decoder.config import Activation
from lrgd_jax.positions import Llama3Scaling

__all__ = [
    "Config",
    "RotaryFields",
    "WindowFields",
    "activation",
    "eos_tokens",
    "local_layers",
    "refuse",
    "rope",
    "sizes",
]

Config: TypeAlias = Mapping[str, Any]
"""A config.json as it was read: what a key holds is known only when it is used."""

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

SCALING_NAMES = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")


class RotaryFields(TypedDict, total=False):
    """The fields of `DecoderConfig` about rotary positions that a config.json sets."""

    rope_theta: float
    rope_factor: float
    rope_scaling: Llama3Scaling
    local_rope_theta: float


class WindowFields(TypedDict, total=False):
    """The fields of `DecoderConfig` about sliding windows that a config.json sets."""

    window: int
    local_layers: tuple[bool, ...]


def sizes(config: Config, *names: str) -> list[int]:
    """Whole numbers from a config.

    Raises:
        ValueError: one is missing or no whole number.
    """
    for name in names:
        if name not in config:
            raise ValueError(f"the config lacks {name}")
        if not isinstance(config[name], int):
            raise ValueError(f"{name} must be a whole number, got {config[name]!r}")
    return [config[name] for name in names]


def activation(config: Config, key: str, default: str, known: tuple[str, ...] = tuple(ACTIVATIONS)) -> Activation:
    """The activation that a config names.

    Raises:
        ValueError: the family is not computed with it.
    """
    name = config.get(key) or default
    if name not in known:
        raise ValueError(f"{key} is {name!r}; supported: {', '.join(known)}")
    return ACTIVATIONS[name]


def eos_tokens(config: Config) -> tuple[int, ...]:
    """The ids of the tokens that end a text: none, one or a list."""
    eos = config.get("eos_token_id")
    return () if eos is None else tuple(eos) if isinstance(eos, list) else (eos,)


def refuse(config: Config, **unsupported: str) -> None:
    """Raises ValueError where a switch is on that the decoder does not know; the values say what it would do."""
    for name, what in unsupported.items():
        if config.get(name):
            raise ValueError(f"{name} is {config[name]!r}: {what} is not computed here; it must be false")


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
        raise ValueError(f"layer_types must name one of {', '.join(known)} for each of {layers} layers, got {types!r}")
    return tuple(kind == "sliding_attention" for kind in types)


def rope(config: Config, written: object = None, *, theta: float = 10_000.0) -> RotaryFields:
    """Base and stretch of the frequencies: "rope_parameters" (transformers 5) or "rope_theta", "rope_scaling" (4).

    Args:
        config: as it was read.
        written: the rotary parameters, where they are not under one of the usual names.
        theta: the base where the config says nothing.

    Returns:
        The fields of `DecoderConfig` that it sets.

    Raises:
        ValueError: the parameters are malformed or of a kind that is not computed.
    """
    if written is None:
        written = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(written, Mapping):
        raise ValueError(f"the rotary parameters must be an object, got {written!r}")
    fields: RotaryFields = {"rope_theta": written.get("rope_theta", config.get("rope_theta", theta))}
    kind = written.get("rope_type", written.get("type", "default"))
    if kind == "default":
        return fields
    if kind not in ("linear", "llama3"):
        raise ValueError(f'rope_type is {kind!r}; supported: "default", "linear" and "llama3"')
    missing = [name for name in (SCALING_NAMES if kind == "llama3" else ("factor",)) if written.get(name) is None]
    if missing:
        raise ValueError(f'rope_type "{kind}" needs {", ".join(missing)}')
    if kind == "linear":
        fields["rope_factor"] = written["factor"]
        return fields
    if not written["high_freq_factor"] > written["low_freq_factor"]:
        raise ValueError(
            f'rope_type "llama3" needs high_freq_factor > low_freq_factor, '
            f"got {written['high_freq_factor']} and {written['low_freq_factor']}"
        )
    fields["rope_scaling"] = Llama3Scaling(**{name: written[name] for name in SCALING_NAMES})
    return fields
