"""Arrays of exact numbers: what every number system with +, -, * and / shares, whatever its numbers are.

Rationals, prime fields and balls differ in how a constant is lifted, in which functions they know, and in whether they
have an order. Sums, products and contractions are the same for all, written here once with Python's operators.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax import lax
from jax.extend import core

from lrgd_jax.certify.discrete import COMPARISONS, Discrete, UndecidableError, decided, out_dtype
from lrgd_jax.certify.free import FREE, program_behind
from lrgd_jax.certify.jaxpr import Rule, System, UnknownPrimitiveError, source_line, walk
from lrgd_jax.certify.moves import scatter_positions
from lrgd_jax.certify.versions import EXP_NEG_SQ

__all__ = ["RING", "Algebra", "Numbers", "elementwise", "fold"]


class Numbers:
    """An array of numbers of one system."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        # an operation on 0-d object arrays returns the bare number
        self.array: np.ndarray = array if isinstance(array, np.ndarray) else _scalar(array)

    def __repr__(self) -> str:
        return f"Numbers({self.array!r})"


class Algebra(System[Numbers]):
    """A number system with exact +, -, * and /; subclasses say what a number is and which functions it has."""

    functions: Mapping[str, Callable[[Any], Any]] = {}
    """From the name of an elementwise primitive of one argument to what it does to a number."""

    def constant(self, value: int | float) -> Any:
        """A number for a finite Python or NumPy number, exactly; infinities and NaN as the system sees fit."""
        raise NotImplementedError

    def larger(self, x: Any, y: Any) -> Any:
        """The maximum of two numbers."""
        raise NotImplementedError(f"{type(self).__name__} has no order")

    def smaller(self, x: Any, y: Any) -> Any:
        """The minimum of two numbers."""
        return -self.larger(-x, -y)

    def order(self, x: Any, y: Any) -> int | None:
        """-1, 0 or 1 as x is less than, equal to or greater than y; None where that is not decided."""
        raise NotImplementedError(f"{type(self).__name__} has no order")

    def power(self, x: Any, exponent: Any) -> Any:
        """A power whose exponent is a number of the system."""
        raise NotImplementedError(f"{type(self).__name__} has no powers with such exponents")

    def lift(self, value: np.ndarray, dtype: np.dtype) -> Numbers:
        """The exact constants; no rounding of `dtype` is imitated."""
        plain = np.asarray(value)
        if plain.dtype.kind == "c":
            raise NotImplementedError(f"{type(self).__name__} has no complex numbers")
        plain = plain.astype(np.float64) if plain.dtype.kind not in "iub" else plain
        known: dict[Any, Any] = {}
        flat = [self._cached(known, x.item()) for x in plain.ravel()]
        return Numbers(as_objects(flat, plain.shape))

    def _cached(self, known: dict[Any, Any], value: Any) -> Any:
        # -0.0 and 0.0 are one number here, NaN is none
        if value not in known:
            known[value] = self.constant(value)
        return known[value]

    def move(self, function: Callable[..., Any], *elements: Numbers) -> Numbers:
        """The entries are moved as they are."""
        return Numbers(function(np, *(x.array for x in elements)))

    def apply(self, eqn: core.JaxprEqn, inputs: Any) -> list[Any]:
        """Functions of one argument, then the rules that all algebras share, then the system's own."""
        name = eqn.primitive.name
        if name in self.functions:
            function = self.functions[name]
            return [elementwise(lambda x: _at(eqn, function, x), inputs[0])]
        if name in RING and name not in self.rules:
            outputs = _at(eqn, RING[name], self, eqn, *inputs)
            return outputs if eqn.primitive.multiple_results else [outputs]
        return super().apply(eqn, inputs)

    def known_primitives(self) -> set[str]:
        """What the error about an unknown primitive lists."""
        return {*self.rules, *self.functions, *RING}


