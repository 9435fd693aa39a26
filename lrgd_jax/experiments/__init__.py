"""Experiments: measured questions beside the certified claims, each with its theory drawn over it.

A registry of names; a module is imported when its experiment is asked for. `register` adds one of your own.
"""

import difflib
import importlib
from collections.abc import Mapping
from types import MappingProxyType

from lrgd_jax.experiments.experiment import Experiment, checked

__all__ = ["Experiment", "find", "names", "register"]

OWN: Mapping[str, str] = MappingProxyType(
    {
        "constructed-vs-trained": "lrgd_jax.experiments.constructed_vs_trained",
        "steps-and-depth": "lrgd_jax.experiments.steps_and_depth",
        "perturbation": "lrgd_jax.experiments.perturbation",
        "regularisation": "lrgd_jax.experiments.regularisation",
        "random-features": "lrgd_jax.experiments.random_features",
        "contexts": "lrgd_jax.experiments.contexts",
        "recommend": "lrgd_jax.experiments.recommend",
        "effect": "lrgd_jax.experiments.data_effect",
        "selection": "lrgd_jax.experiments.selection",
        "two-stage": "lrgd_jax.experiments.two_stage",
        "equivalence-on-data": "lrgd_jax.experiments.equivalence_on_data",
        "robustness": "lrgd_jax.experiments.data_robustness",
        "adaptability": "lrgd_jax.experiments.adaptability",
        "dual-of-a-layer": "lrgd_jax.experiments.dual_of_a_layer",
        "icl-against-fine-tuning": "lrgd_jax.experiments.icl_against_fine_tuning",
    }
)
"""Name -> module of the experiments that come with the package."""

_registered: dict[str, str] = {}


def register(name: str, module: str) -> None:
    """Adds an experiment of your own for this process.

    Args:
        name: what `find` and `lrgd experiment` call it.
        module: the dotted name of a module that has the interface `Experiment`; imported when first asked for.

    Raises:
        ValueError: the name is taken by another module.
    """
    taken = {**OWN, **_registered}.get(name, module)
    if taken != module:
        raise ValueError(f"the experiment name {name!r} is taken by {taken}; register {module} under another name")
    _registered[name] = module


def names() -> list[str]:
    """All names: the package's own, then registered ones."""
    return [*OWN, *(name for name in _registered if name not in OWN)]


def find(name: str) -> Experiment:
    """The experiment of that name, its module imported.

    Raises:
        ValueError: there is none (the message suggests the nearest), its module is not there, or it lacks a part of
            the interface.
    """
    known = {**OWN, **_registered}
    if name not in known:
        near = [one for one in known if name and name in one] or difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"there is no experiment {name!r}; {hint}known are {', '.join(known)}")
    try:
        module = importlib.import_module(known[name])
    except ModuleNotFoundError as error:
        raise ValueError(
            f"experiment {name!r}: cannot import {known[name]} ({error}); install what is missing"
        ) from None
    return checked(name, module)
