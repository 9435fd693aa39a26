"""Floating formats, and what one operation of XLA may lose in each."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing.program import DType
from lrgd_jax.certify.walking.array_namespace import xp
from lrgd_jax.certify.walking.discrete import out_dtype


@dataclasses.dataclass(frozen=True)
class Format:
    """A floating format: unit roundoff, smallest normal and largest finite number."""

    name: str
    unit: float
    tiny: float
    largest: float

    def gamma(self, n: np.ndarray | int) -> Any:
        r"""$\gamma_n = nu/(1-nu)$ (Higham 2002, section 3.1), what n roundings in any order lose."""
        nu = n * self.unit
        return xp.where(nu < 1, nu / (1 - nu), np.inf)


@functools.lru_cache(maxsize=64)
def format_of(dtype: DType) -> Format:
    """The format of a floating dtype.

    Raises:
        ValueError: if the dtype is not float64, float32, bfloat16 or float16.
    """
    name = np.dtype(dtype).name
    if name not in ("float64", "float32", "bfloat16", "float16"):
        raise ValueError(f"rounding is known for float64, float32, bfloat16 and float16, got {name}; cast the input")
    info = jnp.finfo(dtype)
    return Format(name, 2.0 ** -(info.nmant + 1), float(info.smallest_normal), float(info.max))


def out_format(eqn: core.JaxprEqn) -> Format:
    """The format of an equation's first output."""
    return format_of(out_dtype(eqn))
