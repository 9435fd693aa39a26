"""Measures XLA's elementary functions and writes the constants of the rounding bounds.

    python benchmarks/measure_rounding.py             # print the table, write lrgd_jax/certify/measured/
    python benchmarks/measure_rounding.py --check     # print the table, write nothing

Errors are in units of `unit roundoff * |result|` (sin and cos: of the unit roundoff). float64 is measured against
mpmath and includes the error of NumPy and SciPy, with which values are evaluated; narrower formats against float64. The
constant is four times the measured error, and at least one more ulp (two units).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import mpmath
import numpy as np
import scipy.special
from jax import lax

from lrgd_jax.certify import versions
from lrgd_jax.certify.elementwise import GROWTH, exp_neg_sq

TARGETS = pathlib.Path(__file__).parents[1] / "lrgd_jax" / "certify" / "measured"
FORMATS = {"float64": np.float64, "float32": np.float32, "bfloat16": jnp.bfloat16, "float16": np.float16}


@dataclasses.dataclass(frozen=True)
class Function:
    """One function three times: in XLA, in float64, in mpmath; `middle` is where a second dense sample lies,
    `narrow` whether it is one function in 16 bits too."""

    xla: Callable[..., Any]
    numpy: Callable[..., Any]
    exact: Callable[..., Any]
    middle: tuple[float, float] = (-20.0, 20.0)
    arguments: int = 1
    absolute: bool = False
    narrow: bool = True


def _newer(name: str) -> Callable[..., Any]:
    return lambda x: versions.newer_functions()[name](x)


def _logistic(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _cbrt(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


FUNCTIONS = {
    "exp": Function(lax.exp, np.exp, mpmath.exp, (-100, 100)),
    "exp2": Function(lax.exp2, np.exp2, lambda x: mpmath.mpf(2) ** x, (-150, 150)),
    "expm1": Function(lax.expm1, np.expm1, mpmath.expm1, (-5, 90)),
    "log": Function(lax.log, np.log, mpmath.log, (0.25, 4)),
    "log1p": Function(lax.log1p, np.log1p, mpmath.log1p, (-1, 2)),
    "tanh": Function(lax.tanh, np.tanh, mpmath.tanh, (-10, 10)),
    "logistic": Function(lax.logistic, scipy.special.expit, _logistic, (-90, 90)),
    "erf": Function(lax.erf, scipy.special.erf, mpmath.erf, (-6, 6)),
    "erfc": Function(lax.erfc, scipy.special.erfc, mpmath.erfc, (-6, 28)),
    "sin": Function(lax.sin, np.sin, mpmath.sin, (-100, 100), absolute=True),
    "cos": Function(lax.cos, np.cos, mpmath.cos, (-100, 100), absolute=True),
    "sqrt": Function(lax.sqrt, np.sqrt, mpmath.sqrt, (0, 4)),
    "rsqrt": Function(lax.rsqrt, lambda x: 1 / np.sqrt(x), lambda x: 1 / mpmath.sqrt(x), (0, 4)),
    "cbrt": Function(lax.cbrt, np.cbrt, _cbrt, (-8, 8)),
    "pow": Function(lax.pow, np.power, mpmath.power, (0, 30), arguments=2),
}

_NEWER = {
    "log2": Function(_newer("log2"), np.log2, lambda x: mpmath.log(x, 2), (0.25, 4)),
    "exp_neg_sq": Function(_newer("exp_neg_sq"), exp_neg_sq, lambda x: mpmath.exp(-x * x), (-28, 28), narrow=False),
}
FUNCTIONS |= {name: _NEWER[name] for name in versions.newer_functions()}


def samples(function: Function, dtype: Any, count: int, seed: int) -> list[np.ndarray]:
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


def measure(name: str, dtype: Any, count: int, seed: int = 0) -> float:
    """The largest error seen, in units; JAX must run with 64 bits enabled."""
    function = FUNCTIONS[name]
    arguments = samples(function, dtype, count, seed)
    with np.errstate(invalid="ignore"):
        wide = [x.astype(np.float64) for x in arguments]
    info, growth = jnp.finfo(dtype), GROWTH.get(name, np.zeros_like)
    with np.errstate(all="ignore"):
        reference = function.numpy(*wide)
        size = np.abs(reference)
        normal = [(np.abs(x) >= float(info.tiny)) & (np.abs(x) <= float(info.max)) for x in wide]
        kept = np.logical_and.reduce(normal) & (size <= float(info.max) / 2) & (size >= 2 * float(info.tiny))
    arguments, wide = [x[kept] for x in arguments], [x[kept] for x in wide]
    few = [x[:: max(1, len(x) // 2001)] for x in arguments]
    vector, scalar = jax.jit(function.xla), jax.jit(lambda *x: lax.map(lambda row: function.xla(*row), x))
    computed = [(wide, np.asarray(vector(*arguments), np.float64))]
    computed.append(([x.astype(np.float64) for x in few], np.asarray(scalar(*few), np.float64)))
    if dtype == np.float64:
        computed.append((wide, function.numpy(*wide)))
    with np.errstate(over="ignore"):
        return max(_error(function, x, y, 1 + growth(np.abs(x[0])), info) for x, y in computed)


def _error(
    function: Function, arguments: list[np.ndarray], computed: np.ndarray, growth: np.ndarray, info: Any
) -> float:
    unit = 2.0 ** -(info.nmant + 1)
    if info.bits == 64:
        # Large arguments of sin and cos need as many bits as their exponent has.
        with mpmath.workprec(1200 if function.absolute else 120):
            rows = zip(*(x.tolist() for x in arguments), computed.tolist(), strict=True)
            errors = np.array([_exact_error(function, row[:-1], row[-1]) for row in rows])
            return float(np.max(errors / growth)) / unit
    reference = function.numpy(*arguments)
    scale = 1.0 if function.absolute else np.abs(reference)
    return float(np.max(np.abs(computed - reference) / scale / growth)) / unit


def _exact_error(function: Function, arguments: tuple[float, ...], computed: float) -> float:
    reference = function.exact(*(mpmath.mpf(x) for x in arguments))
    difference = abs(mpmath.mpf(computed) - reference)
    return float(difference if function.absolute else difference / abs(reference))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--count", type=int, default=200_003, help="points per function (a tenth of it in float64)")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    measured: dict[str, dict[str, float]] = {}
    print(f"{'function':10}" + "".join(f"{form:>12}" for form in FORMATS))
    for name in FUNCTIONS:
        counts = {form: options.count // 10 if form == "float64" else options.count for form in FORMATS}
        forms = FORMATS if FUNCTIONS[name].narrow else ("float64", "float32")
        measured[name] = {form: round(measure(name, FORMATS[form], counts[form]), 3) for form in forms}
        print(f"{name:10}" + "".join(f"{x:12.3f}" for x in measured[name].values()), flush=True)
    constants = {
        name: {form: float(math.ceil(max(4 * x, x + 2))) for form, x in row.items()} for name, row in measured.items()
    }
    if not options.check:
        record = {
            "command": "python benchmarks/measure_rounding.py",
            "jaxlib": jaxlib.__version__,
            "platform": jax.default_backend(),
            "measured": measured,
            "constants": constants,
        }
        TARGETS.joinpath(f"{jax.default_backend()}-jaxlib-{jaxlib.__version__}.json").write_text(
            json.dumps(record, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
