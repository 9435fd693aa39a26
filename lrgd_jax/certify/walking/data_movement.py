"""Data movement, once for every number system: primitives that only choose which entry goes where.

Each maker takes an equation and its concrete index operands and returns, for every output of the equation, a function
`move(xp, *arrays)` of the arrays that are moved, where `xp` is `numpy` or `jax.numpy`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import Variable

Move = Callable[..., Any]
Maker = Callable[..., Move | list[Move]]


def shape_of(var: Variable) -> tuple[int, ...]:
    """The shape of a variable of a jaxpr."""
    return tuple(var.aval.shape)


def _positions(var: Variable) -> np.ndarray:
    return np.arange(math.prod(shape_of(var))).reshape(shape_of(var))


def take(positions: np.ndarray) -> Move:
    """Entry `positions[k]` of the raveled and concatenated operands becomes entry `k` of the result."""

    def move(xp: ModuleType, *arrays: Any) -> Any:
        flat = [xp.reshape(x, (-1,)) for x in arrays]
        return (flat[0] if len(flat) == 1 else xp.concatenate(flat))[positions]

    return move


def identity(xp: ModuleType, x: Any) -> Any:
    """The operand itself."""
    return x


def along(axis: int, places: np.ndarray) -> Move:
    """Entry `places[..., k, ...]` along an axis becomes entry k."""
    return lambda xp, x: xp.take_along_axis(x, places, axis)


def _reshape(eqn: core.JaxprEqn) -> Move:
    order, shape = eqn.params["dimensions"], shape_of(eqn.outvars[0])
    if order is None:
        return lambda xp, x: xp.reshape(x, shape)
    return lambda xp, x: xp.reshape(xp.transpose(x, order), shape)


def _resize(eqn: core.JaxprEqn) -> Move:
    shape = shape_of(eqn.outvars[0])
    return lambda xp, x: xp.reshape(x, shape)


def _broadcast_in_dim(eqn: core.JaxprEqn) -> Move:
    shape, operand = shape_of(eqn.outvars[0]), shape_of(eqn.invars[0])
    padded = [1] * len(shape)
    for size, axis in zip(operand, eqn.params["broadcast_dimensions"], strict=True):
        padded[axis] = size
    return lambda xp, x: xp.broadcast_to(xp.reshape(x, padded), shape)


def _slice(eqn: core.JaxprEqn) -> Move:
    starts, limits = eqn.params["start_indices"], eqn.params["limit_indices"]
    strides = eqn.params["strides"] or (1,) * len(starts)
    window = tuple(slice(int(a), int(b), int(s)) for a, b, s in zip(starts, limits, strides, strict=True))
    return lambda xp, x: x[window]


def _pad(eqn: core.JaxprEqn) -> Move:
    operand = _positions(eqn.invars[0])
    result = np.full(shape_of(eqn.outvars[0]), operand.size)
    source, target = [], []
    for size, out, (low, _, inner) in zip(operand.shape, result.shape, eqn.params["padding_config"], strict=True):
        places = int(low) + np.arange(size) * (int(inner) + 1)
        kept = (places >= 0) & (places < out)
        source.append(np.flatnonzero(kept))
        target.append(places[kept])
    result[np.ix_(*target)] = operand[np.ix_(*source)]
    return take(result)


def _split(eqn: core.JaxprEqn) -> list[Move]:
    axis, ends = eqn.params["axis"], np.cumsum(eqn.params["sizes"])
    windows = zip([0, *ends[:-1]], ends, strict=True)
    return [_window(axis, int(start), int(end)) for start, end in windows]


def _window(axis: int, start: int, end: int) -> Move:
    place = (slice(None),) * axis + (slice(start, end),)
    return lambda xp, x: x[place]


def _entry(axis: int, k: int) -> Move:
    place = (slice(None),) * axis + (k,)
    return lambda xp, x: x[place]


def _select(eqn: core.JaxprEqn, which: np.ndarray) -> Move:
    shape = shape_of(eqn.outvars[0])
    index = np.broadcast_to(which, shape).astype(np.int64)

    def move(xp: ModuleType, *cases: Any) -> Any:
        if len(cases) == 2:
            return xp.where(index.astype(bool), cases[1], cases[0])
        return take(index * index.size + np.arange(index.size).reshape(shape))(xp, *cases)

    return move


def _starts(indices: Sequence[np.ndarray], shape: Sequence[int], sizes: Sequence[int]) -> tuple[slice, ...]:
    clipped = [min(max(int(i), 0), n - k) for i, n, k in zip(indices, shape, sizes, strict=True)]
    return tuple(slice(i, i + k) for i, k in zip(clipped, sizes, strict=True))


def _dynamic_slice(eqn: core.JaxprEqn, *indices: np.ndarray) -> Move:
    window = _starts(indices, shape_of(eqn.invars[0]), eqn.params["slice_sizes"])
    return lambda xp, x: x[window]


def _dynamic_update_slice(eqn: core.JaxprEqn, *indices: np.ndarray) -> Move:
    operand, update = _positions(eqn.invars[0]), _positions(eqn.invars[1])
    window = _starts(indices, operand.shape, update.shape)
    result = operand.copy()
    result[window] = operand.size + update
    return take(result)


def _places(
    operand: tuple[int, ...],
    indices: np.ndarray,
    sizes: Sequence[int],
    start_map: Sequence[int],
    dropped: Sequence[int],
    batching: Sequence[int],
    index_batching: Sequence[int],
    offset_dims: Sequence[int],
    mode: Any,
) -> np.ndarray:
    """Flat operand position of each entry of a gather's result (of a scatter's updates), `size` if out of bounds."""
    batch = indices.shape[:-1]
    start = np.zeros((*batch, len(operand)), np.int64)
    start[..., list(start_map)] = indices
    grids = np.indices(batch, sparse=True)
    for axis, index_axis in zip(batching, index_batching, strict=True):
        start[..., axis] = grids[index_axis]
    last = np.array(operand, np.int64) - np.array(sizes, np.int64)
    inside = np.all((start >= 0) & (start <= last), axis=-1)
    start = np.clip(start, 0, last)
    window = [k for k in range(len(operand)) if k not in (*dropped, *batching)]
    offsets = np.indices([sizes[k] for k in window], sparse=True)
    spread = (...,) + (None,) * len(window)
    flat: Any = 0
    for axis, stride in enumerate(_strides(operand)):
        coordinate = start[..., axis][spread]
        if axis in window:
            coordinate = coordinate + offsets[window.index(axis)]
        flat = flat + coordinate * stride
    shape = (*batch, *(sizes[k] for k in window))
    flat = np.broadcast_to(flat, shape)
    if "CLIP" not in str(mode).upper():
        flat = np.where(inside[spread], flat, math.prod(operand))
    rank = len(shape)
    rest = [k for k in range(rank) if k not in offset_dims]
    return np.moveaxis(flat, range(rank), [*rest, *offset_dims])


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [math.prod(shape[k + 1 :]) for k in range(len(shape))]


def gather_positions(eqn: core.JaxprEqn, indices: np.ndarray) -> np.ndarray:
    """Which entry of the operand each entry of a `gather` is; the operand's size where it is out of bounds."""
    d = eqn.params["dimension_numbers"]
    return _places(
        shape_of(eqn.invars[0]),
        indices,
        eqn.params["slice_sizes"],
        d.start_index_map,
        d.collapsed_slice_dims,
        d.operand_batching_dims,
        d.start_indices_batching_dims,
        d.offset_dims,
        eqn.params["mode"],
    )


