"""Primitives that are written out in simpler ones: what a convolution or a window means, once for every number system.

An expansion computes the same sums of the same products, so that a bound which holds for any order of summation holds
for the primitive. Padding adds products that are zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.certify.tracing.program import Program, trace
from lrgd_jax.certify.walking.data_movement import shape_of

__all__ = ["EXPANSIONS", "expanded", "is_dropped", "traced_in_full"]


def expanded(eqn: core.JaxprEqn) -> Program:
    """The program that a primitive of `EXPANSIONS` stands for, of the same operands."""
    return traced_in_full(EXPANSIONS[eqn.primitive.name](eqn), *(_struct(var) for var in eqn.invars))


def traced_in_full(function: Callable[..., Any], *structs: Any) -> Program:
    """The trace of a function in the formats of its operands, whatever JAX is set to."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return trace(function, *structs)


def is_dropped(var: Variable) -> bool:
    """Whether an output of an equation is used by nothing."""
    return type(var).__name__ == "DropVar"


def _struct(var: Variable) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(var.aval.shape, var.aval.dtype)


def _convolution(eqn: core.JaxprEqn) -> Callable[..., Any]:
    """Each result is a sum over the channels of a group and the places of the kernel."""
    p = eqn.params
    lhs_spec, rhs_spec, out_spec = (tuple(map(int, spec)) for spec in p["dimension_numbers"])
    features, batches = p["feature_group_count"], p["batch_group_count"]
    dtype = _struct(eqn.outvars[0]).dtype

    def function(lhs: jax.Array, rhs: jax.Array) -> jax.Array:
        x, kernel = lax.transpose(lhs, lhs_spec), lax.transpose(rhs, rhs_spec)
        edges = [(0, 0, 0)] * 2 + [
            (int(low), int(high), int(d) - 1) for (low, high), d in zip(p["padding"], p["lhs_dilation"], strict=True)
        ]
        x = lax.pad(x, np.zeros((), x.dtype), edges)
        spatial = kernel.shape[2:]
        patches = _patches(x, 2, spatial, p["window_strides"], p["rhs_dilation"])
        count, outputs, groups = len(spatial), kernel.shape[0], max(features, batches)
        places, batch = patches.shape[2 : 2 + count], x.shape[0] // batches
        if batches > 1:
            patches = patches.reshape(batches, batch, *patches.shape[1:])
        else:
            patches = patches.reshape(batch, features, x.shape[1] // features, *patches.shape[2:])
            patches = lax.transpose(patches, (1, 0, *range(2, patches.ndim)))
        kernel = kernel.reshape(groups, outputs // groups, *kernel.shape[1:])
        # [group, batch, channel, place..., window...] with [group, output, channel, window...]
        window = tuple(range(3 + count, 3 + 2 * count))
        sums = lax.dot_general(
            patches,
            kernel,
            (((2, *window), tuple(range(2, 3 + count))), ((0,), (0,))),
            preferred_element_type=dtype,
        )
        # [group, batch, place..., output] to [batch, group, output, place...]
        sums = lax.transpose(sums, (1, 0, sums.ndim - 1, *range(2, 2 + count)))
        return lax.transpose(sums.reshape(batch, outputs, *places), tuple(np.argsort(out_spec)))

    return function


def _patches(
    x: jax.Array, first: int, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> jax.Array:
    """The windows over the axes from `first` on: [..., place..., window...]."""
    count = len(window)
    for k in range(count):
        places = _window_places(x.shape[first + k], window[k], strides[k], dilation[k])
        x = jax.numpy.take(x, places.ravel(), axis=first + k, mode="clip")
        x = x.reshape(*x.shape[: first + k], *places.shape, *x.shape[first + k + 1 :])
        # the axis within the window goes to the end
        x = jax.numpy.moveaxis(x, first + k + 1, -1)
    return x


def _window_places(size: int, window: int, stride: int, dilation: int) -> np.ndarray:
    """Where each entry of each window lies."""
    reach = (window - 1) * dilation + 1
    count = max(0, (size - reach) // stride + 1)
    return (np.arange(count)[:, None] * stride + np.arange(window)[None] * dilation).astype(np.int32)


def _window(initial: Callable[[np.dtype], Any], fold: Callable[..., Any]) -> Callable[[core.JaxprEqn], Any]:
    def of(eqn: core.JaxprEqn) -> Callable[..., Any]:
        p = eqn.params

        def function(x: jax.Array) -> jax.Array:
            edges = [
                (int(low), int(high), int(d) - 1)
                for (low, high), d in zip(p["padding"], p["base_dilation"], strict=True)
            ]
            padded = lax.pad(x, np.asarray(initial(x.dtype), x.dtype), edges)
            windows = _patches(padded, 0, p["window_dimensions"], p["window_strides"], p["window_dilation"])
            return fold(windows, tuple(range(x.ndim, 2 * x.ndim)))

        return function

    return of


_FOLDS: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": (lax.add, lambda x, axes: lax.reduce_sum(x, axes=axes)),
    "mul": (lax.mul, lambda x, axes: lax.reduce_prod(x, axes=axes)),
    "max": (lax.max, lambda x, axes: lax.reduce_max(x, axes=axes)),
    "min": (lax.min, lambda x, axes: lax.reduce_min(x, axes=axes)),
}


def _fold(eqn: core.JaxprEqn) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Of a reduction from a given number on, by one of the operations whose order does not matter.

    Raises:
        NotImplementedError: it is another operation.
    """
    inner = eqn.params["jaxpr"]
    equations = getattr(inner, "jaxpr", inner).eqns
    name = equations[0].primitive.name if len(equations) == 1 and len(eqn.invars) == 2 else ""
    if name not in _FOLDS:
        raise NotImplementedError(
            "a reduction by an operation of your own leaves its order open; write a sum, product, maximum or minimum, "
            "or jax.lax.scan"
        )
    return _FOLDS[name]


def _started_window(eqn: core.JaxprEqn) -> Callable[..., Any]:
    p, (combine, fold) = eqn.params, _fold(eqn)
    if any(map(any, p["padding"])) or any(d != 1 for d in p["base_dilation"]):
        raise NotImplementedError(
            "a window that is padded with an initial value other than the operation's own identity counts it once or "
            "several times, as the platform chooses; pad the array first"
        )

    def function(x: jax.Array, start: jax.Array) -> list[jax.Array]:
        windows = _patches(x, 0, p["window_dimensions"], p["window_strides"], p["window_dilation"])
        folded = fold(windows, tuple(range(x.ndim, 2 * x.ndim)))
        return [combine(lax.broadcast(start, folded.shape), folded)]

    return function


def _reduction_from_start(eqn: core.JaxprEqn) -> Callable[..., Any]:
    axes, (combine, fold) = tuple(eqn.params["dimensions"]), _fold(eqn)

    def function(x: jax.Array, start: jax.Array) -> list[jax.Array]:
        folded = fold(x, axes)
        return [combine(lax.broadcast(start, folded.shape), folded)]

    return function


def _lowest(sign: int) -> Callable[[np.dtype], Any]:
    return lambda dtype: sign * np.inf


def _log_sums(eqn: core.JaxprEqn) -> Callable[..., Any]:
    axis, reverse = eqn.params["axis"], eqn.params["reverse"]
    return lambda x: lax.log(lax.cumsum(lax.exp(x), axis, reverse))


def _largest(eqn: core.JaxprEqn) -> Callable[..., Any]:
    """The first k of a stable sort of the negative numbers; where no place is used, no order of ties matters."""
    size, k = len(shape_of(eqn.invars[0])), eqn.params["k"]
    axis = eqn.params.get("axis", -1) % size
    places_dtype = _struct(eqn.outvars[1]).dtype

    def function(x: jax.Array) -> list[jax.Array]:
        places = lax.broadcasted_iota(places_dtype, x.shape, axis)
        if is_dropped(eqn.outvars[1]):
            values = lax.rev(lax.sort(x, dimension=axis), (axis,))
        else:
            _, values, places = lax.sort((lax.neg(x), x, places), dimension=axis, is_stable=True, num_keys=1)
        return [lax.slice_in_dim(values, 0, k, axis=axis), lax.slice_in_dim(places, 0, k, axis=axis)]

    return function


EXPANSIONS: Mapping[str, Callable[[core.JaxprEqn], Callable[..., Any]]] = {
    "conv_general_dilated": _convolution,
    "reduce_window_sum": _window(lambda dtype: 0, lambda x, axes: lax.reduce_sum(x, axes=axes)),
    "reduce_window_max": _window(_lowest(-1), lambda x, axes: lax.reduce_max(x, axes=axes)),
    "reduce_window_min": _window(_lowest(1), lambda x, axes: lax.reduce_min(x, axes=axes)),
    "reduce_window": _started_window,
    "reduce": _reduction_from_start,
    "cumlogsumexp": _log_sums,
    "top_k": _largest,
}
"""From a primitive to what makes, of an equation, a function in simpler ones; a system's own rule goes before it."""
