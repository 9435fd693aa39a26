"""Pallas kernels in interpret mode, as the loops over blocks that JAX runs in their place."""

from __future__ import annotations

import inspect
from typing import cast

import jax
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable, inner_jaxprs, is_jaxpr

__all__ = ["write_out_kernels"]

KERNEL = "pallas_call"


def write_out_kernels(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same program with every interpreted kernel, wherever it stands, as a call of what interprets it.

    A kernel that is not interpreted is left as it is: which program it becomes is its compiler's business.

    Args:
        closed: a traced program.
    """
    return cast("ClosedJaxpr", _written_out(closed)) if _has_kernel(closed) else closed


def _has_kernel(program: ClosedJaxpr | core.Jaxpr) -> bool:
    equations = getattr(program, "jaxpr", program).eqns
    return any(_is_interpreted(eqn) or any(map(_has_kernel, inner_jaxprs(eqn))) for eqn in equations)


def _is_interpreted(eqn: core.JaxprEqn) -> bool:
    return eqn.primitive.name == KERNEL and bool(eqn.params["interpret"])


def _written_out(program: ClosedJaxpr | core.Jaxpr) -> ClosedJaxpr | core.Jaxpr:
    """A jaxpr, open or closed, rewritten; what holds one is rebuilt, what holds none is kept."""
    within = cast("core.Jaxpr", getattr(program, "jaxpr", program))
    if within is not program:
        return program.replace(jaxpr=_written_out(within))
    return within.replace(eqns=[_equation(eqn) for eqn in within.eqns])


def _equation(eqn: core.JaxprEqn) -> core.JaxprEqn:
    if _is_interpreted(eqn):
        return eqn.replace(primitive=core.primitives.closed_call_p, params={"call_jaxpr": _interpretation(eqn)})
    if not any(map(_has_kernel, inner_jaxprs(eqn))):
        return eqn
    return eqn.replace(params={name: _parameter(value) for name, value in eqn.params.items()})


def _parameter(value: object) -> object:
    """A parameter of an equation: a program, several of them, or anything else."""
    if is_jaxpr(value):
        return _written_out(value)
    return tuple(map(_parameter, value)) if isinstance(value, tuple) and type(value) is tuple else value


def _interpretation(eqn: core.JaxprEqn) -> ClosedJaxpr:
    # no public API gives the program that interprets a kernel; it is what JAX lowers the equation to
    from jax._src.pallas.hlo_interpreter import pallas_call_hlo_interpret

    named = inspect.signature(pallas_call_hlo_interpret).parameters
    params = {name: value for name, value in eqn.params.items() if name in named}
    avals: list[Variable] = [var.aval for var in eqn.invars]
    structs = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return jax.make_jaxpr(lambda *given: pallas_call_hlo_interpret(*given, **params))(*structs)
