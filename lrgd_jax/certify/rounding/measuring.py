"""How far the elementary functions of the running XLA are off: measured against balls of 120 bits and more.

Errors are in units of `unit roundoff * |result|` (sin and cos: of the unit roundoff). float64 is measured against balls
and includes the error of NumPy and SciPy, with which the walk evaluates; narrower formats against float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from flint import arb
from jax import lax

from lrgd_jax.certify.balls.ball_arithmetic import Balls, precision
from lrgd_jax.certify.rounding.elementwise import GROWTH, exp_neg_sq
from lrgd_jax.certify.tracing.jax_versions import newer_functions
from lrgd_jax.certify.tracing.program import DType

__all__ = ["COUNT", "FORMATS", "FUNCTIONS", "Function", "Measured", "measure", "measure_all"]

FORMATS: Mapping[str, Any] = {
    "float64": np.float64,
    "float32": np.float32,
    "bfloat16": jnp.bfloat16,
    "float16": np.float16,
}

COUNT = 200_003
"""Points of a function in a format; a tenth of it in float64."""

Measured = dict[str, dict[str, float]]
"""From the name of a function and of a format to the largest error seen, in units."""


@dataclass(frozen=True)
class Function:
    """One elementary function, in XLA and in float64; its exact values are those of `Balls`.

    Attributes:
        xla: of arrays of one format.
        numpy: of float64 arrays.
        middle: where a second, dense sample lies.
        arguments: how many it takes.
        absolute: its error is in units of one, not of its value.
        formats: where it is one function.
    """

    xla: Callable[..., Any]
    numpy: Callable[..., Any]
    middle: tuple[float, float] = (-20.0, 20.0)
    arguments: int = 1
    absolute: bool = False
    formats: tuple[str, ...] = tuple(FORMATS)


def _newer(name: str) -> Callable[..., Any]:
    return lambda x: newer_functions()[name](x)


_ALWAYS = {
    "exp": Function(lax.exp, np.exp, (-100, 100)),
    "exp2": Function(lax.exp2, np.exp2, (-150, 150)),
    "expm1": Function(lax.expm1, np.expm1, (-5, 90)),
    "log": Function(lax.log, np.log, (0.25, 4)),
    "log1p": Function(lax.log1p, np.log1p, (-1, 2)),
    "tanh": Function(lax.tanh, np.tanh, (-10, 10)),
    "logistic": Function(lax.logistic, scipy.special.expit, (-90, 90)),
    "erf": Function(lax.erf, scipy.special.erf, (-6, 6)),
    "erfc": Function(lax.erfc, scipy.special.erfc, (-6, 28)),
    "sin": Function(lax.sin, np.sin, (-100, 100), absolute=True),
    "cos": Function(lax.cos, np.cos, (-100, 100), absolute=True),
    "sqrt": Function(lax.sqrt, np.sqrt, (0, 4)),
    "rsqrt": Function(lax.rsqrt, lambda x: 1 / np.sqrt(x), (0, 4)),
    "cbrt": Function(lax.cbrt, np.cbrt, (-8, 8)),
    "pow": Function(lax.pow, np.power, (0, 30), arguments=2),
}
_NEWER = {
    "log2": Function(_newer("log2"), np.log2, (0.25, 4)),
    "exp_neg_sq": Function(_newer("exp_neg_sq"), exp_neg_sq, (-28, 28), formats=("float64", "float32")),
}
FUNCTIONS: Mapping[str, Function] = _ALWAYS | {name: _NEWER[name] for name in newer_functions()}
"""Those that the running JAX has."""


def measure_all(count: int = COUNT, seed: int = 0) -> Iterator[tuple[str, dict[str, float]]]:
    """Measures one function after the other.

    Args:
        count: points of a function in a format; a tenth of it in float64.
        seed: of the points.

    Returns:
        The names, and by format the largest errors seen.

    Raises:
        ValueError: JAX does not run with 64 bits.

    Examples:
        >>> with jax.enable_x64(True):
        ...     name, errors = next(iter(measure_all(count=2000)))
        >>> name, 0 <= errors["float32"] < 3
        ('exp', True)
    """
    if jax.dtypes.canonicalize_dtype("float64") != np.float64:
        raise ValueError('measuring needs JAX in 64 bits; call jax.config.update("jax_enable_x64", True) first')
    for name, function in FUNCTIONS.items():
        counts = {form: count // 10 if form == "float64" else count for form in function.formats}
        yield name, {form: round(measure(name, form, counts[form], seed), 3) for form in function.formats}


def measure(name: str, form: str, count: int, seed: int = 0) -> float:
    """The largest error of a function that is seen at `count` points, in units; JAX must run with 64 bits.

    Raises:
        ArithmeticError: it is not finite somewhere, though its arguments and exact values are normal numbers.
    """
    function, dtype = FUNCTIONS[name], FORMATS[form]
    growth = GROWTH.get(name, np.zeros_like)
    arguments = _normal(function, _samples(function, dtype, count, seed), dtype)
    wide = [x.astype(np.float64) for x in arguments]
    computed = [(wide, _evaluate(function, arguments))]
    few = [x[:: max(1, len(x) // 2001)] for x in arguments]
    computed.append(([x.astype(np.float64) for x in few], _one_by_one(function, few)))
    if form == "float64":
        computed.append((wide, function.numpy(*wide)))
    with np.errstate(over="ignore"):
        errors = [_error(name, x, y, 1 + growth(np.abs(x[0])), dtype) for x, y in computed]
    if not np.isfinite(errors).all():
        raise ArithmeticError(f"{name} in {form}: a computed value or its reference is not finite")
    return max(errors)


def _evaluate(function: Function, arguments: list[np.ndarray]) -> np.ndarray:
    """As XLA computes it with vectors."""
    return np.asarray(jax.jit(function.xla)(*arguments), np.float64)


def _one_by_one(function: Function, arguments: list[np.ndarray]) -> np.ndarray:
    """As XLA computes it number by number, where it may take another way."""
    scalar = jax.jit(lambda *x: lax.map(lambda row: function.xla(*row), x))
    return np.asarray(scalar(*arguments), np.float64)


def _normal(function: Function, arguments: list[np.ndarray], dtype: DType) -> list[np.ndarray]:
    """Those of the arguments that are normal numbers and have normal values."""
    low, high = float(jnp.finfo(dtype).tiny), float(jnp.finfo(dtype).max)
    with np.errstate(all="ignore"):
        wide = [x.astype(np.float64) for x in arguments]
        size = np.abs(function.numpy(*wide))
        normal = [(np.abs(x) >= low) & (np.abs(x) <= high) for x in wide]
    kept = np.logical_and.reduce(normal) & (size <= high / 2) & (size >= 2 * low)
    return [x[kept] for x in arguments]


def _samples(function: Function, dtype: DType, count: int, seed: int) -> list[np.ndarray]:
    """Arguments over all magnitudes, and densely over the middle; every number there is in 16-bit formats."""
    rng = np.random.default_rng(seed)
    info = jnp.finfo(dtype)
    if function.arguments == 2:
        edge = 0.9 * min(20.0, -math.log(float(info.tiny)))
        base = np.exp(rng.uniform(-edge, edge, count)).astype(dtype)
        reach = math.log(float(info.max)) / np.maximum(np.abs(np.log(base.astype(np.float64))), 0.1)
        return [base, (rng.uniform(-1, 1, count) * np.minimum(reach, 30)).astype(dtype)]
    if info.bits == 16:
        return [np.arange(2**16, dtype=np.uint16).view(dtype)]
    half = count // 2
    exponents = rng.uniform(np.log2(float(info.tiny)), np.log2(float(info.max)) - 1, half)
    near_one = 2.0 ** (exponents / 16)
    scattered = np.where(np.arange(half) % 2, 2.0**exponents, near_one) * rng.choice([-1, 1], half)
    return [np.concatenate([scattered, rng.uniform(*function.middle, count - half)]).astype(dtype)]


def _error(name: str, arguments: list[np.ndarray], computed: np.ndarray, growth: np.ndarray, dtype: DType) -> float:
    info = jnp.finfo(dtype)
    unit = 2.0 ** -(info.nmant + 1)
    function = FUNCTIONS[name]
    if info.bits == 64:
        errors = _distances(name, arguments, computed)
    else:
        reference = function.numpy(*arguments)
        errors = np.abs(computed - reference) / (1.0 if function.absolute else np.abs(reference))
    return float(np.max(errors / growth)) / unit


def _distances(name: str, arguments: list[np.ndarray], computed: np.ndarray) -> np.ndarray:
    """Of float64 numbers from the exact results, each relative to its result unless the function says otherwise."""
    absolute = FUNCTIONS[name].absolute
    # large arguments of sin and cos need as many bits as their exponent has
    with precision(1200 if absolute else 120):
        rows = zip(*(x.tolist() for x in arguments), computed.tolist(), strict=True)
        return np.array([_distance(name, row[:-1], row[-1], absolute) for row in rows])


def _distance(name: str, arguments: tuple[float, ...], computed: float, absolute: bool) -> float:
    exact = _exact(name, *map(arb, arguments))
    distance = abs(arb(computed) - exact)
    return float((distance if absolute else distance / abs(exact)).abs_upper())


def _exact(name: str, *arguments: arb) -> arb:
    if name == "pow":
        return arguments[0] ** arguments[1]
    if name == "exp_neg_sq":
        return (-arguments[0] * arguments[0]).exp()
    return Balls.functions[name](*arguments)
