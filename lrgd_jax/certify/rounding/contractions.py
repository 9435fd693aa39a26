r"""Sums and products of many terms: XLA chooses the order, the fusing and the blocking, the bounds hold for all.

A sum of $n$ products in any order, with or without fused multiply-add, loses at most $\gamma_n \sum |a||b|$ (Higham
2002, section 3.1). bfloat16 contractions accumulate in float32 and round once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.rounding.formats import Format, format_of, out_format
from lrgd_jax.certify.rounding.rounded_numbers import ROUNDING, Rounded, finish
from lrgd_jax.certify.walking.array_namespace import is_traced, may_be_nonzero, xp
from lrgd_jax.certify.walking.discrete import UndecidableError, out_dtype, refuse_traced

Array = np.ndarray


def _axes(eqn: core.JaxprEqn) -> tuple[int, ...]:
    return tuple(int(a) for a in eqn.params["axes"])


def _as_matrices(
    x: Array, contracted: tuple[int, ...], batch: tuple[int, ...], last: bool
) -> tuple[Array, tuple[int, ...]]:
    """`x` as [batch, free, contracted] (`last`) or [batch, contracted, free], and its free shape."""
    free = [k for k in range(x.ndim) if k not in (*contracted, *batch)]
    shape = tuple(x.shape[k] for k in free)
    sizes = [math.prod(x.shape[k] for k in batch), math.prod(shape), math.prod(x.shape[k] for k in contracted)]
    order = (*batch, *free, *contracted) if last else (*batch, *contracted, *free)
    sizes = sizes if last else [sizes[0], sizes[2], sizes[1]]
    moved = x.transpose(order)
    return (moved if is_traced(moved) else np.ascontiguousarray(moved)).reshape(sizes), shape


def _dot_general(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    (left, right), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    form = out_format(eqn)
    a, left_free = _as_matrices(x.value, left, left_batch, last=True)
    b, right_free = _as_matrices(y.value, right, right_batch, last=False)
    a_error, _ = _as_matrices(x.error, left, left_batch, last=True)
    b_error, _ = _as_matrices(y.error, right, right_batch, last=False)
    a_high, b_high = xp.abs(a) + 2 * a_error, xp.abs(b) + 2 * b_error
    terms = a.shape[-1]
    accumulator = _accumulator(x.format, y.format, form)
    magnitude = a_high @ b_high
    # an operand of a finer format may be rounded to the accumulator's before it is multiplied
    narrowed = ROUNDING * accumulator.unit * sum(f.unit < accumulator.unit for f in (x.format, y.format))
    propagated = (accumulator.gamma(terms) + narrowed * (2 + narrowed)) * magnitude
    if may_be_nonzero(b_error):
        propagated = propagated + a_high @ b_error
    if may_be_nonzero(a_error):
        propagated = propagated + a_error @ b_high
    rounds_again = ROUNDING if form.unit > accumulator.unit else 0.0
    peak = magnitude * (1 + accumulator.gamma(terms))
    result = finish(form, a @ b, propagated, rounds_again, absolute=terms, peak=peak, terms=terms)
    shape = (*(x.value.shape[k] for k in left_batch), *left_free, *right_free)
    return Rounded(result.value.reshape(shape), result.error.reshape(shape), form)


def _accumulator(x: Format, y: Format, out: Format) -> Format:
    """The coarsest format in which the products may be summed: at least float32 where all are narrower."""
    formats = (x, y, out)
    if all(f.name == "bfloat16" for f in formats):
        return format_of(np.float32)
    if x == y and out.unit >= x.unit:
        return format_of(np.float32) if x.name == "bfloat16" else x
    known = [f for f in formats if f.name in ("float32", "float64")]
    return max(known or formats, key=lambda f: f.unit)


def _reduce_sum(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    axes, form = _axes(eqn), out_format(eqn)
    terms = math.prod(x.value.shape[k] for k in axes)
    magnitude = x.high.sum(axis=axes)
    propagated, peak = x.error.sum(axis=axes) + form.gamma(terms) * magnitude, magnitude * (1 + form.gamma(terms))
    absolute = terms * (magnitude > 0)
    return finish(form, x.value.sum(axis=axes), propagated, 0.0, absolute=absolute, peak=peak, terms=terms)


def rounded_product(
    form: Format, value: Array, high: Array, relative: Array, room: Array, terms: Array | int
) -> Rounded:
    """A product of so many factors, of which `high` bounds the magnitude and `room` that of every partial product."""
    propagated = xp.where(high > 0, high * (relative + form.gamma(terms)), 0.0)
    peak = room * (1 + form.gamma(terms))
    return finish(form, value, propagated, 0.0, absolute=terms * room, peak=peak, terms=terms)


def relative_error(x: Rounded) -> Array:
    """The error in units of the largest magnitude that a number may have."""
    return xp.where(x.error == 0, 0.0, x.error / x.high)


def _reduce_prod(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    axes = _axes(eqn)
    terms = math.prod(x.value.shape[k] for k in axes)
    # A partial product that is flushed to zero is multiplied by all the factors that are still to come.
    room = xp.maximum(x.high, 1).prod(axis=axes)
    high, relative = x.high.prod(axis=axes), relative_error(x).sum(axis=axes)
    return rounded_product(out_format(eqn), x.value.prod(axis=axes), high, relative, room, terms)


def _reduce_max(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    axes = _axes(eqn)
    if not axes:
        return x
    # Only entries that may be the largest count, or a masked entry would spoil the rest.
    threshold = (x.value - 2 * x.error).max(axis=axes, keepdims=True)
    error = xp.where(x.value + 2 * x.error < threshold, 0.0, x.error)
    # two subnormal numbers may be taken for equal, and the smaller one passed on
    value, error = x.value.max(axis=axes), error.max(axis=axes)
    misplaced = xp.where(value - 2 * error < x.format.tiny, 2 * x.below.max(axis=axes), 0.0)
    return Rounded(value, error + misplaced, x.format)


def _reduce_min(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    largest = _reduce_max(eqn, Rounded(-x.value, x.error, x.format))
    return Rounded(-largest.value, largest.error, x.format)


def _argmax(eqn: core.JaxprEqn, x: Rounded) -> Array:
    return _extreme_place(eqn, x, x.value)


def _argmin(eqn: core.JaxprEqn, x: Rounded) -> Array:
    return _extreme_place(eqn, x, -x.value)


def _extreme_place(eqn: core.JaxprEqn, x: Rounded, value: Array) -> Array:
    refuse_traced(value, f"'{eqn.primitive.name}'")
    (axis,) = eqn.params["axes"]
    place = value.argmax(axis=axis)
    at = xp.expand_dims(place, axis)
    top, slack = xp.take_along_axis(value, at, axis), xp.take_along_axis(x.error, at, axis)
    others = xp.arange(value.shape[axis]).reshape([-1 if k == axis else 1 for k in range(value.ndim)]) != at
    margin = 2 * (x.error + slack)
    decided = (top - value > margin * (1 + 2.0**-40)) | (margin == 0)
    if (others & ~decided).any():
        raise UndecidableError(
            f"'{eqn.primitive.name}' chooses between entries that lie within their rounding errors; choose inputs "
            "without near ties, or use a wider dtype"
        )
    return place.astype(out_dtype(eqn))


CONTRACTIONS: Mapping[str, Callable[..., Any]] = {
    "dot_general": _dot_general,
    "reduce_sum": _reduce_sum,
    "reduce_prod": _reduce_prod,
    "reduce_max": _reduce_max,
    "reduce_min": _reduce_min,
    "argmax": _argmax,
    "argmin": _argmin,
}
