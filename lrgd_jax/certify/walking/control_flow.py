"""Calls, loops and branches: what they mean does not depend on the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing import jax_versions as versions
from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable
from lrgd_jax.certify.tracing.source_lines import source_line
from lrgd_jax.certify.walking.discrete import concrete
from lrgd_jax.certify.walking.entries import lift_constant, map_entries
from lrgd_jax.certify.walking.system import System, is_floating

__all__ = ["CONTROL", "Run"]

Run: TypeAlias = Callable[[ClosedJaxpr | core.Jaxpr, Sequence[Any]], list[Any]]
"""Evaluates a program within an equation, in the number system of the walk."""


def _call(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any], run: Run) -> list[Any]:
    known = versions.library_function(eqn)
    if known is not None and (known is not versions.DET or known.name in system.known_primitives()):
        return system.apply(eqn.replace(primitive=known, params={}), inputs)
    params = eqn.params
    inner = next(params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params)
    return run(inner, inputs)


def _linear_solve(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any], run: Run) -> list[Any]:
    """What runs is the solver that the program brings along, whose constants come third."""
    lengths, solver = eqn.params["const_lengths"], eqn.params["jaxprs"].solve
    start = lengths.matvec + lengths.vecmat
    right = inputs[sum(lengths) :]
    return run(solver, [*inputs[start : start + lengths.solve], *right])


def _scan(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any], run: Run) -> list[Any]:
    p = eqn.params
    body, length, (fixed, carried) = p["jaxpr"], p["length"], versions.scan_layout(p)
    consts, carry, rows = inputs[:fixed], inputs[fixed : fixed + carried], inputs[fixed + carried :]
    staged = system.scan(eqn, lambda *parts: run(body, [*consts, *parts]), carry, rows)
    if staged is not None:
        return staged
    in_vars, out_vars = eqn.invars[fixed + carried :], eqn.outvars[carried:]
    collected: list[list[Any]] = []
    for k in reversed(range(length)) if p["reverse"] else range(length):
        now = [map_entries(system, var, _row(k), [x]) for var, x in zip(in_vars, rows, strict=True)]
        outputs = run(body, [*consts, *carry, *now])
        carry = outputs[:carried]
        collected.append(outputs[carried:])
    if p["reverse"]:
        collected.reverse()
    columns = zip(*collected, strict=True) if collected else ([] for _ in out_vars)
    stacked = [_stack(system, var, list(c)) for var, c in zip(out_vars, columns, strict=True)]
    return [*carry, *stacked]


def _row(k: int) -> Callable[..., Any]:
    return lambda xp, x: x[k]


def _stack(system: System[Any], var: Variable, rows: list[Any]) -> Any:
    if not rows:
        empty = np.zeros(var.aval.shape, np.int64)
        return lift_constant(system.lift, empty, var.aval.dtype) if is_floating(var) else empty.astype(var.aval.dtype)
    return map_entries(system, var, lambda xp, *x: xp.stack(x), rows)


def _while(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any], run: Run) -> list[Any]:
    p = eqn.params
    n, m = p["cond_nconsts"], p["body_nconsts"]
    for_condition, for_body, state = inputs[:n], inputs[n : n + m], inputs[n + m :]
    while True:
        going = concrete(run(p["cond_jaxpr"], [*for_condition, *state])[0], _at(eqn))
        if not np.any(going):
            return state
        new = run(p["body_jaxpr"], [*for_body, *state])
        # a loop that is mapped over arrays has a condition for each of them, and goes on for some
        state = (
            new
            if np.all(going)
            else [
                map_entries(system, var, _where(going), pair)
                for var, *pair in zip(eqn.outvars, new, state, strict=True)
            ]
        )


def _where(going: np.ndarray) -> Callable[..., Any]:
    def move(xp: Any, new: Any, old: Any) -> Any:
        return xp.where(going.reshape(going.shape + (1,) * (np.ndim(new) - going.ndim)), new, old)

    return move


def _cond(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any], run: Run) -> list[Any]:
    branches = eqn.params["branches"]
    index = min(max(int(concrete(inputs[0], _at(eqn))), 0), len(branches) - 1)
    return run(branches[index], inputs[1:])


def _at(eqn: core.JaxprEqn) -> str:
    return f"'{eqn.primitive.name}' at {source_line(eqn)}"


_CALLS = (
    *("jit", "pjit", "closed_call", "core_call", "call", "eval_jaxpr"),
    *("remat", "remat2", "checkpoint", "custom_jvp_call"),
)


CONTROL: Mapping[str, Callable[..., list[Any]]] = {
    **dict.fromkeys((*_CALLS, "custom_vjp_call", "custom_vjp_call_jaxpr"), _call),
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "custom_linear_solve": _linear_solve,
    **dict.fromkeys(("optimization_barrier", "device_put"), lambda system, eqn, inputs, run: inputs),
    # they show numbers and change none
    **dict.fromkeys(("debug_callback", "debug_print"), lambda system, eqn, inputs, run: []),
}
