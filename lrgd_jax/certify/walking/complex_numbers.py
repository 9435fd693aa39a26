"""Complex numbers as pairs of real ones: every number system has them without knowing it.

A primitive on complex numbers is written out in primitives on their real and imaginary parts, traced, and walked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.certify.tracing.program import DType, Leaf, Program
from lrgd_jax.certify.walking.discrete import out_dtype
from lrgd_jax.certify.walking.expansions import traced_in_full

__all__ = ["COMPLEX", "Pair", "is_complex", "on_parts", "real_dtype", "regroup", "split"]


class Pair(NamedTuple):
    """Two elements of a number system: a real and an imaginary part."""

    real: Leaf
    imag: Leaf


def is_complex(var: Variable) -> bool:
    """Whether a variable of a jaxpr holds complex numbers."""
    return bool(jnp.issubdtype(var.aval.dtype, np.complexfloating))


def real_dtype(dtype: DType) -> np.dtype:
    """The format of the parts of a complex number; a real format itself."""
    kinds = {np.dtype(np.complex64): np.dtype(np.float32), np.dtype(np.complex128): np.dtype(np.float64)}
    return kinds.get(np.dtype(dtype), np.dtype(dtype))


def split(inputs: Sequence[Any]) -> list[Any]:
    """The operands with both parts of each pair."""
    return [part for x in inputs for part in (x if isinstance(x, Pair) else (x,))]


def regroup(eqn: core.JaxprEqn, outputs: Sequence[Any]) -> list[Any]:
    """The parts of an equation's outputs as pairs."""
    parts = iter(outputs)
    return [Pair(next(parts), next(parts)) if is_complex(var) else next(parts) for var in eqn.outvars]


def on_parts(eqn: core.JaxprEqn) -> Program:
    """The program on real and imaginary parts that an equation on complex numbers stands for."""
    rule = COMPLEX[eqn.primitive.name]

    def function(*parts: jax.Array) -> list[jax.Array]:
        rest = iter(parts)
        operands = [Pair(next(rest), next(rest)) if is_complex(var) else next(rest) for var in eqn.invars]
        outputs = rule(eqn, *operands)
        return split(outputs if isinstance(outputs, list) else [outputs])

    avals: list[Variable] = [var.aval for var in eqn.invars for _ in range(1 + is_complex(var))]
    structs = [jax.ShapeDtypeStruct(aval.shape, real_dtype(aval.dtype)) for aval in avals]
    return traced_in_full(function, *structs)


Rule = Callable[..., Any]


def _pair(x: Leaf) -> Pair:
    return x if isinstance(x, Pair) else Pair(x, jnp.zeros_like(x))


def _part_by_part(eqn: core.JaxprEqn, *operands: Leaf) -> Pair:
    """What is linear over the reals: the same primitive on either part; operands that are no pairs are integers."""
    params = {
        key: real_dtype(value) if key in ("new_dtype", "preferred_element_type") and value is not None else value
        for key, value in eqn.params.items()
    }

    def of(part: int) -> jax.Array:
        return eqn.primitive.bind(*(x[part] if isinstance(x, Pair) else x for x in operands), **params)

    return Pair(of(0), of(1))


def _convert(eqn: core.JaxprEqn, x: Leaf) -> Any:
    target = eqn.params["new_dtype"]
    if not jnp.issubdtype(target, np.complexfloating):
        return lax.convert_element_type(x.real, target)
    return Pair(*(lax.convert_element_type(part, real_dtype(target)) for part in _pair(x)))


def _mul(x: Leaf, y: Leaf) -> Pair:
    return Pair(x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real)


def _div(eqn: core.JaxprEqn, x: Leaf, y: Leaf) -> Pair:
    size = y.real * y.real + y.imag * y.imag
    return Pair((x.real * y.real + x.imag * y.imag) / size, (x.imag * y.real - x.real * y.imag) / size)


def _integer_pow(eqn: core.JaxprEqn, x: Leaf) -> Any:
    exponent, one = eqn.params["y"], Pair(jnp.ones_like(x.real), jnp.zeros_like(x.real))
    total = one
    for _ in range(abs(exponent)):
        total = _mul(total, x)
    return total if exponent >= 0 else _div(eqn, one, total)


def _dot_general(eqn: core.JaxprEqn, x: Leaf, y: Leaf) -> Pair:
    """One sum of twice as many products for each part, so that a bound for any order of summation holds."""
    (left, right), batch = eqn.params["dimension_numbers"]
    dtype = real_dtype(out_dtype(eqn))
    a, b = _pair(x), _pair(y)

    def dot(first: jax.Array, second: jax.Array) -> jax.Array:
        return lax.dot_general(first, second, ((left, right), batch), preferred_element_type=dtype)

    if not left:
        return Pair(dot(a.real, b.real) - dot(a.imag, b.imag), dot(a.real, b.imag) + dot(a.imag, b.real))
    joined = [jnp.concatenate(parts, axis=left[0]) for parts in ((a.real, -a.imag), (a.real, a.imag))]
    others = [jnp.concatenate(parts, axis=right[0]) for parts in ((b.real, b.imag), (b.imag, b.real))]
    return Pair(dot(joined[0], others[0]), dot(joined[1], others[1]))


def _magnitude(x: Leaf) -> jax.Array:
    return lax.sqrt(x.real * x.real + x.imag * x.imag)


def _exp(eqn: core.JaxprEqn, x: Leaf) -> Pair:
    size = lax.exp(x.real)
    return Pair(size * lax.cos(x.imag), size * lax.sin(x.imag))


def _same(eqn: core.JaxprEqn, x: Leaf, y: Leaf) -> jax.Array:
    return (x.real == y.real) & (x.imag == y.imag)


def _differ(eqn: core.JaxprEqn, x: Leaf, y: Leaf) -> jax.Array:
    if eqn.invars[0] is eqn.invars[1]:
        # a part beside itself is the question whether it is a number
        return lax.ne(x.real, x.real) | lax.ne(x.imag, x.imag)
    return (x.real != y.real) | (x.imag != y.imag)


COMPLEX: Mapping[str, Rule] = {
    **dict.fromkeys(
        (
            *("add", "add_any", "sub", "neg", "reduce_sum", "cumsum", "scatter-add", "scatter_add", "scatter-sub"),
            *("reduce_precision", "reduce_window_sum"),
        ),
        _part_by_part,
    ),
    "convert_element_type": _convert,
    "complex": lambda eqn, x, y: Pair(x, y),
    "real": lambda eqn, x: x.real,
    "imag": lambda eqn, x: x.imag,
    "conj": lambda eqn, x: Pair(_pair(x).real, -_pair(x).imag),
    "mul": lambda eqn, x, y: _mul(x, y),
    "square": lambda eqn, x: _mul(x, x),
    "div": _div,
    "integer_pow": _integer_pow,
    "dot_general": _dot_general,
    "abs": lambda eqn, x: _magnitude(x),
    "exp": _exp,
    "log": lambda eqn, x: Pair(lax.log(_magnitude(x)), lax.atan2(x.imag, x.real)),
    "eq": _same,
    "ne": _differ,
    "is_finite": lambda eqn, x: lax.is_finite(x.real) & lax.is_finite(x.imag),
}
"""From a primitive to `rule(eqn, *operands)`; a complex operand or result is a `Pair` of arrays."""