def scatter_positions(eqn: core.JaxprEqn, indices: np.ndarray) -> np.ndarray:
    """Which entry of the operand each entry of the updates goes to; the operand's size where it is dropped."""
    d = eqn.params["dimension_numbers"]
    operand, updates = shape_of(eqn.invars[0]), shape_of(eqn.invars[2])
    fixed = {*d.inserted_window_dims, *d.operand_batching_dims}
    window = iter(d.update_window_dims)
    sizes = [1 if k in fixed else updates[next(window)] for k in range(len(operand))]
    return _places(
        operand,
        indices,
        sizes,
        d.scatter_dims_to_operand_dims,
        d.inserted_window_dims,
        d.operand_batching_dims,
        d.scatter_indices_batching_dims,
        d.update_window_dims,
        eqn.params["mode"],
    )


def _gather(eqn: core.JaxprEqn, indices: np.ndarray) -> Move:
    return take(gather_positions(eqn, indices))


def _scatter(eqn: core.JaxprEqn, indices: np.ndarray) -> Move:
    operand, places = _positions(eqn.invars[0]), scatter_positions(eqn, indices).ravel()
    kept = np.flatnonzero(places < operand.size)
    if np.unique(places[kept]).size < kept.size:
        raise ValueError(
            "a scatter overwrites one entry twice, in an order that XLA leaves open; make its indices distinct"
        )
    result = operand.ravel()
    result[places[kept]] = operand.size + kept
    return take(result.reshape(operand.shape))


MOVES: Mapping[str, Maker] = {
    **dict.fromkeys(
        ("copy", "copy_p", "stop_gradient", "name", "sharding_constraint", "layout_constraint"), lambda eqn: identity
    ),
    "reshape": _reshape,
    "squeeze": _resize,
    "expand_dims": _resize,
    "transpose": lambda eqn: lambda xp, x: xp.transpose(x, eqn.params["permutation"]),
    "broadcast_in_dim": _broadcast_in_dim,
    "slice": _slice,
    "rev": lambda eqn: lambda xp, x: xp.flip(x, eqn.params["dimensions"]),
    "concatenate": lambda eqn: lambda xp, *x: xp.concatenate(x, axis=eqn.params["dimension"]),
    "tile": lambda eqn: lambda xp, x: xp.tile(x, eqn.params["reps"]),
    "unstack": lambda eqn: [_entry(eqn.params["axis"], k) for k in range(len(eqn.outvars))],
    "stack": lambda eqn: lambda xp, *x: xp.stack(x, axis=eqn.params["axis"]),
    "pad": _pad,
    "split": _split,
    "select_n": _select,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": _gather,
    "scatter": _scatter,
}

# Which operands are indices; all the others are moved.
INDICES: Mapping[str, slice] = {
    "select_n": slice(0, 1),
    "dynamic_slice": slice(1, None),
    "dynamic_update_slice": slice(2, None),
    "gather": slice(1, 2),
    "scatter": slice(1, 2),
}
