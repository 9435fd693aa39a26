"""What exact numbers decide: comparisons, signs, orders, whole numbers; a system says how two numbers compare."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.arrays import Number, Numbers, elementwise, fold
from lrgd_jax.certify.tracing.source_lines import source_line
from lrgd_jax.certify.walking.data_movement import along
from lrgd_jax.certify.walking.discrete import COMPARISONS, Discrete, UndecidableError, concrete, decided, out_dtype
from lrgd_jax.certify.walking.expansions import is_dropped
from lrgd_jax.certify.walking.system import Rule

if TYPE_CHECKING:
    from lrgd_jax.certify.exact.algebra import Algebra

__all__ = ["ORDERING", "compare"]


def _comparison(holds: np.ufunc) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers, y: Numbers) -> Discrete:
        if eqn.invars[0] is eqn.invars[1]:
            return _with_itself(system, holds, x)
        return compare(system, holds, x, y)

    return rule


def _with_itself(system: Algebra, holds: np.ufunc, x: Numbers) -> Discrete:
    """A number is equal to itself, and NaN is not: that is how a program asks for NaN."""
    return _ask(system.is_number, x, yes=bool(holds(0, 0)), no=holds is np.not_equal)


def _ask(question: Callable[[Number], bool | None], x: Numbers, *, yes: bool = True, no: bool = False) -> Discrete:
    answers = [question(number) for number in x.array.ravel()]
    value = np.array([yes if answer or answer is None else no for answer in answers], bool)
    open_ = np.array([answer is None for answer in answers], bool)
    return decided(value.reshape(x.array.shape), open_.reshape(x.array.shape))


def compare(system: Algebra, holds: np.ufunc, x: Numbers, y: Numbers) -> Discrete:
    """A comparison entry by entry; open where the system cannot order two numbers and both outcomes may be."""
    arrays = np.broadcast_arrays(x.array, y.array)
    pairs = list(zip(arrays[0].ravel(), arrays[1].ravel(), strict=True))
    # NaN is neither less than, equal to nor greater than anything
    nothing = [system.is_number(a) is False or system.is_number(b) is False for a, b in pairs]
    orders = [0 if none else system.order(a, b) for none, (a, b) in zip(nothing, pairs, strict=True)]
    values = [
        holds is np.not_equal if none else bool(holds(0 if order is None else order, 0))
        for none, order in zip(nothing, orders, strict=True)
    ]
    shape = arrays[0].shape
    return decided(np.array(values, bool).reshape(shape), np.array([o is None for o in orders], bool).reshape(shape))


def _undecided(eqn: core.JaxprEqn, what: str) -> UndecidableError:
    return UndecidableError(
        f"'{eqn.primitive.name}' at {source_line(eqn)}: {what}; choose inputs without ties, or a higher precision"
    )


def _sign(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    def of(number: Number) -> Number:
        order = system.order(number, system.constant(0))
        if order is None:
            raise _undecided(eqn, "a number may be zero or not")
        return system.constant(order)

    return elementwise(of, x)


def _whole(function: Callable[[Algebra, Number], int]) -> Rule:
    return lambda system, eqn, x: elementwise(lambda number: system.constant(function(system, number)), x)


def _floor(system: Algebra, x: Number) -> int:
    return system.floor(x)


def _ceil(system: Algebra, x: Number) -> int:
    return -system.floor(-x)


def _towards_zero(system: Algebra, x: Number) -> int:
    one = system.constant(1)
    if system.order(x, one) == -1 and system.order(-x, one) == -1:
        # whatever the sign
        return 0
    return _floor(system, x) if system.order(x, one) in (0, 1) else _ceil(system, x)


def _half_away(system: Algebra, x: Number) -> int:
    half = system.constant(0.5)
    if system.order(x, half) == -1 and system.order(-x, half) == -1:
        return 0
    return _floor(system, x + half) if system.order(x, half) in (0, 1) else -_floor(system, half - x)


def _half_even(system: Algebra, x: Number) -> int:
    moved = x + system.constant(0.5)
    whole = system.floor(moved)
    tie = system.order(moved, system.constant(whole))
    if whole % 2 and tie is None:
        raise UndecidableError("a number that may lie half way between two integers; a higher precision may decide it")
    return whole - (whole % 2 and tie == 0)


def _round(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
    return _whole(_half_away if int(eqn.params["rounding_method"]) == 0 else _half_even)(system, eqn, x)


def _remainder(system: Algebra, eqn: core.JaxprEqn, x: Numbers, y: Numbers) -> Numbers:
    """Of the quotient cut towards zero."""
    return elementwise(lambda a, b: a - b * system.constant(_towards_zero(system, a / b)), x, y)


def _convert(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Numbers | Discrete:
    """Between floating formats nothing happens to a number; a boolean says that it is not zero, an integer is cut."""
    target = np.dtype(eqn.params["new_dtype"])
    if target == np.bool_:
        return compare(system, np.not_equal, x, Numbers(system.constant(0)))
    if target.kind not in "iu":
        return x
    limits = np.iinfo(target)
    whole = [_towards_zero(system, number) for number in x.array.ravel()]
    if any(not limits.min <= number <= limits.max for number in whole):
        raise UndecidableError(
            f"a conversion to {target} at {source_line(eqn)} leaves its range, where platforms differ; choose smaller "
            "inputs or a wider integer"
        )
    return np.array(whole, target).reshape(x.array.shape)


def _is_finite(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> Discrete:
    return _ask(system.is_finite, x)


def _extreme_place(sign: int) -> Rule:
    def rule(system: Algebra, eqn: core.JaxprEqn, x: Numbers) -> np.ndarray:
        def of(row: list[Number]) -> int:
            best = 0
            for k in range(1, len(row)):
                if system.order(row[k], row[best]) == sign:
                    best = k
            for k, number in enumerate(row):
                # the first of equal ones
                if k != best and system.order(number, row[best]) not in ((-sign, 0) if k > best else (-sign,)):
                    raise _undecided(eqn, "it chooses between numbers that overlap")
            return best

        return fold(of, x.array, tuple(eqn.params["axes"])).astype(out_dtype(eqn))

    return rule


def _sort(system: Algebra, eqn: core.JaxprEqn, *operands: Number) -> list[Number]:
    """An odd-even network of minima and maxima where nothing is carried along, else the places of the sorted keys."""
    if all(is_dropped(var) for var in eqn.outvars[1:]) and eqn.params["num_keys"] == 1:
        return [_network(system, operands[0], eqn.params["dimension"]), *operands[1:]]
    places = _sort_places(system, eqn, operands[: eqn.params["num_keys"]])
    move = along(eqn.params["dimension"], places)
    return [Numbers(move(np, x.array)) if isinstance(x, Numbers) else move(np, concrete(x, "a sort")) for x in operands]


def _network(system: Algebra, x: Numbers, axis: int) -> Numbers:
    rows = list(np.moveaxis(x.array, axis, 0))
    for start in itertools.islice(itertools.cycle((0, 1)), len(rows)):
        for k in range(start, len(rows) - 1, 2):
            a, b = Numbers(rows[k]), Numbers(rows[k + 1])
            rows[k], rows[k + 1] = elementwise(system.smaller, a, b).array, elementwise(system.larger, a, b).array
    return Numbers(np.moveaxis(np.stack(rows), 0, axis)) if rows else x


def _sort_places(system: Algebra, eqn: core.JaxprEqn, keys: Sequence[Number]) -> np.ndarray:
    """A stable order by the first key, then the next."""
    axis = eqn.params["dimension"]
    arrays = [np.moveaxis(k.array if isinstance(k, Numbers) else concrete(k, "a sort"), axis, -1) for k in keys]
    numbers = [isinstance(k, Numbers) for k in keys]
    size = arrays[0].shape[-1]
    rows = [a.reshape(-1, size) if a.size else a.reshape(0, size) for a in arrays]

    def before(lane: int) -> Callable[[int, int], int]:
        def decide(a: int, b: int) -> int:
            for values, exact in zip(rows, numbers, strict=True):
                x, y = values[lane, a], values[lane, b]
                order = system.order(x, y) if exact else int(x > y) - int(x < y)
                if order is None:
                    raise _undecided(eqn, "it orders numbers that overlap")
                if order:
                    return order
            return 0

        return decide

    flat = [k for lane in range(rows[0].shape[0]) for k in sorted(range(size), key=functools.cmp_to_key(before(lane)))]
    return np.moveaxis(np.array(flat, np.int64).reshape(arrays[0].shape), -1, axis)


ORDERING: Mapping[str, Rule] = {
    **{name: _comparison(ufunc) for name, ufunc in COMPARISONS.items()},
    "sign": _sign,
    "floor": _whole(_floor),
    "ceil": _whole(_ceil),
    "round": _round,
    "rem": _remainder,
    "is_finite": _is_finite,
    "convert_element_type": _convert,
    "argmax": _extreme_place(1),
    "argmin": _extreme_place(-1),
    "sort": _sort,
}
"""Rules `rule(system, eqn, *inputs)` that need the order of a system."""
