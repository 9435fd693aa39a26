"""The registry: a name for each experiment, whose folder is imported when it is asked for."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from lrgd_jax.experiments.running.interface import Experiment, Settings, check_interface
from lrgd_jax.suggestions import did_you_mean

__all__ = ["OWN", "find", "names", "register"]

NAMES = (
    "constructed-vs-trained",
    "steps-and-depth",
    "perturbation",
    "regularisation",
    "random-features",
    "contexts",
    "recommend",
    "effect",
    "selection",
    "two-stage",
    "equivalence-on-data",
    "robustness",
    "adaptability",
    "dual-of-a-layer",
    "icl-against-fine-tuning",
    "unseen-catalogue",
    "llm-demonstrations",
    "llm-two-stage",
)
"""The experiments that come with the package, in the order in which they are listed."""

OWN: Mapping[str, str] = MappingProxyType({name: f"lrgd_jax.experiments.{name.replace('-', '_')}" for name in NAMES})
"""Name -> module of the experiments that come with the package: the folder of that name."""

_registered: dict[str, str] = {}


def register(name: str, module: str) -> None:
    """Adds an experiment of your own for this process.

    Args:
        name: what `find` and `lrgd experiment` call it.
        module: the dotted name of a module that has the interface `Experiment`; imported when first asked for.

    Raises:
        ValueError: the name is taken by another module.

    Examples:
        >>> register("contexts", "lrgd_jax.experiments.contexts")  # the package's own name for it
        >>> find("contexts").TITLE
        'Contexts: test error against the number of demonstrations'
    """
    taken = {**OWN, **_registered}.get(name, module)
    if taken != module:
        raise ValueError(f"the experiment name {name!r} is taken by {taken}; register {module} under another name")
    _registered[name] = module


def names() -> list[str]:
    """All names: the package's own, then registered ones.

    Examples:
        >>> "contexts" in names()
        True
    """
    return [*OWN, *(name for name in _registered if name not in OWN)]


def find(name: str) -> Experiment[Settings]:
    """The experiment of that name, its module imported.

    Args:
        name: one of `names()`.

    Raises:
        ValueError: there is none (the message suggests the nearest), its module is not there, or it lacks a part of
            the interface.

    Examples:
        >>> find("steps-and-depth").__name__
        'lrgd_jax.experiments.steps_and_depth'
    """
    known = {**OWN, **_registered}
    if name not in known:
        hint = did_you_mean(name, known, containing=True)
        raise ValueError(f"there is no experiment {name!r}; {hint}{' ' if hint else ''}known are {', '.join(known)}")
    try:
        module = importlib.import_module(known[name])
    except ModuleNotFoundError as error:
        raise ValueError(
            f"experiment {name!r}: cannot import {known[name]} ({error}); install what is missing"
        ) from None
    return check_interface(name, module)
