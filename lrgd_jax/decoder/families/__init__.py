"""Families of pretrained decoders: which Hugging Face architectures can be read, and by which file.

A family states three things: how its config.json becomes a `DecoderConfig`, which tensors a checkpoint holds and of
what shape, and where each goes. Each file in this folder is one family and ends in `FAMILY = Family(...)`, by which it
is registered.
"""

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Mapping

from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.fields import Fields
from lrgd_jax.suggestions import did_you_mean

__all__ = ["FAMILIES", "Family", "family_of"]

FAMILIES: tuple[Family, ...] = tuple(
    importlib.import_module(f"{__name__}.{module.name}").FAMILY for module in pkgutil.iter_modules(__path__)
)
"""Every family that can be read, by the names of their files."""


def family_of(described: Mapping[str, object]) -> Family:
    """The family of a Hugging Face config, by its "architectures" or, where that is missing, its "model_type".

    Args:
        described: what config.json holds.

    Raises:
        ValueError: neither is there, or no family has it.

    Examples:
        >>> family_of({"architectures": ["LlamaForCausalLM"]}).model_types
        ('llama',)
    """
    config = Fields(described)
    named = config.texts("architectures") if config.has("architectures") else ()
    key = "architecture" if named else "model_type"
    if not named and not config.has("model_type"):
        raise ValueError('the config names neither "architectures" nor "model_type", so the family is unknown')
    came = named or (config.text("model_type"),)
    known = {name: family for family in FAMILIES for name in (family.architectures if named else family.model_types)}
    for name in came:
        if name in known:
            return known[name]
    hint = did_you_mean(came[0], [name for name in known if _is_slip(came[0], name)], show=str)
    supported = ", ".join(sorted(known)) + ("; " if hint else "")
    raise ValueError(f"unknown {key} {', '.join(came)}; supported: {supported}{hint}")


def _is_slip(name: str, other: str) -> bool:
    """Whether a name is another misspelt, rather than that of a relative, whose numbers the other would not give."""
    letters = Counter(name.casefold())
    letters.subtract(other.casefold())
    # letters in another order, or one too few or too many; but Gemma3n is not Gemma3, nor Olmo Olmo2
    versions = [re.findall(r"\d+[a-zA-Z]*", one) for one in (name, other)]
    return sum(map(abs, letters.values())) <= 1 and versions[0] == versions[1]
