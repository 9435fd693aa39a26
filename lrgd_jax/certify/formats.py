"""Floating formats, and what one operation of XLA may lose in each."""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import json
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lrgd_jax.certify.discrete import out_dtype
from lrgd_jax.certify.versions import Stack, running


@dataclasses.dataclass(frozen=True)
class Format:
    """A floating format: unit roundoff, smallest normal and largest finite number."""

    name: str
    unit: float
    tiny: float
    largest: float

    def gamma(self, n: Any) -> Any:
        r"""$\gamma_n = nu/(1-nu)$ (Higham 2002, section 3.1), what n roundings in any order lose."""
        nu = n * self.unit
        return np.where(nu < 1, nu / (1 - nu), np.inf)


@functools.lru_cache(maxsize=64)
def format_of(dtype: Any) -> Format:
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


@functools.cache
def measured_constants() -> dict[str, dict[str, float]]:
    """Per function and format: a bound on XLA's error in units of `unit * |result|`, measured, with a margin.

    Written by `python benchmarks/measure_rounding.py`; sin and cos are in units of `unit` itself. Of the versions that
    were measured the running one's, else the largest.
    """
    folder = importlib.resources.files("lrgd_jax.certify").joinpath("measured")
    records = [json.loads(file.read_text()) for file in folder.iterdir() if file.name.endswith(".json")]
    here = [x for x in records if Stack(x["jaxlib"], x["platform"]) == running()]
    tables = [record["constants"] for record in here or records]
    names = {name for table in tables for name in table}
    return {name: _largest([table[name] for table in tables if name in table]) for name in sorted(names)}


def _largest(rows: list[dict[str, float]]) -> dict[str, float]:
    return {form: max(row[form] for row in rows) for form in rows[0]}
