"""Free functions: a feature map or a kernel of which nothing is assumed but that it is a function.

A certificate for a program with `free(phi)` in place of phi is one for every feature map of those shapes at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.extend import core
from jax.interpreters import batching

from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.certify.tracing.program import Leaf, Program, trace

__all__ = ["FREE", "core_ranks", "free", "program_behind"]

FREE = "lrgd_free"
"""The name of the primitive."""

_primitive = core.Primitive(FREE)
_primitive.multiple_results = True


def free(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the same shapes as `function`, of which the exact number systems know nothing else.

    Args:
        function: from arrays to an array (or a tuple of arrays); only its shapes matter to a certificate, and its
            values where the program is run. The same function made free twice is one free function.

    Raises:
        NotImplementedError: when the result is differentiated with respect to the function's arguments.

    Examples:
        >>> from lrgd_jax.certify import equal
        >>> phi = free(jax.numpy.tanh)
        >>> bool(equal(lambda x: phi(x) + phi(x), lambda x: 2 * phi(x), "x:n=2"))
        True
    """

    @functools.wraps(function, updated=())
    def symbol(*arguments: Leaf) -> Any:
        leaves = [jax.numpy.asarray(x) for x in arguments]
        result = jax.eval_shape(function, *leaves)
        ranks = tuple(x.ndim for x in leaves)
        outputs = _primitive.bind(*leaves, function=function, ranks=ranks, batch=())
        return jax.tree.unflatten(jax.tree.structure(result), outputs)

    return symbol


def core_ranks(eqn: core.JaxprEqn) -> tuple[int, ...]:
    """How many axes of each operand are the function's own; those before them are batch axes."""
    return eqn.params["ranks"]


def program_behind(eqn: core.JaxprEqn) -> Program:
    """The function behind an equation, traced at its operands; its arguments are the operands."""
    avals: list[Variable] = [x.aval for x in eqn.invars]
    structs = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in avals]
    return trace(_lift(eqn.params["function"], eqn.params["batch"]), *structs)


def _lift(function: Callable[..., Any], batch: tuple[int, ...]) -> Callable[..., list[Any]]:
    def flat(*arguments: Leaf) -> list[Any]:
        return jax.tree.leaves(function(*arguments))

    for _ in batch:
        flat = jax.vmap(flat)
    return flat


@_primitive.def_impl
def _run(*arguments: Leaf, function: Callable[..., Any], batch: tuple[int, ...], **_: Leaf) -> list[Any]:
    return _lift(function, batch)(*arguments)


@_primitive.def_abstract_eval
def _shapes(*arguments: Leaf, function: Callable[..., Any], batch: tuple[int, ...], **_: Leaf) -> list[Any]:
    structs = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in arguments]
    return list(jax.make_jaxpr(_lift(function, batch))(*structs).out_avals)


def _batch(arguments: Leaf, axes: Leaf, *, batch: tuple[int, ...], **params: Leaf) -> Any:
    size = next(x.shape[axis] for x, axis in zip(arguments, axes, strict=True) if axis is not None)
    moved = [
        jax.numpy.broadcast_to(x[None], (size, *x.shape)) if axis is None else jax.numpy.moveaxis(x, axis, 0)
        for x, axis in zip(arguments, axes, strict=True)
    ]
    outputs = _primitive.bind(*moved, batch=(size, *batch), **params)
    return outputs, [0] * len(outputs)


batching.primitive_batchers[_primitive] = _batch
