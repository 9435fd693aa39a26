"""Integers, booleans, and booleans that errors leave open: the part of a program that is evaluated as it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.certify.tracing.program import DType, is_key
from lrgd_jax.certify.walking.array_namespace import Accumulating, is_traced, may_be_nonzero, xp


class UndecidableError(ValueError):
    """A branch, an index or a loop depends on a comparison that the errors of its operands leave open.

    Examples:
        >>> concrete(Open(np.array([True]), np.array([True])), "a branch")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        lrgd_jax.certify.walking.discrete.UndecidableError: a branch needs a decided value, but 1 of 1 comparisons ...
    """


@dataclasses.dataclass(frozen=True)
class Open:
    """Booleans of which some are not decided: `value` is the likely outcome, `uncertain` marks the open ones.

    Attributes:
        value: the outcomes, as far as they are known.
        uncertain: true where the outcome may be another; of the same shape.

    Examples:
        >>> comparisons = Open(np.array([True, False]), np.array([False, True]))
        >>> comparisons.possible.tolist(), comparisons.certain.tolist()
        ([True, True], [True, False])
    """

    value: np.ndarray
    uncertain: np.ndarray

    @property
    def possible(self) -> np.ndarray:
        """True where the outcome may be true."""
        return self.value | self.uncertain

    @property
    def certain(self) -> np.ndarray:
        """True where the outcome is true for sure."""
        return self.value & ~self.uncertain


Discrete = np.ndarray | Open


def out_dtype(eqn: core.JaxprEqn) -> Any:
    """The dtype of an equation's first output."""
    aval: Variable = eqn.outvars[0].aval
    return aval.dtype


def decided(value: np.ndarray, uncertain: np.ndarray) -> Discrete:
    """Plain booleans if every one is decided, else `Open` ones."""
    return Open(value, uncertain) if is_traced(value) or may_be_nonzero(uncertain) else value


def refuse_traced(x: object, what: str) -> None:
    """Raises `UndecidableError` where `what` would have to know an array that is part of a trace."""
    if is_traced(x):
        raise UndecidableError(f"{what} needs a decided value, but it depends on arguments that are not known yet")


def concrete(x: Any, what: str) -> Any:
    """The array behind `x`; `what` names the consumer in the error if a boolean is still open.

    Raises:
        UndecidableError: if an entry of `x` is not decided.
    """
    if isinstance(x, Open):
        refuse_traced(x.value, what)
        raise UndecidableError(
            f"{what} needs a decided value, but {int(x.uncertain.sum())} of {x.uncertain.size} comparisons lie within "
            "the rounding errors of their operands; choose inputs away from the threshold, or use a wider dtype"
        )
    return x


def _quotient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(y == 0, -1, np.sign(x) * np.sign(y) * (np.abs(x) // np.maximum(np.abs(y), 1)))


def _cumulate(ufunc: np.ufunc) -> Callable[..., np.ndarray]:
    def rule(x: np.ndarray, *, axis: int, reverse: bool, **_: Any) -> np.ndarray:
        flipped = np.flip(x, axis) if reverse else x
        total = ufunc.accumulate(flipped, axis=axis)
        return np.flip(total, axis) if reverse else total

    return rule


def _fold(function: Accumulating) -> Callable[..., np.ndarray]:
    return lambda x, *, axes, **_: function.reduce(x, axis=tuple(axes)) if axes else x


def _plain(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda *arrays, **_: function(*arrays)


def _iota(*, dtype: DType, shape: tuple[int, ...], dimension: int, **_: Any) -> np.ndarray:
    line = np.arange(shape[dimension]).reshape([-1 if k == dimension else 1 for k in range(len(shape))])
    return np.broadcast_to(line, shape).astype(dtype)


COMPARISONS: Mapping[str, np.ufunc] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}

# Everything else goes through JAX itself, which is exact on integers but compiles each new shape.
_NUMPY: Mapping[str, Callable[..., np.ndarray]] = {
    **{name: _plain(getattr(xp, ufunc.__name__)) for name, ufunc in COMPARISONS.items()},
    "add": _plain(xp.add),
    "sub": _plain(xp.subtract),
    "mul": _plain(xp.multiply),
    "neg": _plain(xp.negative),
    "abs": _plain(xp.abs),
    "sign": _plain(xp.sign),
    "max": _plain(xp.maximum),
    "min": _plain(xp.minimum),
    "div": _plain(_quotient),
    "and": _plain(xp.bitwise_and),
    "or": _plain(xp.bitwise_or),
    "xor": _plain(xp.bitwise_xor),
    "not": _plain(xp.invert),
    "clamp": _plain(lambda low, x, high: np.minimum(np.maximum(x, low), high)),
    "convert_element_type": lambda x, *, new_dtype, **_: x.astype(new_dtype),
    "iota": _iota,
    "reduce_sum": _fold(xp.add),
    "reduce_prod": _fold(xp.multiply),
    "reduce_max": _fold(xp.maximum),
    "reduce_min": _fold(xp.minimum),
    "reduce_and": _fold(xp.bitwise_and),
    "reduce_or": _fold(xp.bitwise_or),
    "reduce_xor": _fold(xp.bitwise_xor),
    "cumsum": _cumulate(np.add),
    "cummax": _cumulate(np.maximum),
    "cummin": _cumulate(np.minimum),
}

_MONOTONE = {"and", "or", "reduce_and", "reduce_or"}


def evaluate(eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    """Evaluates an equation all of whose inputs are integers, booleans or random keys."""
    if any(isinstance(x, Open) for x in inputs):
        return [_evaluate_open(eqn, inputs)]
    rule = _NUMPY.get(eqn.primitive.name)
    if rule is not None:
        dtype = out_dtype(eqn)
        return [np.asarray(rule(*inputs, **eqn.params)).astype(dtype, copy=False)]
    with jax.ensure_compile_time_eval():
        outputs = eqn.primitive.bind(*inputs, **eqn.params)
    outputs = outputs if eqn.primitive.multiple_results else [outputs]
    return [x if is_key(x.dtype) else np.asarray(x) for x in outputs]


def _evaluate_open(eqn: core.JaxprEqn, inputs: list[Any]) -> Discrete:
    name, params = eqn.primitive.name, eqn.params
    opened = [x if isinstance(x, Open) else Open(x, np.zeros(np.shape(x), bool)) for x in inputs]
    if any(x.value.dtype != np.bool_ for x in opened):
        concrete(next(x for x in inputs if isinstance(x, Open)), f"the integer operation '{name}'")
    if name == "convert_element_type" and out_dtype(eqn) == np.bool_:
        return opened[0]
    if name == "not":
        return Open(~opened[0].value, opened[0].uncertain)
    if name in _MONOTONE:
        rule = _NUMPY[name]
        low, high = rule(*(x.certain for x in opened), **params), rule(*(x.possible for x in opened), **params)
        return decided(xp.asarray(rule(*(x.value for x in opened), **params)), xp.asarray(low != high))
    if name in ("xor", "eq", "ne"):
        value = xp.asarray(_NUMPY[name](*(x.value for x in opened), **params))
        return decided(value, xp.broadcast_to(xp.logical_or(*(x.uncertain for x in opened)), value.shape))
    return concrete(next(x for x in inputs if isinstance(x, Open)), f"the primitive '{name}'")
