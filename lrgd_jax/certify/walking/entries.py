"""Entries of arrays, wherever they go: the same movement of numbers of a system, of integers, and of open booleans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.certify.tracing.program import DType
from lrgd_jax.certify.walking import discrete
from lrgd_jax.certify.walking.array_namespace import may_be_nonzero, namespace_of, xp
from lrgd_jax.certify.walking.complex_numbers import Pair, real_dtype
from lrgd_jax.certify.walking.data_movement import INDICES, MOVES
from lrgd_jax.certify.walking.discrete import Open, concrete, out_dtype
from lrgd_jax.certify.walking.system import System, is_floating

__all__ = ["lift_constant", "map_entries", "move_entries"]


def lift_constant(lift: Callable[..., Any], value: np.ndarray, dtype: DType) -> Any:
    """A constant as an element, a complex one as a pair of them."""
    if not jnp.issubdtype(dtype, np.complexfloating):
        return lift(value, dtype)
    real = real_dtype(dtype)
    return Pair(*(lift(np.asarray(part, real), real) for part in (np.real(value), np.imag(value))))


def move_entries(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    """The outputs of an equation that only says which entry goes where."""
    name = eqn.primitive.name
    chosen = range(len(inputs))[INDICES.get(name, slice(0))]
    indices = [_index(name, inputs[k]) for k in chosen]
    data = [x for k, x in enumerate(inputs) if k not in chosen]
    floating = is_floating(eqn.outvars[0])
    if indices and isinstance(indices[0], Open):
        return [_choose(system, indices[0], data) if floating else _choose_discrete(indices[0], data)]
    functions = MOVES[name](eqn, *indices)
    if name == "gather":
        data = [*data, _fill(system, eqn)]
    functions = functions if isinstance(functions, list) else [functions]
    if not floating:
        return [_move_discrete(f, data) for f in functions]
    outputs = [_move(system, f, data) for f in functions]
    return [system.mark(eqn, x) for x in outputs] if name == "name" else outputs


def _move(system: System[Any], function: Callable[..., Any], data: Sequence[Any]) -> Any:
    if isinstance(data[0], Pair):
        return Pair(*(system.move(function, *parts) for parts in zip(*data, strict=True)))
    return system.move(function, *data)


def _choose(system: System[Any], which: Open, cases: Sequence[Any]) -> Any:
    if isinstance(cases[0], Pair):
        return Pair(*(system.choose(which, parts) for parts in zip(*cases, strict=True)))
    return system.choose(which, cases)


def _index(name: str, index: Any) -> Any:
    return index if name == "select_n" else concrete(index, f"an index of '{name}'")


def _move_discrete(function: Callable[..., Any], data: Sequence[Any]) -> Any:
    if not any(isinstance(x, Open) for x in data):
        return function(namespace_of(*data), *data)
    parts = [(x.value, x.uncertain) if isinstance(x, Open) else (x, np.zeros(np.shape(x), bool)) for x in data]
    values, open_ = (function(namespace_of(*part), *part) for part in zip(*parts, strict=True))
    return discrete.decided(values, open_)


def _choose_discrete(which: Open, cases: Sequence[Any]) -> Any:
    no, yes = (concrete(x, "a selection between booleans") for x in cases)
    differ = xp.broadcast_to(xp.asarray(no != yes) & which.uncertain, np.broadcast_shapes(no.shape, which.value.shape))
    value = xp.where(which.value, yes, no)
    if value.dtype != np.bool_ and may_be_nonzero(differ):
        concrete(which, "a selection between integers")
    return discrete.decided(value, differ)


def _fill(system: System[Any], eqn: core.JaxprEqn) -> Any:
    """What a gather yields out of bounds."""
    value, dtype = eqn.params["fill_value"], np.dtype(out_dtype(eqn))
    if is_floating(eqn.outvars[0]):
        return lift_constant(system.lift, np.asarray(np.nan if value is None else value), dtype)
    if value is None:
        value = True if dtype == np.bool_ else np.iinfo(dtype).max if dtype.kind == "u" else np.iinfo(dtype).min
    return np.asarray(value, dtype)


def map_entries(system: System[Any], var: Variable, function: Callable[..., Any], data: Sequence[Any]) -> Any:
    """A movement of what a variable holds: elements, integers or booleans."""
    return _move(system, function, data) if is_floating(var) else _move_discrete(function, data)
