"""Rules `rule(system, eqn, *inputs)` of arithmetic on whole arrays."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.fields.whole_arrays import NAN, NUMBER, Whole, numbers, refuse_infinite
from lrgd_jax.certify.tracing.free_functions import FREE, core_ranks
from lrgd_jax.certify.tracing.jax_versions import DET, EXP_NEG_SQ
from lrgd_jax.certify.walking.data_movement import scatter_positions, shape_of
from lrgd_jax.certify.walking.discrete import COMPARISONS, out_dtype
from lrgd_jax.certify.walking.system import Rule, is_floating

if TYPE_CHECKING:
    from lrgd_jax.certify.fields.array_algebra import ArrayAlgebra

__all__ = ["RULES"]


def _axes(eqn: core.JaxprEqn) -> tuple[int, ...]:
    return tuple(int(axis) for axis in eqn.params["axes"])


def _pow(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number, y: Number) -> Number:
    return system.power(x, y) if isinstance(y, Whole) else numbers(x).powers(np.asarray(y))


def _reduce_sum(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number) -> Number:
    if x.kinds is None:
        return system.total(x, _axes(eqn))
    refuse_infinite(x)
    return system.total(x.of_kinds(None), _axes(eqn)).of_kinds(x.kinds.min(axis=_axes(eqn)))


def _along(*, products: bool) -> Rule:
    def rule(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number) -> Number:
        axis, reverse = eqn.params["axis"], eqn.params["reverse"]
        turned = _flipped(system, numbers(x), axis) if reverse else numbers(x)
        partial = system.accumulated(turned, axis, products=products)
        return _flipped(system, partial, axis) if reverse else partial

    return rule


def _flipped(system: ArrayAlgebra, x: Number, axis: int) -> Number:
    return system.move(lambda xp, a: xp.flip(a, axis), x)


def _extreme(name: str) -> Rule:
    return lambda system, eqn, x: system.extreme_along(name, x, *_axes(eqn))


def _scatter_add(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number, indices: np.ndarray, updates: Number) -> Number:
    return system.scattered(numbers(x), scatter_positions(eqn, indices), numbers(updates))


def _comparison(holds: np.ufunc) -> Rule:
    """Of constants, and of what is infinite; a number beside itself is the question whether it is one."""

    def rule(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number, y: Number) -> np.ndarray:
        a, b = np.broadcast_arrays(x.all_kinds, y.all_kinds)
        places, same = holds(a, b), (a == NUMBER) & (b == NUMBER)
        if eqn.invars[0] is not eqn.invars[1] and same.any():
            if x.plain is None or y.plain is None:
                raise OrderError("the program compares numbers, and a prime field has no order")
            places = np.where(same, holds(x.plain, y.plain), places)
        return np.where((a == NAN) | (b == NAN), holds is np.not_equal, places)

    return rule


def _convert(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number) -> Number:
    if np.dtype(eqn.params["new_dtype"]).kind in "iub":
        raise OrderError("a prime field does not cut numbers to integers, and does not know which are zero")
    return x


def _dot_general(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number, y: Number) -> Number:
    (left, right), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    shape, terms = shape_of(eqn.outvars[0]), math.prod(x.shape[k] for k in left)
    if not math.prod(shape) or not terms:
        return system.lift(np.zeros(shape, np.int64), out_dtype(eqn))
    batch = math.prod(x.shape[k] for k in left_batch)
    orders = (
        (*left_batch, *_others(x, (*left, *left_batch)), *left),
        (*right_batch, *right, *_others(y, (*right, *right_batch))),
    )
    sizes = (batch, -1, terms), (batch, terms, -1)

    def matrices(k: int) -> Callable[[ModuleType, Any], Any]:
        return lambda xp, a: a.transpose(orders[k]).reshape(sizes[k])

    return system.contract(numbers(x), numbers(y), shape, (matrices(0), matrices(1)))


def _others(x: Whole, axes: tuple[int, ...]) -> list[int]:
    return [k for k in range(len(x.shape)) if k not in axes]


def _triangular_solve(system: ArrayAlgebra, eqn: core.JaxprEqn, a: Number, b: Number) -> Number:
    p = eqn.params
    left, lower = p["left_side"], p["lower"]

    def swapped(x: Number) -> Number:
        return system.move(lambda xp, m: m.swapaxes(-1, -2), x)

    # x a = b is a' x' = b'
    matrix, right = (a, b) if left else (swapped(a), swapped(b))
    lower = lower == left
    if p["transpose_a"]:
        matrix, lower = swapped(matrix), not lower
    solution = system.solved(numbers(matrix), numbers(right), lower=lower, unit=p["unit_diagonal"])
    return solution if left else swapped(solution)


def _free(system: ArrayAlgebra, eqn: core.JaxprEqn, *inputs: Number) -> list[Number]:
    """Free functions of rows: equal rows have equal images, everything else is independent."""
    if not all(is_floating(var) for var in eqn.outvars):
        raise OrderError("a free function that returns integers or booleans has no value in a field")
    arrays = [x if isinstance(x, Whole) else system.lift(x, x.dtype) for x in inputs]
    batch = len(arrays[0].shape) - core_ranks(eqn)[0]
    count = math.prod(arrays[0].shape[:batch])
    name = f"free {system.number_of(eqn.params['function'])} {[x.shape[batch:] for x in arrays]}"
    flat = [system.move(lambda xp, a: a.reshape(count, a.size // max(count, 1)), numbers(x)) for x in arrays]
    rows = system.move(lambda xp, *a: xp.concatenate(a, axis=1), *flat)
    return [_images(system, f"{name} {k}", rows, shape_of(var), batch) for k, var in enumerate(eqn.outvars)]


def _images(system: ArrayAlgebra, name: str, rows: Number, shape: tuple[int, ...], batch: int) -> Number:
    results = math.prod(shape[batch:])
    system.calls += rows.shape[0] * results
    return system.move(lambda xp, a: a.reshape(shape), system.of_rows(name, rows, results))


def _determinant(system: ArrayAlgebra, eqn: core.JaxprEqn, x: Number) -> Number:
    """The sum over all orders, of three columns at most."""
    orders = itertools.permutations(range(x.shape[-1]))

    def entry(row: int, column: int) -> Number:
        return system.move(lambda xp, a: a[..., row, column], x)

    def product(columns: tuple[int, ...]) -> Number:
        entries: list[Number] = [
            system.move(lambda xp, a, place=place: a[(..., *place)], x) for place in enumerate(columns)
        ]
        return functools.reduce(operator.mul, entries)

    terms = ((_is_odd(columns), product(columns)) for columns in orders)
    return functools.reduce(operator.add, (-term if odd else term for odd, term in terms))


def _is_odd(order: tuple[int, ...]) -> bool:
    return sum(a > b for a, b in itertools.combinations(order, 2)) % 2 == 1


def _of_two(name: str) -> Rule:
    return lambda system, eqn, x, y: system.asked(name, x, y)


RULES: Mapping[str, Rule] = {
    FREE: _free,
    **dict.fromkeys(("add", "add_any"), lambda system, eqn, x, y: x + y),
    "sub": lambda system, eqn, x, y: x - y,
    "mul": lambda system, eqn, x, y: x * y,
    "div": lambda system, eqn, x, y: x / y,
    "neg": lambda system, eqn, x: -x,
    "square": lambda system, eqn, x: x * x,
    "integer_pow": lambda system, eqn, x: numbers(x).powers(np.array(int(eqn.params["y"]))),
    "pow": _pow,
    "max": lambda system, eqn, x, y: system.larger(x, y),
    "min": lambda system, eqn, x, y: system.smaller(x, y),
    "clamp": lambda system, eqn, low, x, high: system.smaller(system.larger(x, low), high),
    "dot_general": _dot_general,
    "reduce_sum": _reduce_sum,
    "reduce_max": _extreme("max"),
    "reduce_min": _extreme("min"),
    "cumsum": _along(products=False),
    "cumprod": _along(products=True),
    **{f"scatter{dash}add": _scatter_add for dash in "-_"},
    **{name: _comparison(ufunc) for name, ufunc in COMPARISONS.items()},
    "is_finite": lambda system, eqn, x: x.all_kinds == NUMBER,
    "convert_element_type": _convert,
    "reduce_precision": lambda system, eqn, x: x,
    "round": lambda system, eqn, x: system.asked(f"round {int(eqn.params['rounding_method'])}", x),
    **{name: _of_two(name) for name in ("atan2", "rem")},
    "triangular_solve": _triangular_solve,
    "lu": lambda system, eqn, x: system.factorised(numbers(x)),
    DET.name: _determinant,
    EXP_NEG_SQ.name: lambda system, eqn, x: system.functions["exp"](-(x * x)),
}
"""From a primitive to its rule; functions of one argument are the system's."""
