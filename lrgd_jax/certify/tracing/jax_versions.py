"""What differs between the versions of JAX that are supported; nothing else in the package asks.

Nothing here compares version numbers: each function looks at what the running JAX does.
"""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.core import DropVar  # no public API names what nobody reads
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable
from lrgd_jax.certify.tracing.program import Program, trace

__all__ = [
    "CALLED",
    "DET",
    "EXPANSIONS",
    "EXP_NEG_SQ",
    "NEWER",
    "Stack",
    "bind",
    "dropped",
    "expansion",
    "library_function",
    "newer_functions",
    "running",
    "scan_layout",
]

EXP_NEG_SQ = core.Primitive("exp_neg_sq")
r"""$e^{-x^2}$, which newer versions compute by parts, from the halves of the binary digits of $x$."""

DET = core.Primitive("det")
"""The determinant of small matrices, where it is a function of its own."""

CALLED = frozenset({EXP_NEG_SQ.name, DET.name})
"""Primitives that stand for a call of a function of JAX's own, and are in no traced program."""


def scan_layout(params: Mapping[str, Any]) -> tuple[int, int]:
    """How many constants and how many carried values come before what a `scan` goes through.

    Up to JAX 0.10 the equation counts them; newer ones hold a tree of three: constants, carried values, rows.
    """
    if "num_carry" in params:
        return params["num_consts"], params["num_carry"]
    constants, carried, _ = params["ft_in"].unpack()
    return len(constants), len(carried)


def dropped(var: Variable) -> Any:
    """A variable in the place of one that nobody reads; a trace keeps a plain one there."""
    return DropVar(var.aval)


def library_function(eqn: core.JaxprEqn) -> core.Primitive | None:
    r"""What a call of a function of JAX's own stands for, where its program cannot be walked as it is written.

    From JAX 0.12 on the derivatives of erf and erfc call a function that cuts $x$ in two by masking bits, so that
    $x^2$ is not rounded before its exponential is taken. Masking bits has no meaning for exact numbers, and running
    errors do not see that the parts belong together. So the call, recognised by comparison with what the derivative of
    erf calls, counts as the function that it computes.

    The determinant of a matrix of two or three rows is eliminated with pivots there, and a field cannot compare pivots.

    Args:
        eqn: an equation that calls a function.

    Returns:
        `EXP_NEG_SQ`, `DET`, or None where the program is to be walked.
    """
    if eqn.primitive.name != "custom_jvp_call" or len(eqn.invars) != 1:
        return None
    aval: Variable = eqn.invars[0].aval
    program = eqn.params["call_jaxpr"]
    if _masks_bits(program) and _is_one_of(program, _exp_neg_sq(np.dtype(aval.dtype))):
        return EXP_NEG_SQ
    if aval.shape[-2:] in ((2, 2), (3, 3)) and _is_one_of(program, _determinants(aval.shape, np.dtype(aval.dtype))):
        return DET
    return None


def expansion(eqn: core.JaxprEqn) -> Program | None:
    """What a newer primitive computes, in the older primitives that it is compiled to.

    From JAX 0.12 on the derivatives of tanh, asin and their like hold $1 - x^2$ as one primitive, and polynomials are
    one too.

    Args:
        eqn: any equation.

    Returns:
        A program of the equation's operands, or None for any other primitive.
    """
    function = EXPANSIONS.get(eqn.primitive.name)
    if function is None:
        return None
    avals: list[Variable] = [var.aval for var in eqn.invars]
    return _expand(function, tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in avals))


def _one_minus_square(x: jax.Array) -> jax.Array:
    return (jnp.ones((), x.dtype) + x) * (jnp.ones((), x.dtype) - x)


def _horner(x: jax.Array, *coefficients: jax.Array) -> jax.Array:
    result = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        result = result * x + coefficient
    return result


EXPANSIONS: Mapping[str, Callable[..., jax.Array]] = {"one_minus_square": _one_minus_square, "polynomial": _horner}
"""Newer primitives in older ones."""


@functools.lru_cache(maxsize=256)
def _expand(function: Callable[..., jax.Array], operands: tuple[jax.ShapeDtypeStruct, ...]) -> Program:
    return trace(function, *operands)


