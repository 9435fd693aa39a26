"""Rules that every exact number system shares: sums, products and contractions, written with Python's operators."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jax import lax
from jax.extend import core

from lrgd_jax.certify.exact.arrays import Number, Numbers, as_objects, elementwise, fold
from lrgd_jax.certify.exact.fourier import transform
from lrgd_jax.certify.exact.linear_algebra import DECOMPOSITIONS
from lrgd_jax.certify.exact.ordering import ORDERING
from lrgd_jax.certify.tracing.free_functions import FREE, program_behind
from lrgd_jax.certify.tracing.jax_versions import DET, EXP_NEG_SQ
from lrgd_jax.certify.tracing.source_lines import source_line
from lrgd_jax.certify.walking.complex_numbers import Pair
from lrgd_jax.certify.walking.data_movement import scatter_positions
from lrgd_jax.certify.walking.discrete import out_dtype
from lrgd_jax.certify.walking.system import Rule
from lrgd_jax.certify.walking.walker import walk

if TYPE_CHECKING:
    from lrgd_jax.certify.exact.algebra import Algebra

__all__ = ["RING"]


def _infix(operation: Callable[[Number, Number], Number]) -> Rule:
    return lambda system, eqn, x, y: Numbers(operation(x.array, y.array))


def _axes(eqn: core.JaxprEqn) -> tuple[int, ...]:
    return tuple(int(a) for a in eqn.params["axes"])


def _reduce_sum(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    return Numbers(np.add.reduce(x.array, axis=_axes(eqn), initial=system.constant(0)))


def _reduce_prod(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    return Numbers(np.multiply.reduce(x.array, axis=_axes(eqn), initial=system.constant(1)))


def _extreme(choose: Callable[[Algebra], Callable[[Number, Number], Number]]) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
        pick = choose(system)

        def of(row: list[Number]) -> Number:
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


def _cumulative_extreme(choose: Callable[[Algebra], Callable[[Number, Number], Number]]) -> Rule:
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
    return Numbers(system.matrix_products(first, second).reshape(shape))


def _integer_power(system: Algebra, x: Number, exponent: int) -> Number:
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


def _scatter(combine: Callable[[Algebra], Callable[[Number, Number], Number]]) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers, indices: np.ndarray, updates: Numbers) -> Numbers:
        total, together = list(x.array.ravel()), combine(system)
        for place, update in zip(scatter_positions(eqn, indices).ravel(), updates.array.ravel(), strict=True):
            if place < len(total):
                total[place] = together(total[place], update)
        return Numbers(as_objects(total, x.array.shape))

    return rule


def _decomposition(name: str) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, *operands: Numbers) -> Number:
        outputs = DECOMPOSITIONS[name](system, eqn, *(x.array for x in operands))
        found = [Numbers(x) if x.dtype == object else x for x in outputs]
        return found if eqn.primitive.multiple_results else found[0]

    return rule


def _fourier(system: Algebra, eqn: core.JaxprEqn, x: Number) -> Number:
    operand = Pair(x.real.array, x.imag.array) if isinstance(x, Pair) else x.array
    real, imag = transform(eqn, operand, system.turn, system.constant)
    return Numbers(real) if imag is None else Pair(Numbers(real), Numbers(imag))


def _free(system: Algebra, eqn: core.JaxprEqn, *inputs: Any) -> list[Number]:
    """The function behind a free one, which only symbols may leave open."""
    return walk(program_behind(eqn), system, inputs)


def _determinant(rows: np.ndarray) -> Number:
    """By the first row; the matrices stand in the first two axes."""
    if len(rows) == 1:
        return rows[0, 0]
    minors = [np.delete(rows[1:], k, axis=1) for k in range(len(rows))]
    total, *terms = (rows[0, k] * _determinant(minor) for k, minor in enumerate(minors))
    for k, term in enumerate(terms):
        total = total + term if k % 2 else total - term
    return total


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
    "dot_general": _dot_general,
    "reduce_sum": _reduce_sum,
    "reduce_prod": _reduce_prod,
    "reduce_max": _extreme(lambda system: system.larger),
    "reduce_min": _extreme(lambda system: system.smaller),
    "cumsum": _cumulative(np.add),
    "cumprod": _cumulative(np.multiply),
    "cummax": _cumulative_extreme(lambda system: system.larger),
    "cummin": _cumulative_extreme(lambda system: system.smaller),
    **{
        f"scatter{dash}{name}": _scatter(combine)
        for dash in "-_"
        for name, combine in (
            ("add", lambda system: operator.add),
            ("sub", lambda system: operator.sub),
            ("mul", lambda system: operator.mul),
            ("max", lambda system: system.larger),
            ("min", lambda system: system.smaller),
        )
    },
    **{name: _decomposition(name) for name in DECOMPOSITIONS},
    "fft": _fourier,
    EXP_NEG_SQ.name: _exp_neg_sq,
    DET.name: lambda system, eqn, x: Numbers(_determinant(np.moveaxis(x.array, (-2, -1), (0, 1)))),
    "reduce_precision": lambda system, eqn, x: x,
    **ORDERING,
}
"""Rules `rule(system, eqn, *inputs)` that need nothing but the system's arithmetic and, for some, its order."""
