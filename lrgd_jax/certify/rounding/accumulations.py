"""Sums, products and extremes that build up: along an axis, or in the entries that a scatter writes to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.rounding.constants import constants_in_use
from lrgd_jax.certify.rounding.contractions import relative_error, rounded_product
from lrgd_jax.certify.rounding.formats import out_format
from lrgd_jax.certify.rounding.rounded_numbers import Rounded, finish
from lrgd_jax.certify.walking.array_namespace import Accumulating, xp
from lrgd_jax.certify.walking.data_movement import scatter_positions

__all__ = ["ACCUMULATIONS"]

Array = np.ndarray


def _along(eqn: core.JaxprEqn) -> Callable[[Accumulating, Array], Array]:
    axis, reverse = eqn.params["axis"], eqn.params["reverse"]

    def accumulate(function: Accumulating, x: Array) -> Array:
        total = function.accumulate(xp.flip(x, axis) if reverse else x, axis=axis)
        return xp.flip(total, axis) if reverse else total

    return accumulate


def _cumsum(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    along, form, terms = _along(eqn), out_format(eqn), x.value.shape[eqn.params["axis"]]
    magnitude = along(xp.add, x.high)
    propagated, peak = along(xp.add, x.error) + form.gamma(terms) * magnitude, magnitude * (1 + form.gamma(terms))
    absolute = terms * (magnitude > 0)
    return finish(form, along(xp.add, x.value), propagated, 0.0, absolute=absolute, peak=peak, terms=terms)


def _cumprod(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    along, terms = _along(eqn), x.value.shape[eqn.params["axis"]]
    room, high = along(xp.multiply, xp.maximum(x.high, 1)), along(xp.multiply, x.high)
    return rounded_product(
        out_format(eqn), along(xp.multiply, x.value), high, along(xp.add, relative_error(x)), room, terms
    )


def _cummax(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    along = _along(eqn)
    value, error = along(xp.maximum, x.value), along(xp.maximum, x.error)
    # two subnormal numbers may be taken for equal, and the smaller one passed on
    misplaced = xp.where(value - 2 * error < x.format.tiny, 2 * along(xp.maximum, x.below), 0.0)
    return Rounded(value, error + misplaced, x.format)


def _cummin(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    largest = _cummax(eqn, Rounded(-x.value, x.error, x.format))
    return Rounded(-largest.value, largest.error, x.format)


def _cumlogsumexp(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    along, form, terms = _along(eqn), out_format(eqn), x.value.shape[eqn.params["axis"]]
    constants = constants_in_use().table
    # At most `terms` steps max + log1p(exp(-|difference|)), of this magnitude and their errors. The exponential is at
    # most one, the rounding of the difference d costs it d exp(-d) < 1/2 unit, the logarithm is less than one and its
    # slope at most one. A step passes its operands' errors on with weights whose sum is one.
    magnitude = along(xp.maximum, x.high) + math.log(terms + 1) + 1
    units = 2 + constants["exp"][form.name] + constants["log1p"][form.name]
    propagated = along(xp.maximum, x.error) + form.gamma(terms) * (units + magnitude)
    return finish(form, along(xp.logaddexp, x.value), propagated, 0.0, absolute=terms, terms=64 * terms)


class _Scattered:
    """What a scatter does to the entries of an array, for any operation."""

    def __init__(self, eqn: core.JaxprEqn, shape: tuple[int, ...], indices: Array) -> None:
        self.places = scatter_positions(eqn, indices).ravel()
        self.shape, self.size = shape, math.prod(shape)

    def __call__(self, function: Accumulating, start: Array, updates: Array) -> Array:
        """The entries after all updates; those that are dropped go to a place behind the last one."""
        total = xp.append(xp.broadcast_to(start, self.shape).ravel(), 0.0)
        total = function.scatter(total, self.places, xp.ravel(updates))
        return total[: self.size].reshape(self.shape)

    @property
    def count(self) -> Array:
        """How many updates an entry gets."""
        return self(xp.add, xp.zeros(self.shape), xp.ones(self.places.shape))


def _scatter_add(eqn: core.JaxprEqn, x: Rounded, indices: Array, updates: Rounded) -> Rounded:
    form, total = out_format(eqn), _Scattered(eqn, x.value.shape, indices)
    count = total.count
    magnitude = total(xp.add, x.high, updates.high)
    propagated = total(xp.add, x.error, updates.error) + form.gamma(count + 1) * magnitude * (count > 0)
    absolute, peak = count * (magnitude > 0), magnitude * (1 + form.gamma(count + 1))
    value = total(xp.add, x.value, updates.value)
    return finish(form, value, propagated, 0.0, absolute=absolute, peak=peak, terms=total.places.size)


def _scatter_sub(eqn: core.JaxprEqn, x: Rounded, indices: Array, updates: Rounded) -> Rounded:
    return _scatter_add(eqn, x, indices, Rounded(-updates.value, updates.error, updates.format))


def _scatter_mul(eqn: core.JaxprEqn, x: Rounded, indices: Array, updates: Rounded) -> Rounded:
    total = _Scattered(eqn, x.value.shape, indices)
    count = total.count
    high, room = (
        total(xp.multiply, a, b)
        for a, b in ((x.high, updates.high), (xp.maximum(x.high, 1), xp.maximum(updates.high, 1)))
    )
    relative = total(xp.add, relative_error(x), relative_error(updates))
    value = total(xp.multiply, x.value, updates.value)
    result = rounded_product(out_format(eqn), value, high, relative, room, count + 1)
    return Rounded(value, xp.where(count > 0, result.error, x.error), x.format)


def _scatter_extreme(function: Accumulating) -> Callable[..., Rounded]:
    def rule(eqn: core.JaxprEqn, x: Rounded, indices: Array, updates: Rounded) -> Rounded:
        total = _Scattered(eqn, x.value.shape, indices)
        value, error = total(function, x.value, updates.value), total(xp.maximum, x.error, updates.error)
        # the larger of two numbers that each move by at most e moves by at most e
        return Rounded(value, error, x.format)

    return rule


_SCATTERS: Mapping[str, Callable[..., Any]] = {
    "add": _scatter_add,
    "sub": _scatter_sub,
    "mul": _scatter_mul,
    "max": _scatter_extreme(xp.maximum),
    "min": _scatter_extreme(xp.minimum),
}

ACCUMULATIONS: Mapping[str, Callable[..., Any]] = {
    "cumsum": _cumsum,
    "cumprod": _cumprod,
    "cummax": _cummax,
    "cummin": _cummin,
    "cumlogsumexp": _cumlogsumexp,
    # releases spell the name in either way
    **{f"scatter{dash}{name}": rule for dash in "-_" for name, rule in _SCATTERS.items()},
}
"""From a primitive to `rule(eqn, *operands)`."""