def bind(eqn: core.JaxprEqn, inputs: Sequence[Any]) -> Any:
    """The value of an equation whose primitive may be one of those that stand for a function of JAX's own."""
    if eqn.primitive is EXP_NEG_SQ:
        return jnp.exp(-jnp.square(inputs[0]))
    return eqn.primitive.bind(*inputs, **eqn.params)


class Stack(NamedTuple):
    """What computes: a build of XLA, what it compiles for, and on which device."""

    jaxlib: str
    platform: str
    device: str

    def __str__(self) -> str:
        return f"jaxlib {self.jaxlib} on {self.platform} ({self.device})"


def running() -> Stack:
    """The stack that this process computes with; of a CPU its instruction set counts, of other devices their name."""
    backend = jax.default_backend()
    device = platform.machine() if backend == "cpu" else jax.devices()[0].device_kind
    return Stack(importlib.metadata.version("jaxlib"), backend, device)


NEWER = ("log2", EXP_NEG_SQ.name)
"""Elementwise functions that have a rule and a measured constant, but that older versions do not have."""


def newer_functions() -> dict[str, Callable[[jax.Array], jax.Array]]:
    """Those of `NEWER` that the running JAX has, as functions of an array of float32 or float64."""
    found: dict[str, Callable[[jax.Array], jax.Array]] = {}
    log2 = getattr(jax.lax, "log2", None)
    if log2 is not None:
        found["log2"] = log2
    if _exp_neg_sq(np.dtype(np.float32)):
        found[EXP_NEG_SQ.name] = _library_exp_neg_sq
    return found


def _library_exp_neg_sq(x: jax.Array) -> jax.Array:
    program, *_ = _exp_neg_sq(np.dtype(x.dtype))
    return jnp.vectorize(lambda y: core.jaxpr_as_fun(program)(y)[0])(x)


@functools.cache
def _exp_neg_sq(dtype: np.dtype) -> tuple[Any, ...]:
    """The programs with masked bits that the derivative of erf calls; a weak type makes another program."""
    if dtype not in (np.float32, np.float64):
        return ()
    found = []
    for weak in (False, True):
        derivative = jax.make_jaxpr(jax.grad(jax.lax.erf))(jax.ShapeDtypeStruct((), dtype, weak_type=weak))
        called = [eqn.params["call_jaxpr"] for eqn in derivative.eqns if eqn.primitive.name == "custom_jvp_call"]
        found += [program for program in called if _masks_bits(program)]
    return tuple(found)


@functools.lru_cache(maxsize=64)
def _determinants(shape: tuple[int, ...], dtype: np.dtype) -> tuple[Any, ...]:
    """The programs that a determinant calls, of matrices of this shape at once or one by one."""
    if dtype.kind != "f":
        return ()
    each: Callable[..., jax.Array] = jnp.linalg.det
    for _ in shape[:-2]:
        each = jax.vmap(each)
    found = []
    for function in (jnp.linalg.det, each):
        (outer,) = jax.make_jaxpr(function)(jax.ShapeDtypeStruct(shape, dtype)).eqns
        inner = outer.params["jaxpr"].eqns if "jaxpr" in outer.params else []
        found += [eqn.params["call_jaxpr"] for eqn in inner if eqn.primitive.name == "custom_jvp_call"]
    return tuple(found)


def _is_one_of(program: ClosedJaxpr, known: Sequence[Any]) -> bool:
    return bool(known) and _signature(program) in {_signature(one) for one in known}


def _masks_bits(closed: ClosedJaxpr) -> bool:
    return any(eqn.primitive.name == "bitcast_convert_type" for eqn in closed.jaxpr.eqns)


def _signature(closed: ClosedJaxpr) -> tuple[Any, ...]:
    """Names, parameters, wiring and constants of a program; the shapes of its arrays do not count."""
    numbers: dict[Any, int] = {}

    def operand(var: Variable) -> Any:
        return str(var.val) if isinstance(var, core.Literal) else numbers.setdefault(var, len(numbers))

    def rows() -> Iterator[tuple[Any, ...]]:
        for eqn in closed.jaxpr.eqns:
            yield eqn.primitive.name, str(eqn.params), *map(operand, eqn.invars), *map(operand, eqn.outvars)

    return tuple(rows())
