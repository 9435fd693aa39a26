"""Where rounded numbers become integers, booleans or other formats: comparisons, rounding to integers, conversions.

A decision counts as made only if the exact and the computed operands, both within `2 e` of `value`, agree on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.rounding.formats import Format, format_of, out_format
from lrgd_jax.certify.rounding.rounded_numbers import ROUNDING, Rounded, finish
from lrgd_jax.certify.walking.array_namespace import round_to, xp
from lrgd_jax.certify.walking.data_movement import along
from lrgd_jax.certify.walking.discrete import COMPARISONS, Discrete, UndecidableError, concrete, decided, refuse_traced
from lrgd_jax.certify.walking.expansions import is_dropped

Array = np.ndarray
Rule = Callable[..., Any]


def _sign(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    open_ = ~(xp.abs(x.value) > 2 * x.error) & ~((x.value == 0) & (x.error == 0))
    error = xp.where(xp.isfinite(x.error), xp.where(open_, 2.0, 0.0), np.inf)
    return Rounded(xp.sign(x.value), error, x.format)


def _integral(function: Callable[[Array], Array]) -> Rule:
    """Floor, ceiling, rounding: exact if the whole interval has one image, else off by the interval and one."""

    def rule(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
        same = function(x.value - 3 * x.error) == function(x.value + 3 * x.error)
        return Rounded(function(x.value), xp.where(same, 0.0, 2 * x.error + 1), x.format)

    return rule


def _round(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    away = int(eqn.params["rounding_method"]) == 0
    return _integral(_half_away if away else xp.rint)(eqn, x)


def _half_away(x: Array) -> Array:
    """Nearest integers, halves away from zero. Adding a half and cutting would itself round beyond 2^52."""
    whole = xp.floor(xp.abs(x))
    return xp.copysign(whole + (xp.abs(x) - whole >= 0.5), x)


def _convert(eqn: core.JaxprEqn, x: Rounded) -> Rounded | Discrete:
    target = np.dtype(eqn.params["new_dtype"])
    if target == np.bool_:
        return _compare(xp.not_equal, x, Rounded(xp.zeros(()), xp.zeros(()), x.format))
    if target.kind in "iu":
        low, high = xp.trunc(x.value - 3 * x.error), xp.trunc(x.value + 3 * x.error)
        refuse_traced(low, f"a conversion to {target}")
        limits = np.iinfo(target)
        if not ((low >= limits.min).all() and (high <= limits.max).all()):
            raise UndecidableError(
                f"a conversion to {target} of numbers from {low.min():g} to {high.max():g} leaves its range, where "
                "platforms differ; choose smaller inputs or a wider integer"
            )
        if not xp.array_equal(low, high):
            raise UndecidableError(
                f"a conversion to {target} cuts numbers whose rounding errors reach over an integer; choose inputs "
                "away from integers, or use a wider dtype"
            )
        return low.astype(target)
    form = format_of(target)
    rounds, flushes = form.unit > x.format.unit, form.tiny > x.format.tiny
    result = finish(form, x.value, x.error, ROUNDING * rounds, absolute=float(flushes))
    same = (round_to(x.value, target) == x.value) & (x.error == 0) & ((x.value == 0) | (xp.abs(x.value) >= form.tiny))
    return Rounded(x.value, xp.where(same, 0.0, result.error), form)


def _reduce_precision(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    exponent, mantissa = eqn.params["exponent_bits"], eqn.params["mantissa_bits"]
    form, bias = out_format(eqn), 2 ** (exponent - 1) - 1
    narrow = Format(form.name, 2.0 ** -(mantissa + 1), 2.0 ** (1 - bias), (2 - 2.0**-mantissa) * 2.0**bias)
    return Rounded(x.value, finish(narrow, x.value, x.error, 1.0).error, form)


def _compare(compare: Callable[..., Any], x: Rounded, y: Rounded) -> Discrete:
    margin = 2 * (x.error + y.error)
    apart = xp.abs(x.value - y.value) > margin * (1 + 2.0**-40)
    value = xp.asarray(compare(x.value, y.value))
    return decided(value, xp.broadcast_to(~(apart | (margin == 0)), value.shape))


def _comparison(compare: Callable[..., Any]) -> Rule:
    def rule(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Discrete:
        return _with_itself(compare, x) if eqn.invars[0] is eqn.invars[1] else _compare(compare, x, y)

    return rule


def _with_itself(compare: Callable[..., Any], x: Rounded) -> Discrete:
    """A number is equal to itself, and NaN is not: that is how a program asks for NaN."""
    return decided(xp.asarray(compare(x.value, x.value)), ~xp.isfinite(x.error))


def _remainder(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    """Of the quotient cut towards zero; a platform computes it without rounding."""
    form, value = out_format(eqn), xp.fmod(x.value, y.value)
    quotient, moved = x.value / y.value, 2 * (x.error + xp.abs(x.value / y.value) * y.error) / y.low
    slack = moved * (1 + 2.0**-40) + 2.0**-50 * xp.abs(quotient)
    whole = xp.trunc(quotient)
    same = (xp.trunc(quotient - slack) == whole) & (xp.trunc(quotient + slack) == whole) & (y.low > 0)
    # both remainders are smaller than the divisor
    anywhere = xp.where(y.low > 0, 2 * xp.minimum(x.high, y.high), np.inf)
    propagated = xp.where(same, x.error + xp.abs(whole) * y.error, anywhere)
    propagated = xp.where((x.error == 0) & (y.error == 0) & (y.value != 0), 0.0, propagated)
    flushed = (xp.abs(value) - 2 * propagated < form.tiny) & ((value != 0) | (propagated > 0))
    return finish(form, value, propagated, 0.0, absolute=flushed)


def _is_finite(eqn: core.JaxprEqn, x: Rounded) -> Discrete:
    return decided(xp.isfinite(x.value), ~xp.isfinite(x.error))


def _sort(eqn: core.JaxprEqn, x: Rounded, *others: Any) -> list[Any]:
    """The k-th smallest of numbers that each move by at most e moves by at most e.

    A comparison that flushes subnormal numbers puts them among the zeros in any order: the keys move by that much more,
    and what is put there differs from its key by as much again.
    """
    if others and not (eqn.params["num_keys"] == 1 and all(is_dropped(var) for var in eqn.outvars[1:])):
        return _sort_along(eqn, (x, *others))
    axis = eqn.params["dimension"]
    error = xp.broadcast_to(x.error, x.value.shape)
    flushed = 2 * x.format.tiny * ((x.low < x.format.tiny) & (x.high > 0))
    largest = xp.max(error + flushed, axis=axis, keepdims=True, initial=0.0)
    return [Rounded(xp.sort(x.value, axis=axis), xp.broadcast_to(largest, x.value.shape), x.format), *others]


def _sort_along(eqn: core.JaxprEqn, operands: Sequence[Any]) -> list[Any]:
    """Other arrays are carried along: the order of the keys must be decided, equal ones in the order they stand in."""
    axis = eqn.params["dimension"]
    keys = [concrete(k, "a key of 'sort'") for k in operands[: eqn.params["num_keys"]]]
    refuse_traced([k.value for k in keys if isinstance(k, Rounded)], "a sort that carries other arrays along")
    values = [xp.moveaxis(k.value if isinstance(k, Rounded) else k, axis, -1) for k in keys]
    places = xp.moveaxis(xp.lexsort(values[::-1], axis=-1), -1, axis)
    move = along(axis, places)
    undecided = xp.ones(xp.take(places, range(1, places.shape[axis]), axis).shape, bool)
    for key in keys:
        error = key.error if isinstance(key, Rounded) else xp.zeros(key.shape)
        value = key.value if isinstance(key, Rounded) else key
        gap, margin = xp.diff(move(np, value), axis=axis), 2 * _neighbours(move(np, error), axis)
        if (undecided & ~((gap > margin * (1 + 2.0**-40)) | (margin == 0))).any():
            raise UndecidableError(
                "a sort that carries other arrays along orders numbers that lie within their rounding errors; choose "
                "inputs without near ties, or use a wider dtype"
            )
        undecided = undecided & (gap == 0)
    return [
        Rounded(move(np, x.value), move(np, x.error), x.format)
        if isinstance(x, Rounded)
        else move(np, concrete(x, "a sort"))
        for x in operands
    ]


def _neighbours(error: Array, axis: int) -> Array:
    """Sums of the errors of entries that stand beside each other."""
    moved = xp.moveaxis(error, axis, -1)
    return xp.moveaxis(moved[..., 1:] + moved[..., :-1], -1, axis)


DECISIONS: Mapping[str, Rule] = {
    **{name: _comparison(getattr(xp, ufunc.__name__)) for name, ufunc in COMPARISONS.items()},
    "sign": _sign,
    "floor": _integral(xp.floor),
    "ceil": _integral(xp.ceil),
    "round": _round,
    "rem": _remainder,
    "convert_element_type": _convert,
    "reduce_precision": _reduce_precision,
    "is_finite": _is_finite,
    "sort": _sort,
}