def _at(eqn: core.JaxprEqn, function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's value; what a system does not have is named with its line."""
    try:
        return function(*arguments)
    except UnknownPrimitiveError:
        raise
    except NotImplementedError as fault:
        kind = UnknownPrimitiveError if type(fault) is NotImplementedError else type(fault)
        raise kind(f"'{eqn.primitive.name}' at {source_line(eqn)}: {fault}") from fault


def _scalar(number: Any) -> np.ndarray:
    array = np.empty((), object)
    array[()] = number
    return array


def as_objects(flat: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """An object array of that shape."""
    array = np.empty(len(flat), object)
    array[:] = flat
    return array.reshape(shape)


def elementwise(function: Callable[..., Any], *elements: Numbers) -> Numbers:
    """A function of numbers at every entry, with NumPy's broadcasting."""
    arrays = np.broadcast_arrays(*(x.array for x in elements))
    flat = [function(*numbers) for numbers in zip(*(x.ravel() for x in arrays), strict=True)]
    return Numbers(as_objects(flat, arrays[0].shape))


def fold(function: Callable[[list[Any]], Any], x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """`function` of the list of all entries along `axes`, for each place of the other axes."""
    kept = [k for k in range(x.ndim) if k not in axes]
    shape = tuple(x.shape[k] for k in kept)
    rows = x.transpose(*kept, *axes).reshape(math.prod(shape), -1) if x.size else x.reshape(math.prod(shape), 0)
    return as_objects([function(list(row)) for row in rows], shape)


def _infix(operation: Callable[[Any, Any], Any]) -> Rule:
    return lambda system, eqn, x, y: Numbers(operation(x.array, y.array))


def _axes(eqn: core.JaxprEqn) -> tuple[int, ...]:
    return tuple(int(a) for a in eqn.params["axes"])


def _reduce_sum(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    return Numbers(np.add.reduce(x.array, axis=_axes(eqn), initial=system.constant(0)))


def _reduce_prod(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    return Numbers(np.multiply.reduce(x.array, axis=_axes(eqn), initial=system.constant(1)))


def _extreme(choose: Callable[[Algebra], Callable[[Any, Any], Any]]) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
        pick = choose(system)

        def of(row: list[Any]) -> Any:
            if not row:
                raise ValueError(f"'{eqn.primitive.name}' at {source_line(eqn)} of nothing has no value")
            largest = row[0]
            for other in row[1:]:
                largest = pick(largest, other)
            return largest

        return Numbers(fold(of, x.array, _axes(eqn)))

    return rule


def _cumulative(operation: np.ufunc) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
        return _accumulate(operation, eqn, x)

    return rule


def _cumulative_extreme(choose: Callable[[Algebra], Callable[[Any, Any], Any]]) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
        return _accumulate(np.frompyfunc(choose(system), 2, 1), eqn, x)

    return rule


def _accumulate(operation: np.ufunc, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    axis, reverse = eqn.params["axis"], eqn.params["reverse"]
    if not x.array.size:
        return x
    flipped = np.flip(x.array, axis) if reverse else x.array
    total = operation.accumulate(flipped, axis=axis, dtype=object)
    return Numbers(np.flip(total, axis) if reverse else total)


def _dot_general(system: Algebra, eqn: core.JaxprEqn, x: Numbers, y: Numbers) -> Numbers:
    (left, right), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    a, b = x.array, y.array
    left_free = [k for k in range(a.ndim) if k not in (*left, *left_batch)]
    right_free = [k for k in range(b.ndim) if k not in (*right, *right_batch)]
    batch = [a.shape[k] for k in left_batch]
    shape = (*batch, *(a.shape[k] for k in left_free), *(b.shape[k] for k in right_free))
    terms = math.prod(a.shape[k] for k in left)
    if not terms or not math.prod(shape):
        return system.lift(np.zeros(shape, np.int64), out_dtype(eqn))
    sizes = math.prod(batch), math.prod(a.shape[k] for k in left_free), math.prod(b.shape[k] for k in right_free)
    first = a.transpose(*left_batch, *left_free, *left).reshape(sizes[0], sizes[1], terms)
    second = b.transpose(*right_batch, *right, *right_free).reshape(sizes[0], terms, sizes[2])
    return Numbers((first @ second).reshape(shape))


def _integer_power(system: Algebra, x: Any, exponent: int) -> Any:
    power, base = system.constant(1), x if exponent >= 0 else system.constant(1) / x
    for _ in range(abs(exponent)):
        power = power * base
    return power


def _integer_pow(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    return elementwise(lambda number: _integer_power(system, number, int(eqn.params["y"])), x)


def _pow(system: Algebra, eqn: core.JaxprEqn, x: Numbers, y: Numbers | np.ndarray) -> Numbers:
    if isinstance(y, Numbers):
        return elementwise(system.power, x, y)
    return elementwise(lambda a, n: _integer_power(system, a, int(n)), x, Numbers(y.astype(object)))


def _clamp(system: Algebra, eqn: core.JaxprEqn, low: Numbers, x: Numbers, high: Numbers) -> Numbers:
    return elementwise(lambda a, b, c: system.smaller(system.larger(b, a), c), low, x, high)


def _scatter_add(system: Algebra, eqn: core.JaxprEqn, x: Numbers, indices: np.ndarray, updates: Numbers) -> Numbers:
    total = list(x.array.ravel())
    for place, update in zip(scatter_positions(eqn, indices).ravel(), updates.array.ravel(), strict=True):
        if place < len(total):
            total[place] = total[place] + update
    return Numbers(as_objects(total, x.array.shape))


def _comparison(holds: np.ufunc) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers, y: Numbers) -> Discrete:
        return compare(system, holds, x, y)

    return rule


def compare(system: Algebra, holds: np.ufunc, x: Numbers, y: Numbers) -> Discrete:
    """A comparison entry by entry; open where the system cannot order two numbers and both outcomes may be."""
    arrays = np.broadcast_arrays(x.array, y.array)
    orders = [system.order(a, b) for a, b in zip(arrays[0].ravel(), arrays[1].ravel(), strict=True)]
    values = [bool(holds(0 if order is None else order, 0)) for order in orders]
    shape = arrays[0].shape
    return decided(np.array(values, bool).reshape(shape), np.array([o is None for o in orders], bool).reshape(shape))


def _sign(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    def of(number: Any) -> Any:
        order = system.order(number, system.constant(0))
        if order is None:
            raise UndecidableError(
                f"'sign' at {source_line(eqn)}: a number may be zero or not; more precision may decide it"
            )
        return system.constant(order)

    return elementwise(of, x)


def _convert(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers | Discrete:
    """Between floating formats nothing happens to a number; to a boolean it is a comparison with zero."""
    target = np.dtype(eqn.params["new_dtype"])
    if target == np.bool_:
        return compare(system, np.not_equal, x, Numbers(system.constant(0)))
    if target.kind in "iu":
        raise UnknownPrimitiveError(
            f"{type(system).__name__} does not cut numbers to integers ('convert_element_type' at {source_line(eqn)})"
        )
    return x


def _sort(system: Algebra, eqn: core.JaxprEqn, x: Numbers, *others: Any) -> list[Numbers]:
    """An odd-even network of minima and maxima, which every system with an order can evaluate."""
    if others:
        raise UnknownPrimitiveError(
            f"{type(system).__name__} sorts one array; 'sort' at {source_line(eqn)} carries others along"
        )
    rows = list(np.moveaxis(x.array, eqn.params["dimension"], 0))
    for start in itertools.islice(itertools.cycle((0, 1)), len(rows)):
        for k in range(start, len(rows) - 1, 2):
            a, b = Numbers(rows[k]), Numbers(rows[k + 1])
            rows[k], rows[k + 1] = elementwise(system.smaller, a, b).array, elementwise(system.larger, a, b).array
    return [Numbers(np.moveaxis(np.stack(rows), 0, eqn.params["dimension"]))] if rows else [x]


def _free(system: Algebra, eqn: core.JaxprEqn, *inputs: Any) -> list[Any]:
    """The function behind a free one, which only symbols may leave open."""
    return walk(program_behind(eqn), system, inputs)


def _exp_neg_sq(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    return system.apply(eqn.replace(primitive=lax.exp_p), [Numbers(-(x.array * x.array))])[0]


RING: Mapping[str, Rule] = {
    FREE: _free,
    "add": _infix(lambda x, y: x + y),
    "add_any": _infix(lambda x, y: x + y),
    "sub": _infix(lambda x, y: x - y),
    "mul": _infix(lambda x, y: x * y),
    "div": _infix(lambda x, y: x / y),
    "neg": lambda system, eqn, x: Numbers(-x.array),
    "square": lambda system, eqn, x: Numbers(x.array * x.array),
    "integer_pow": _integer_pow,
    "pow": _pow,
    "max": lambda system, eqn, x, y: elementwise(system.larger, x, y),
    "min": lambda system, eqn, x, y: elementwise(system.smaller, x, y),
    "clamp": _clamp,
    "sign": _sign,
    "dot_general": _dot_general,
    "reduce_sum": _reduce_sum,
    "reduce_prod": _reduce_prod,
    "reduce_max": _extreme(lambda system: system.larger),
    "reduce_min": _extreme(lambda system: system.smaller),
    "cumsum": _cumulative(np.add),
    "cumprod": _cumulative(np.multiply),
    "cummax": _cumulative_extreme(lambda system: system.larger),
    "cummin": _cumulative_extreme(lambda system: system.smaller),
    "scatter-add": _scatter_add,
    "scatter_add": _scatter_add,
    "sort": _sort,
    "convert_element_type": _convert,
    "reduce_precision": lambda system, eqn, x: x,
    EXP_NEG_SQ.name: _exp_neg_sq,
    **{name: _comparison(ufunc) for name, ufunc in COMPARISONS.items()},
}
"""Rules `rule(system, eqn, *inputs)` that need nothing but the system's arithmetic and, for some, its order."""
