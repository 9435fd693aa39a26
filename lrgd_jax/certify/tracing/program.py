"""A traced function: what the walker walks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray, Tracer

from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable
from lrgd_jax.certify.tracing.kernels import write_out_kernels

FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    NotImplementedError,
    RuntimeError,
    StopIteration,
    SystemExit,
    TypeError,
    ValueError,
)
"""What the evaluation of a program may raise at a point that it has no value for."""

Leaf: TypeAlias = Any
"""An array, or what JAX and NumPy make one of: a number of Python, a `jax.ShapeDtypeStruct`, random keys."""

Tree: TypeAlias = Any
"""A pytree of leaves."""

DType: TypeAlias = Any
"""A dtype of NumPy, or one of JAX's own: of random keys, of bfloat16."""


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """A traced function: its jaxpr and the structures of its arguments and its result.

    Attributes:
        jaxpr: what is evaluated, in JAX's primitives.
        in_tree: structure of the tuple of arguments.
        out_tree: structure of the result.

    Examples:
        >>> trace(lambda pair: pair[0] + pair[1], (jnp.ones(2), jnp.ones(2))).in_tree
        PyTreeDef(((*, *),))
    """

    jaxpr: ClosedJaxpr
    in_tree: Any
    out_tree: Any

    @property
    def out_avals(self) -> list[ShapedArray]:
        """Shapes and dtypes of the leaves of the result, which are arrays; JAX does not type that they are."""
        return cast("list[ShapedArray]", self.jaxpr.out_avals)

    def flatten(self, args: Sequence[Tree]) -> list[Leaf]:
        """The leaves of `args` as arrays of the traced shapes and dtypes.

        Raises:
            ValueError: if structure, shape or dtype differ from the traced ones.
        """
        leaves, tree = jax.tree.flatten(tuple(args))
        if tree != self.in_tree:
            raise ValueError(f"expected arguments of structure {self.in_tree}, got {tree}; trace the function anew")
        return [_as_traced(x, aval, k) for k, (x, aval) in enumerate(zip(leaves, self.jaxpr.in_avals, strict=True))]

    def unflatten(self, leaves: Sequence[Leaf]) -> Tree:
        """The result with `leaves` for its arrays."""
        return jax.tree.unflatten(self.out_tree, leaves)


def trace(function: Callable[..., Any], *args: Tree) -> Program:
    """Traces `function` at arrays (or `jax.ShapeDtypeStruct`s) of the shapes and dtypes of `args`.

    A Pallas kernel in interpret mode is traced as the loops that interpret it.

    Args:
        function: of arrays, or of trees of them.
        *args: arrays, or what has their shapes and dtypes.

    Examples:
        >>> program = trace(jnp.dot, jnp.ones(3), jnp.ones(3))
        >>> [equation.primitive.name for equation in program.jaxpr.jaxpr.eqns]
        ['dot_general']
    """
    jaxpr, result = jax.make_jaxpr(function, return_shape=True)(*args)
    return Program(write_out_kernels(jaxpr), jax.tree.structure(tuple(args)), jax.tree.structure(result))


def as_program(function: Program | Callable[..., Any], args: Sequence[Tree]) -> Program:
    """`function` itself if it is traced already, else its trace at `args`."""
    return function if isinstance(function, Program) else trace(function, *args)


def is_key(dtype: DType) -> bool:
    """Whether a dtype is that of random keys, which NumPy does not have."""
    return bool(jnp.issubdtype(dtype, jax.dtypes.extended))


def _as_traced(x: Leaf, aval: Variable, position: int) -> Leaf:
    if is_key(aval.dtype):
        return x
    if isinstance(x, Tracer):
        array = x
    else:
        array = np.asarray(x, aval.dtype) if isinstance(x, (bool, int, float)) else np.asarray(x)
    if array.shape != aval.shape or array.dtype != aval.dtype:
        raise ValueError(
            f"argument leaf {position} was traced as {aval.dtype}{list(aval.shape)}, got "
            f"{array.dtype}{list(array.shape)}; convert it, or trace the function anew"
        )
    return array
