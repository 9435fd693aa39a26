"""How elementwise operations propagate rounding errors, and what each loses itself.

Both the exact and the computed operand lie within `2 e` of `value`, so a function changes by at most its steepest slope
on that interval times `e`. Where the interval leaves the domain, the error is infinite.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.rounding.constants import constants_in_use
from lrgd_jax.certify.rounding.formats import Format, out_format
from lrgd_jax.certify.rounding.rounded_numbers import ROUNDING, Rounded, finish, keep_infinite
from lrgd_jax.certify.walking.array_namespace import round_to, xp

Array = np.ndarray
Rule = Callable[..., Any]


def _scale(slope: Array, error: Array) -> Array:
    """`slope * error`, with an exact operand exact even where the slope is infinite."""
    return xp.where(error == 0, 0.0, slope * error)


def _add(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    return _sum(eqn, x, y, x.value + y.value)


def _sub(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    return _sum(eqn, x, y, x.value - y.value)


def _sum(eqn: core.JaxprEqn, x: Rounded, y: Rounded, value: Array) -> Rounded:
    propagated = x.error + y.error
    nonzero = (value != 0) | (propagated > 0)
    return keep_infinite(finish(out_format(eqn), value, propagated, ROUNDING, absolute=nonzero), x, y)


def _mul(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    high, other = x.high, y.high
    propagated = x.error * other + high * y.error
    return finish(out_format(eqn), x.value * y.value, propagated, ROUNDING, absolute=(high > 0) & (other > 0))


def _square(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    return finish(out_format(eqn), x.value * x.value, 2 * x.high * x.error, ROUNDING)


def _div(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    form, low = out_format(eqn), y.low
    quotient = x.high / low
    # Three units, and |x| in the absolute part: XLA may multiply by a reciprocal, which rounds, and which underflows
    # where the divisor is larger than the reciprocal of the smallest normal number.
    flushed = xp.where(y.high * (1 + 2.0**-40) > 1 / form.tiny, x.high, 0.0)
    absolute = xp.where(x.high > 0, 1 + flushed, 0)
    result = finish(form, x.value / y.value, (x.error + quotient * y.error) / low, 3.0, absolute=absolute)
    return Rounded(result.value, xp.where(low >= form.tiny, result.error, np.inf), form)


def _exact_function(function: Callable[[Array], Array]) -> Rule:
    return lambda eqn, x: Rounded(function(x.value), x.error, x.format)


def _max(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    value = xp.maximum(x.value, y.value)
    first, second = x.value - y.value > 2 * (x.error + y.error), y.value - x.value > 2 * (x.error + y.error)
    error = xp.where(first, x.error, xp.where(second, y.error, xp.maximum(x.error, y.error)))
    return Rounded(value, error + _flush_loss(x, y), x.format)


def _flush_loss(x: Rounded, y: Rounded) -> Array:
    """What a comparison that flushes its operands, and then passes the other one on as it is, may lose."""
    both = (x.low < x.format.tiny) & (y.low < y.format.tiny)
    return xp.where(both, x.below + y.below, 0.0)


def _negative(x: Rounded) -> Rounded:
    return Rounded(-x.value, x.error, x.format)


def _min(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    return _negative(_max(eqn, _negative(x), _negative(y)))


def _clamp(eqn: core.JaxprEqn, low: Rounded, x: Rounded, high: Rounded) -> Rounded:
    return _min(eqn, _max(eqn, x, low), high)


def _smooth(name: str, function: Callable[[Array], Array], slope: Callable[[Rounded], Array]) -> Rule:
    """A function with a steepest slope over the interval and a measured constant."""

    def rule(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
        form = out_format(eqn)
        return finish(form, function(x.value), _scale(slope(x), x.error), _units(name, form, x))

    return rule


def _nearest_zero(x: Rounded) -> Array:
    return xp.maximum(x.low, 0.0)


def _inside(bound: Callable[[Array], Array]) -> Callable[[Rounded], Array]:
    """A slope on the positive half-line, infinite where the interval leaves it."""

    def slope(x: Rounded) -> Array:
        low = xp.where(x.value > 0, x.low, -1.0)
        return xp.where(low > 0, bound(low), np.inf)

    return slope


# XLA computes these through exp, whose argument it rounds first: their constants are per one plus this.
GROWTH: Mapping[str, Callable[[Array], Array]] = {
    "exp2": lambda high: xp.log(2) * high,
    "erfc": lambda high: high * high,
    "cbrt": lambda high: xp.abs(xp.log(xp.where(high > 0, high, 1.0))) / 3,
}


def _units(name: str, form: Format, x: Rounded) -> Any:
    constant = constants_in_use().table[name][form.name]
    if name not in GROWTH:
        return constant
    growth = GROWTH[name]
    return constant * (1 + xp.maximum(growth(xp.maximum(x.low, form.tiny)), growth(x.high)))


def _exponential(name: str, function: Callable[[Array], Array], base: float, shift: bool = False) -> Rule:
    """exp, exp2, expm1. XLA may turn exp(a) exp(b) into exp(a + b): it rounds the exponent, which costs |a| units."""
    rate = xp.log(base)

    def rule(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
        form, value = out_format(eqn), function(x.value)
        # The slack covers the rounding of an exponent of at most 745.
        highest = xp.exp(rate * (x.value + 2 * x.error) + 2.0**-40)
        propagated = _scale(highest, -xp.expm1(-rate * x.error))
        exponent = 0.0 if shift else xp.where(xp.isfinite(x.value), rate * x.high, 0.0)
        return finish(form, value, propagated, _units(name, form, x) + exponent)

    return rule


def _wave(name: str, function: Callable[[Array], Array]) -> Rule:
    """Sin and cos: the measured constant is absolute, since relative accuracy is lost at their zeros."""

    def rule(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
        form = out_format(eqn)
        local = constants_in_use().table[name][form.name] * form.unit
        moved = xp.where(xp.isfinite(x.error), xp.minimum(x.error, 2.0), np.inf)
        return finish(form, function(x.value), moved + local, 0.0)

    return rule


def _log1p_slope(x: Rounded) -> Array:
    low = 1 + x.value - 2 * x.error
    low = low - 2.0**-49 * (1 + xp.abs(x.value) + x.error)
    return xp.where(low > 0, 1 / low, np.inf)


def _cbrt(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    form, low = out_format(eqn), _nearest_zero(x)
    slope = xp.where(low > 0, low ** (-2 / 3) / 3, np.inf)
    propagated = xp.minimum(_scale(slope, x.error), xp.cbrt(4 * x.error))
    return finish(form, xp.cbrt(x.value), propagated, _units("cbrt", form, x))


def _integer_power(form: Format, x: Rounded, n: Array) -> Rounded:
    """Repeated multiplication and, for a negative exponent, a reciprocal."""
    value, size = x.value**n, xp.abs(n)
    nearest = xp.where(n < 0, xp.where(x.low > 0, x.low, np.nan), x.high)
    slope = xp.where(n == 0, 0.0, size * nearest ** (n - 1.0))
    fits = (n >= 0) | (xp.where(x.low > 0, x.low, 0.0) ** size >= form.tiny)
    result = finish(form, value, _scale(slope, x.error), form.gamma(size + 2) / form.unit)
    return Rounded(value, xp.where(fits, result.error, np.inf), form)


def _integer_pow(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    return _integer_power(out_format(eqn), x, xp.asarray(eqn.params["y"], np.float64))


def _pow(eqn: core.JaxprEqn, x: Rounded, y: Rounded | Array) -> Rounded:
    form = out_format(eqn)
    if isinstance(y, np.ndarray):
        result = _integer_power(form, x, y.astype(np.float64))
        extra = form.unit * constants_in_use().table["pow"][form.name] * result.high
        return Rounded(result.value, result.error + extra, form)
    low, high = xp.where(x.value > 0, x.low, np.nan), x.high
    logs = xp.maximum(xp.abs(xp.log(low)), xp.abs(xp.log(high)))
    corners = [base ** (y.value + sign * 2 * y.error) for base in (low, high) for sign in (-1, 1)]
    peak = functools.reduce(xp.maximum, corners)
    propagated = peak * (_scale(y.high / low, x.error) + _scale(logs, y.error))
    # A power may be computed as exp(y log x), whose exponent is rounded.
    units = constants_in_use().table["pow"][form.name] + y.high * logs
    return finish(form, x.value**y.value, propagated, units)


def _gauss(x: Rounded) -> Array:
    return 2 / xp.sqrt(np.pi) * xp.exp(-(_nearest_zero(x) ** 2))


def exp_neg_sq(x: Array) -> Array:
    r"""$e^{-x^2}$ within a few units at every size: the square of a float32 is exact, and the rest is small."""
    near = xp.clip(xp.asarray(x, np.float64), -40.0, 40.0)
    rough = round_to(near, np.float32)
    return xp.exp(-rough * rough) * xp.exp(-(near - rough) * (near + rough))


def _bell_slope(x: Rounded) -> Array:
    return xp.minimum(2 * x.high * xp.exp(-(_nearest_zero(x) ** 2)), xp.sqrt(2 / np.e) * (1 + 2.0**-50))


ELEMENTWISE: Mapping[str, Rule] = {
    "add": _add,
    "add_any": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "square": _square,
    "neg": _exact_function(xp.negative),
    "abs": _exact_function(xp.abs),
    "max": _max,
    "min": _min,
    "clamp": _clamp,
    "exp": _exponential("exp", xp.exp, np.e),
    "exp2": _exponential("exp2", xp.exp2, 2.0),
    "expm1": _exponential("expm1", xp.expm1, np.e, shift=True),
    "log": _smooth("log", xp.log, _inside(xp.reciprocal)),
    "log2": _smooth("log2", xp.log2, _inside(lambda low: 1 / (xp.log(2) * low))),
    "log1p": _smooth("log1p", xp.log1p, _log1p_slope),
    "sqrt": _smooth("sqrt", xp.sqrt, _inside(lambda low: 0.5 / xp.sqrt(low))),
    "rsqrt": _smooth("rsqrt", lambda v: 1 / xp.sqrt(v), _inside(lambda low: 0.5 * low**-1.5)),
    "cbrt": _cbrt,
    "tanh": _smooth("tanh", xp.tanh, lambda x: xp.cosh(_nearest_zero(x)) ** -2.0),
    "logistic": _smooth("logistic", xp.expit, lambda x: 0.25 * xp.cosh(_nearest_zero(x) / 2) ** -2.0),
    "erf": _smooth("erf", xp.erf, _gauss),
    "erfc": _smooth("erfc", xp.erfc, _gauss),
    "exp_neg_sq": _smooth("exp_neg_sq", exp_neg_sq, _bell_slope),
    "sin": _wave("sin", xp.sin),
    "cos": _wave("cos", xp.cos),
    "pow": _pow,
    "integer_pow": _integer_pow,
}
