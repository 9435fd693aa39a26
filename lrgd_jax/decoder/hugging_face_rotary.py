"""The rotary parameters of a config.json, as transformers 4 and 5 write them: base, share of a head, and stretch."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, Required, TypedDict

from lrgd_jax.decoder.fields import Fields
from lrgd_jax.decoder.hugging_face_config import Config
from lrgd_jax.outside.convert import shorten
from lrgd_jax.positions import Llama3Scaling, LongRopeScaling, RotaryScaling, YarnScaling

__all__ = ["LongTexts", "RotaryFields", "read_rotary", "rope", "rotary_parameters"]


class LongTexts(NamedTuple):
    """The stretch of texts that are longer than the first context.

    Attributes:
        context: tokens of the longest text that is not.
        scaling: the stretch.
    """

    context: int
    scaling: RotaryScaling


class Stretch(TypedDict, total=False):
    """The fields of `DecoderConfig` that say how the frequencies are stretched.

    `longer` is none of them: `llama_like` makes it the config `beyond` the first context.
    """

    rope_factor: float
    rope_scaling: RotaryScaling
    rope_gain: float
    longer: LongTexts


class RotaryFields(Stretch, total=False):
    """The fields of `DecoderConfig` about rotary positions that a config.json sets."""

    rope_theta: Required[float]
    local_rope_theta: float
    rotary_width: int


def rope(
    config: Config,
    *,
    theta: float = 10_000.0,
    theta_key: str = "rope_theta",
    head_width: int | None = None,
    share: float = 1.0,
    share_key: str = "partial_rotary_factor",
) -> RotaryFields:
    """Base, share and stretch: "rope_parameters" (transformers 5) or "rope_theta", "rope_scaling" (4).

    Args:
        config: as it was read.
        theta: the base where the config says nothing.
        theta_key: where the base stands in files of transformers 4.
        head_width: d, where the family may rotate a part of every head only.
        share: the part of every head that is rotated where the config says nothing.
        share_key: where it stands in files of transformers 4.

    Returns:
        The fields of `DecoderConfig` that it sets.

    Raises:
        ValueError: the parameters are malformed, contradict each other, or are of a kind that is not computed.
    """
    written = rotary_parameters(config, config.positive(theta_key, theta))
    fields = read_rotary(config, written, theta=theta, theta_key=theta_key)
    part = written.positive("partial_rotary_factor", config.positive(share_key, share))
    if head_width is not None:
        return {**fields, "rotary_width": int(head_width * part)} if part != 1 else fields
    if part != 1:
        raise ValueError(f"partial_rotary_factor is {part}; whole heads are rotated in this family")
    return fields


def rotary_parameters(config: Config, theta: float) -> Fields:
    """The object that holds them: "rope_scaling" where it says anything, as in transformers, else "rope_parameters".

    Args:
        config: as it was read.
        theta: the base that holds where "rope_scaling" has none.

    Raises:
        ValueError: both say something, and not the same.
    """
    new, old = config.nested("rope_parameters"), config.nested("rope_scaling")
    if not old:
        return new
    says = {"rope_theta": theta, "rope_type": _kind(old), "type": _kind(old)}
    for name in new.names():
        one, other = new.get(name), old.get(name, says.get(name))
        if one != other and not (name in ("rope_type", "type") and one == "default"):
            raise ValueError(
                f"rope_parameters and rope_scaling contradict each other in {name} ({shorten(one)}, {shorten(other)}); "
                "transformers reads rope_scaling and forgets the other; keep one of them"
            )
    return old


def read_rotary(config: Config, written: Fields, *, theta: float, theta_key: str = "rope_theta") -> RotaryFields:
    """Base and stretch from one object of rotary parameters.

    Args:
        config: as it was read.
        written: the object.
        theta: the base where neither says anything.
        theta_key: where the base stands in `config` if not in `written`.

    Raises:
        ValueError: as for `rope`.
    """
    kind = _kind(written)
    if kind not in KINDS:
        raise ValueError(f"rope_type is {shorten(kind)}; supported: {', '.join(KINDS)}")
    base = written.positive("rope_theta", config.positive(theta_key, theta))
    if theta_key in config and base != config.get(theta_key):
        raise ValueError(
            f"{theta_key} is {shorten(config.get(theta_key))}, but the rotary parameters have rope_theta {base}; "
            "keep one of them"
        )
    if kind == "yarn" and base <= 1:
        raise ValueError(f'rope_type "yarn" needs a base above 1, got rope_theta {base}')
    return {"rope_theta": base, **KINDS[kind](config, written)}


def _kind(written: Fields) -> str:
    return written.text("rope_type", written.text("type", "default"))


def _plain(config: Config, written: Fields) -> Stretch:
    config.get("original_max_position_embeddings")  # before a stretch that there is not
    return {}


def _linear(config: Config, written: Fields) -> Stretch:
    return {"rope_factor": written.positive("factor")}


def _llama3(config: Config, written: Fields) -> Stretch:
    scaling = Llama3Scaling(
        factor=written.positive("factor"),
        low_freq_factor=written.positive("low_freq_factor"),
        high_freq_factor=written.positive("high_freq_factor"),
        original_max_position_embeddings=_original_context(config, written),
    )
    if not scaling.high_freq_factor > scaling.low_freq_factor:
        raise ValueError(
            f'rope_type "llama3" needs high_freq_factor > low_freq_factor, '
            f"got {scaling.high_freq_factor} and {scaling.low_freq_factor}"
        )
    return {"rope_scaling": scaling}


def _dynamic(config: Config, written: Fields) -> Stretch:
    """The base grows with a text only where that is longer than the context, and no longer one is read."""
    written.positive("factor")
    return {}


def _yarn(config: Config, written: Fields) -> Stretch:
    original = _original_context(config, written)
    factor = written.positive("factor")
    scaling = YarnScaling(
        factor=factor,
        original_max_position_embeddings=original,
        beta_fast=written.positive("beta_fast") if written.has("beta_fast") else 32.0,
        beta_slow=written.positive("beta_slow") if written.has("beta_slow") else 1.0,
        truncate=written.flag("truncate", True),
    )
    if not scaling.beta_fast >= scaling.beta_slow:
        raise ValueError(f'rope_type "yarn" needs beta_fast >= beta_slow, got {scaling.beta_fast}, {scaling.beta_slow}')
    return {"rope_scaling": scaling, "rope_gain": _yarn_gain(written, factor)}


def _yarn_gain(written: Fields, factor: float) -> float:
    """By which YaRN multiplies rotated queries and keys: stated, or 1 + ln(factor) / 10.

    Source: Peng et al. 2023, arXiv 2309.00071, eq. 22; with DeepSeek's two weights, as transformers does.
    """

    def gain(weight: float) -> float:
        return 1.0 if factor <= 1 else 1 + 0.1 * weight * math.log(factor)

    weights = [written.positive(name) for name in ("mscale", "mscale_all_dim") if written.has(name)]
    if written.has("attention_factor"):
        return written.positive("attention_factor")
    return gain(weights[0]) / gain(weights[1]) if len(weights) == 2 else gain(1.0)


def _longrope(config: Config, written: Fields) -> Stretch:
    """Each pair's frequency divided by a number of its own; by another one in texts beyond the first context.

    What is rotated is multiplied by the root of 1 + ln(factor) / ln(first context), unless a factor is stated.

    Source: Ding et al. 2024, arXiv 2402.13753, section 3; the root: Abdin et al. 2024, arXiv 2404.14219, and its model.
    """
    first = (config.size if config.has("original_max_position_embeddings") else written.size)(
        "original_max_position_embeddings"
    )
    written.get("original_max_position_embeddings")  # which the config's own replaces
    short, long = (LongRopeScaling(_factors(written, name)) for name in ("short_factor", "long_factor"))
    factor = written.positive("factor") if written.has("factor") else config.size("max_position_embeddings") / first
    if written.has("attention_factor"):
        gain = written.positive("attention_factor")
    else:
        gain = math.sqrt(1 + math.log(factor) / math.log(first)) if factor > 1 else 1.0
    return {"rope_scaling": short, "rope_gain": gain, "longer": LongTexts(first, long)}


def _factors(written: Fields, name: str) -> tuple[float, ...]:
    factors = written.numbers(name)
    if not factors or min(factors) <= 0:
        raise written.wrong(name, "a list of positive numbers", list(factors))
    return factors


def _original_context(config: Config, written: Fields) -> int:
    """How many tokens the model was made for before its frequencies were stretched."""
    context = config.size("max_position_embeddings")
    inside = written.size("original_max_position_embeddings", context)
    return config.size("original_max_position_embeddings", inside)


KINDS: Mapping[str, Callable[[Config, Fields], Stretch]] = {
    "default": _plain,
    "linear": _linear,
    "llama3": _llama3,
    "dynamic": _dynamic,
    "yarn": _yarn,
    "longrope": _longrope,
}
"""How each kind of stretch is read."""
