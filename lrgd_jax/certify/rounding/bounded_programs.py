"""The running error as a program: a value and its bound, which JAX compiles, maps over instances and runs anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend import core
from jaxtyping import Array

from lrgd_jax.certify.rounding.factorizations import FACTORIZATIONS
from lrgd_jax.certify.rounding.formats import Format, format_of
from lrgd_jax.certify.rounding.rounded_numbers import Rounded
from lrgd_jax.certify.rounding.running_error import Bounded, Rounding, bound_outputs, inputs_of
from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.certify.tracing.program import Program, Tree, as_program, is_key
from lrgd_jax.certify.walking.discrete import UndecidableError
from lrgd_jax.certify.walking.system import Rule, is_floating

__all__ = ["bound_traced", "bounded"]


class _TracedRounding(Rounding):
    """Rounded numbers whose values are not known yet; what chooses pivots, or is filled entry by entry, has no rule."""

    rules: Mapping[str, Rule] = {name: rule for name, rule in Rounding.rules.items() if name not in FACTORIZATIONS}

    def scan(
        self, eqn: core.JaxprEqn, step: Callable[..., list[Any]], carry: Sequence[Any], rows: Sequence[Any]
    ) -> list[Any] | None:
        """A scan of values and errors, unless integers are carried, which must be known."""
        if not all(isinstance(x, Rounded) for x in (*carry, *rows)) or not all(map(is_floating, eqn.outvars)):
            return None
        avals: list[Variable] = [var.aval for var in eqn.outvars]
        formats = [format_of(aval.dtype) for aval in avals]

        def staged(state: list[_Parts], row: list[_Parts]) -> tuple[list[_Parts], list[_Parts]]:
            elements = [_rounded(parts, x.format) for parts, x in zip([*state, *row], [*carry, *rows], strict=True)]
            outputs = [_parts(x) for x in step(*elements)]
            return outputs[: len(carry)], outputs[len(carry) :]

        start, table = [_parts(x) for x in carry], [_parts(x) for x in rows]
        state, collected = jax.lax.scan(
            staged, start, table, length=eqn.params["length"], reverse=eqn.params["reverse"]
        )
        return [_rounded(parts, form) for parts, form in zip([*state, *collected], formats, strict=True)]


_Parts: TypeAlias = tuple[Array, Array]
"""A value and its error."""


def _rounded(parts: Sequence[Any], form: Format) -> Rounded:
    return Rounded(parts[0], parts[1], form)


def _parts(x: Rounded) -> _Parts:
    value = jnp.asarray(x.value, jnp.float64)
    return value, jnp.broadcast_to(jnp.asarray(x.error, jnp.float64), value.shape)


def bounded(function: Program | Callable[..., Any]) -> Callable[..., Bounded]:
    r"""A function that returns its result together with a bound on its rounding error.

    The bound is that of `lrgd_jax.certify.running_error`, $|\hat y - y| \le e$ for what XLA computes in the program's
    dtypes against real arithmetic on the same arguments, by the same rules. Here the rules become operations of JAX, so
    that `jax.jit` compiles value and bound into one program and `jax.vmap` maps it over many instances. The bound may
    be a little wider: nothing is known of the arguments, and what XLA flushes to zero in the bound itself is added.

    Args:
        function: a function of arrays, or its `trace`. A scan of numbers stays one, other loops are unrolled; integer
            arguments must be known.

    Returns:
        A function of the same arguments, with a `Bounded` of float64 arrays of the result's structure.

    Raises:
        UnknownPrimitiveError: when it is called, at a primitive that has no rule; factorisations have none here.
        UndecidableError: when it is called, if a branch, an index or an integer depends on the arguments.
        ValueError: when it is called while JAX has no float64, in which bounds are computed.

    Examples:
        >>> with jax.enable_x64(True):
        ...     xs = jnp.arange(6, dtype=jnp.float32).reshape(3, 2) / 3
        ...     lengths = jax.jit(jax.vmap(bounded(lambda x: x @ x)))(xs)
        ...     print(lengths.value.shape, 0 < lengths.error.min(), lengths.error.max() < 1e-5)
        (3,) True True

    Source:
        Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.3.
    """

    def value_and_bound(*args: Tree) -> Bounded:
        if jax.dtypes.canonicalize_dtype(np.float64) != np.float64:
            raise ValueError(
                "bounds are computed in float64: switch it on with jax.config.update('jax_enable_x64', True)"
            )
        program = as_program(function, args)
        for leaf in program.flatten(args):
            if isinstance(leaf, Tracer) and (is_key(leaf.dtype) or not jnp.issubdtype(leaf.dtype, jnp.inexact)):
                raise UndecidableError(
                    f"an argument of dtype {leaf.dtype} is not known when the bound is traced; bind it, as by "
                    "functools.partial, or call without jit and vmap"
                )
        return bound_traced(program, inputs_of(program, args))

    return value_and_bound


def bound_traced(program: Program, inputs: Sequence[Any]) -> Bounded:
    """Result and bounds of a program at rounded inputs whose values are arrays of JAX, or part of a trace."""
    # the rules are written for NumPy, which adds truth values to numbers
    with jax.numpy_dtype_promotion("standard"):
        return bound_outputs(program, _TracedRounding(), inputs)
