"""One walker over traced programs; the number system it computes in is a plug-in.

A program is traced once to a jaxpr. `walk` then evaluates the jaxpr in a `System`: rounding errors, perturbed floats,
rationals, a prime field, balls. The walker owns everything that does not depend on the numbers: calls are inlined,
loops are unrolled, integers and booleans are evaluated as they stand, data movement is done once for all systems. A
system only says how a constant is lifted, how an array function acts on an element, and what each arithmetic primitive
means. A primitive that nobody knows raises; it is never skipped.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing import jax_versions as versions
from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable
from lrgd_jax.certify.tracing.program import Program, is_key
from lrgd_jax.certify.tracing.source_lines import enter, source_line
from lrgd_jax.certify.walking import discrete
from lrgd_jax.certify.walking.complex_numbers import COMPLEX, Pair, is_complex, on_parts, regroup, split
from lrgd_jax.certify.walking.control_flow import CONTROL
from lrgd_jax.certify.walking.data_movement import MOVES, along
from lrgd_jax.certify.walking.discrete import Open, concrete, out_dtype
from lrgd_jax.certify.walking.entries import lift_constant, map_entries, move_entries
from lrgd_jax.certify.walking.expansions import EXPANSIONS, expanded
from lrgd_jax.certify.walking.liveness import live
from lrgd_jax.certify.walking.system import E, System, UnknownPrimitiveError, is_floating


def walk(program: Program, system: System[E], inputs: Sequence[Any]) -> list[Any]:
    """Evaluates a program in a number system.

    Args:
        program: the traced function.
        system: the number system.
        inputs: one per leaf of the arguments: an element where the leaf is floating, else a `numpy` array.

    Returns:
        One per leaf of the result: an element, a `numpy` array, or `Open` booleans.

    Raises:
        UnknownPrimitiveError: at a primitive without a rule.
        UndecidableError: at control flow or an index that the system cannot decide.

    Examples:
        >>> from lrgd_jax.certify import Rationals, trace
        >>> x, system = np.array([1.0, 2.0]), Rationals()
        >>> walk(trace(lambda x: (x / 3).sum(), x.astype("float32")), system, [system.lift(x, x.dtype)])[0].array.item()
        1
    """
    outputs = _closed(system, program.jaxpr, inputs)
    if any(isinstance(x, Pair) for x in outputs):
        raise UnknownPrimitiveError("the program returns complex numbers; return their real and imaginary parts")
    return outputs


def _closed(system: System[Any], closed: ClosedJaxpr, inputs: Sequence[Any]) -> list[Any]:
    consts = [_constant(system, var, value) for var, value in zip(closed.jaxpr.constvars, closed.consts, strict=True)]
    return _evaluate(system, closed.jaxpr, consts, inputs)


def _run(system: System[Any], inner: ClosedJaxpr | core.Jaxpr, inputs: Sequence[Any]) -> list[Any]:
    if isinstance(inner, ClosedJaxpr):
        return _closed(system, inner, inputs)
    return _evaluate(system, inner, (), inputs)


def _constant(system: System[Any], var: Variable, value: Any) -> Any:
    if is_floating(var):
        return lift_constant(system.literal, np.asarray(value, var.aval.dtype), var.aval.dtype)
    return value if is_key(var.aval.dtype) else np.asarray(value, var.aval.dtype)


def _evaluate(system: System[Any], jaxpr: core.Jaxpr, consts: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, inputs, strict=True))

    def read(var: Variable) -> Any:
        return _constant(system, var, var.val) if isinstance(var, core.Literal) else env[var]

    for eqn in live(jaxpr):
        operands = [read(var) for var in eqn.invars]
        outputs = _step(system, eqn, operands)
        system.seen(eqn, operands, outputs)
        env.update(zip(eqn.outvars, outputs, strict=True))
    return [read(var) for var in jaxpr.outvars]


def _step(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    name = eqn.primitive.name
    if name in CONTROL:
        with enter(eqn):
            return CONTROL[name](system, eqn, inputs, functools.partial(_run, system))
    if name in MOVES:
        return move_entries(system, eqn, inputs)
    newer = versions.expansion(eqn)
    if newer is not None:
        return walk(newer, system, inputs)
    floating = [is_floating(var) for var in (*eqn.invars, *eqn.outvars)]
    if not any(floating):
        return discrete.evaluate(eqn, inputs)
    if name == "sort" and not any(floating[: eqn.params["num_keys"]]):
        return _sort_by_integers(system, eqn, inputs)
    if name != "fft" and any(map(is_complex, (*eqn.invars, *eqn.outvars))):
        return _on_parts(system, eqn, inputs)
    if name in EXPANSIONS and system.expands(name):
        return _in_full(system, eqn, inputs)
    if name in _OF_NUMBERS:
        inputs = [_as_element(system, eqn, x) for x in inputs]
    elif not any(floating[: len(inputs)]):
        return _lift_discrete(system, eqn, inputs)
    return system.apply(eqn, inputs)


_OF_NUMBERS = frozenset({"dot_general", "add", "add_any", "sub", "mul", "div", "max", "min"})
"""Primitives that take an integer or a boolean beside a number for that number."""


def _as_element(system: System[Any], eqn: core.JaxprEqn, x: Any) -> Any:
    if isinstance(x, Open):
        return system.choose(x, [system.lift(np.full(x.value.shape, k), out_dtype(eqn)) for k in (0, 1)])
    return system.lift(x, out_dtype(eqn)) if isinstance(x, np.ndarray) else x


@functools.lru_cache(maxsize=256)
def _expanded(eqn: core.JaxprEqn) -> Program:
    return expanded(eqn)


@functools.lru_cache(maxsize=256)
def _parts(eqn: core.JaxprEqn) -> Program:
    return on_parts(eqn)


def _in_full(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    try:
        program = _expanded(eqn)
    except NotImplementedError as reason:
        raise UnknownPrimitiveError(f"'{eqn.primitive.name}' at {source_line(eqn)}: {reason}") from reason
    with enter(eqn):
        return _closed(system, program.jaxpr, inputs)


def _on_parts(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    name = eqn.primitive.name
    if name not in COMPLEX or not system.has_complex(name):
        raise UnknownPrimitiveError(
            f"{type(system).__name__} has no rule for '{name}' of complex numbers at {source_line(eqn)}; write it with "
            "real and imaginary parts"
        )
    with enter(eqn):
        return regroup(eqn, _closed(system, _parts(eqn).jaxpr, split(inputs)))


def _sort_by_integers(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    """Numbers are only carried along."""
    axis, keys = eqn.params["dimension"], inputs[: eqn.params["num_keys"]]
    plain = [np.moveaxis(concrete(x, "a key of 'sort'"), axis, -1) for x in keys]
    move = along(axis, np.moveaxis(np.lexsort(plain[::-1], axis=-1), -1, axis))
    return [map_entries(system, var, move, [x]) for var, x in zip(eqn.invars, inputs, strict=True)]


def _lift_discrete(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    """Floating outputs of integers: only those that are exact, or whose rounding the system can see."""
    name, dtype = eqn.primitive.name, out_dtype(eqn)
    if name == "convert_element_type":
        (x,) = inputs
        if isinstance(x, Open):
            zero, one = (system.lift(np.full(x.value.shape, k), dtype) for k in (0, 1))
            return [system.choose(x, [zero, one])]
        return [lift_constant(system.lift, x, dtype)]
    if name in ("iota", "bitcast_convert_type"):
        (value,) = discrete.evaluate(eqn, inputs)
        return [system.lift(value, dtype)]
    return system.apply(eqn, inputs)
