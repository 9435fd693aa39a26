"""One walker over traced programs; the number system it computes in is a plug-in.

A program is traced once to a jaxpr. `walk` then evaluates the jaxpr in a `System`: rounding errors, perturbed floats,
rationals, a prime field, balls. The walker owns everything that does not depend on the numbers: calls are inlined,
loops are unrolled, integers and booleans are evaluated as they stand, data movement is done once for all systems. A
system only says how a constant is lifted, how an array function acts on an element, and what each arithmetic primitive
means. A primitive that nobody knows raises; it is never skipped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing import jax_versions as versions
from lrgd_jax.certify.tracing.program import Program, inner_jaxprs, is_key
from lrgd_jax.certify.tracing.source_lines import entered, source_line
from lrgd_jax.certify.walking import discrete
from lrgd_jax.certify.walking.alternatives import advice
from lrgd_jax.certify.walking.complex_numbers import COMPLEX, Pair, is_complex, on_parts, real_dtype, regrouped, split
from lrgd_jax.certify.walking.data_movement import INDICES, MOVES, along
from lrgd_jax.certify.walking.discrete import Open, UndecidableError, concrete, out_dtype
from lrgd_jax.certify.walking.expansions import EXPANSIONS, expanded

E = TypeVar("E")
Rule = Callable[..., Any]


class UnknownPrimitiveError(NotImplementedError):
    """A number system has no rule for a primitive of the program."""


class System(Generic[E]):
    """What the walker must know of a number system; elements are arrays of numbers, of any type but `numpy.ndarray`.

    Attributes:
        rules: from the name of an arithmetic primitive to `rule(eqn, *inputs)`, which returns an element, or a
            `numpy` array (or `Open`) if the output is an integer or a boolean; a list where there are several outputs.
    """

    rules: Mapping[str, Rule] = {}

    def lift(self, value: np.ndarray, dtype: np.dtype) -> E:
        """The exact constant `value` (of any real dtype) as an element that stands for an array of `dtype`."""
        raise NotImplementedError

    def move(self, function: Callable[..., Any], *elements: E) -> E:
        """`function(xp, *arrays)` applied to each component array of the elements; `xp` is their array namespace."""
        raise NotImplementedError

    def choose(self, which: Open, cases: Sequence[E]) -> E:
        """`select_n` where the predicate is not decided everywhere."""
        raise UndecidableError(f"{type(self).__name__} cannot select by a comparison that is not decided")

    def literal(self, value: np.ndarray, dtype: np.dtype) -> E:
        """A constant that stands in the program itself; a system may take it for the number that was meant."""
        return self.lift(value, dtype)

    def seen(self, eqn: core.JaxprEqn, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Called after every equation, those within calls and loops included."""

    def has_complex(self, name: str) -> bool:
        """Whether a primitive on complex numbers may be written out on their parts."""
        return True

    def mark(self, eqn: core.JaxprEqn, element: E) -> E:
        """Called on a tensor that the program marks by `jax.ad_checkpoint.checkpoint_name`."""
        return element

    def apply(self, eqn: core.JaxprEqn, inputs: Sequence[Any]) -> list[Any]:
        """The outputs of an arithmetic equation."""
        rule = self.rules.get(eqn.primitive.name)
        if rule is None:
            raise UnknownPrimitiveError(
                f"{type(self).__name__} has no rule for the primitive '{eqn.primitive.name}' at {source_line(eqn)}; "
                f"{advice(eqn.primitive.name)}"
            )
        outputs = rule(eqn, *inputs)
        return outputs if eqn.primitive.multiple_results else [outputs]

    def expands(self, name: str) -> bool:
        """Whether a primitive that can be written out in simpler ones is; a system's own rule is better."""
        return name not in self.rules

    def known_primitives(self) -> set[str]:
        """The arithmetic primitives that have a rule."""
        return set(self.rules)


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
    """
    outputs = _closed(system, program.jaxpr, inputs)
    if any(isinstance(x, Pair) for x in outputs):
        raise UnknownPrimitiveError("the program returns complex numbers; return their real and imaginary parts")
    return outputs


def is_floating(var: Any) -> bool:
    """Whether a variable of a jaxpr holds elements of the number system (else integers, booleans or keys)."""
    return bool(jnp.issubdtype(var.aval.dtype, np.inexact))


def _closed(system: System[Any], closed: core.ClosedJaxpr, inputs: Sequence[Any]) -> list[Any]:
    consts = [_constant(system, var, value) for var, value in zip(closed.jaxpr.constvars, closed.consts, strict=True)]
    return _evaluate(system, closed.jaxpr, consts, inputs)


def _constant(system: System[Any], var: Any, value: Any) -> Any:
    if is_floating(var):
        return _lift(system.literal, np.asarray(value, var.aval.dtype), var.aval.dtype)
    return value if is_key(var.aval.dtype) else np.asarray(value, var.aval.dtype)


def _lift(lift: Callable[..., Any], value: np.ndarray, dtype: Any) -> Any:
    if not jnp.issubdtype(dtype, np.complexfloating):
        return lift(value, dtype)
    real = real_dtype(dtype)
    return Pair(*(lift(np.asarray(part, real), real) for part in (np.real(value), np.imag(value))))


def _evaluate(system: System[Any], jaxpr: core.Jaxpr, consts: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, inputs, strict=True))

    def read(var: Any) -> Any:
        return _constant(system, var, var.val) if isinstance(var, core.Literal) else env[var]

    for eqn in live(jaxpr):
        operands = [read(var) for var in eqn.invars]
        outputs = _step(system, eqn, operands)
        system.seen(eqn, operands, outputs)
        env.update(zip(eqn.outvars, outputs, strict=True))
    return [read(var) for var in jaxpr.outvars]


@functools.lru_cache(maxsize=1024)
def live(jaxpr: core.Jaxpr) -> list[core.JaxprEqn]:
    """The equations that the outputs need: XLA drops the others, and so does the walker."""
    needed = {var for var in jaxpr.outvars if not isinstance(var, core.Literal)}
    kept = []
    for eqn in reversed(jaxpr.eqns):
        if eqn.effects or not needed.isdisjoint(eqn.outvars):
            kept.append(_unread_dropped(eqn, needed))
            needed.update(var for var in eqn.invars if not isinstance(var, core.Literal))
    return kept[::-1]


def _unread_dropped(eqn: core.JaxprEqn, needed: set[Any]) -> core.JaxprEqn:
    """The same equation, with what nobody reads marked so: a sort decides less where nothing is carried along."""
    if needed.issuperset(eqn.outvars) or any(True for _ in inner_jaxprs(eqn)):
        return eqn
    return eqn.replace(outvars=[var if var in needed else versions.dropped(var) for var in eqn.outvars])


def _step(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    name = eqn.primitive.name
    if name in CONTROL:
        with entered(eqn):
            return CONTROL[name](system, eqn, inputs)
    if name in MOVES:
        return _move(system, eqn, inputs)
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
    with entered(eqn):
        return _closed(system, program.jaxpr, inputs)


def _on_parts(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    name = eqn.primitive.name
    if name not in COMPLEX or not system.has_complex(name):
        raise UnknownPrimitiveError(
            f"{type(system).__name__} has no rule for '{name}' of complex numbers at {source_line(eqn)}; write it with "
            "real and imaginary parts"
        )
    with entered(eqn):
        return regrouped(eqn, _closed(system, _parts(eqn).jaxpr, split(inputs)))


def _sort_by_integers(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    """Numbers are only carried along."""
    axis, keys = eqn.params["dimension"], inputs[: eqn.params["num_keys"]]
    plain = [np.moveaxis(concrete(x, "a key of 'sort'"), axis, -1) for x in keys]
    move = along(axis, np.moveaxis(np.lexsort(plain[::-1], axis=-1), -1, axis))
    return [_map(system, var, move, [x]) for var, x in zip(eqn.invars, inputs, strict=True)]


def _lift_discrete(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    """Floating outputs of integers: only those that are exact, or whose rounding the system can see."""
    name, dtype = eqn.primitive.name, out_dtype(eqn)
    if name == "convert_element_type":
        (x,) = inputs
        if isinstance(x, Open):
            zero, one = (system.lift(np.full(x.value.shape, k), dtype) for k in (0, 1))
            return [system.choose(x, [zero, one])]
        return [_lift(system.lift, x, dtype)]
    if name in ("iota", "bitcast_convert_type"):
        (value,) = discrete.evaluate(eqn, inputs)
        return [system.lift(value, dtype)]
    return system.apply(eqn, inputs)


def _move(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    name = eqn.primitive.name
    chosen = range(len(inputs))[INDICES.get(name, slice(0))]
    indices = [_index(name, inputs[k]) for k in chosen]
    data = [x for k, x in enumerate(inputs) if k not in chosen]
    floating = is_floating(eqn.outvars[0])
    if indices and isinstance(indices[0], Open):
        return [_choose(system, indices[0], data) if floating else _choose_discrete(indices[0], data)]
    functions = MOVES[name](eqn, *indices)
    if name == "gather":
        data = [*data, _fill(system, eqn)]
    functions = functions if isinstance(functions, list) else [functions]
    if not floating:
        return [_move_discrete(f, data) for f in functions]
    outputs = [_moved(system, f, data) for f in functions]
    return [system.mark(eqn, x) for x in outputs] if name == "name" else outputs


def _moved(system: System[Any], function: Callable[..., Any], data: Sequence[Any]) -> Any:
    if isinstance(data[0], Pair):
        return Pair(*(system.move(function, *parts) for parts in zip(*data, strict=True)))
    return system.move(function, *data)


def _choose(system: System[Any], which: Open, cases: Sequence[Any]) -> Any:
    if isinstance(cases[0], Pair):
        return Pair(*(system.choose(which, parts) for parts in zip(*cases, strict=True)))
    return system.choose(which, cases)


def _index(name: str, index: Any) -> Any:
    return index if name == "select_n" else concrete(index, f"an index of '{name}'")


def _move_discrete(function: Callable[..., Any], data: Sequence[Any]) -> Any:
    if not any(isinstance(x, Open) for x in data):
        return function(np, *data)
    values = function(np, *(x.value if isinstance(x, Open) else x for x in data))
    open_ = function(np, *(x.uncertain if isinstance(x, Open) else np.zeros(np.shape(x), bool) for x in data))
    return discrete.decided(values, open_)


def _choose_discrete(which: Open, cases: Sequence[Any]) -> Any:
    no, yes = (concrete(x, "a selection between booleans") for x in cases)
    differ = np.broadcast_to(np.asarray(no != yes) & which.uncertain, np.broadcast_shapes(no.shape, which.value.shape))
    value = np.where(which.value, yes, no)
    if value.dtype != np.bool_ and differ.any():
        concrete(which, "a selection between integers")
    return discrete.decided(value, differ)


def _fill(system: System[Any], eqn: core.JaxprEqn) -> Any:
    """What a gather yields out of bounds."""
    value, dtype = eqn.params["fill_value"], np.dtype(out_dtype(eqn))
    if is_floating(eqn.outvars[0]):
        return _lift(system.lift, np.asarray(np.nan if value is None else value), dtype)
    if value is None:
        value = True if dtype == np.bool_ else np.iinfo(dtype).max if dtype.kind == "u" else np.iinfo(dtype).min
    return np.asarray(value, dtype)


def _call(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    known = versions.library_function(eqn)
    if known is not None and (known is not versions.DET or known.name in system.known_primitives()):
        return system.apply(eqn.replace(primitive=known, params={}), inputs)
    params = eqn.params
    inner = next(params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params)
    if isinstance(inner, core.ClosedJaxpr):
        return _closed(system, inner, inputs)
    return _evaluate(system, inner, (), inputs)


def _linear_solve(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    """What runs is the solver that the program brings along, whose constants come third."""
    lengths, solver = eqn.params["const_lengths"], eqn.params["jaxprs"].solve
    start = lengths.matvec + lengths.vecmat
    right = inputs[sum(lengths) :]
    return _closed(system, solver, [*inputs[start : start + lengths.solve], *right])


def _scan(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    p = eqn.params
    body, length, (fixed, carried) = p["jaxpr"], p["length"], versions.scan_layout(p)
    consts, carry, rows = inputs[:fixed], inputs[fixed : fixed + carried], inputs[fixed + carried :]
    in_vars, out_vars = eqn.invars[fixed + carried :], eqn.outvars[carried:]
    collected: list[list[Any]] = []
    for k in reversed(range(length)) if p["reverse"] else range(length):
        now = [_map(system, var, _row(k), [x]) for var, x in zip(in_vars, rows, strict=True)]
        outputs = _closed(system, body, [*consts, *carry, *now])
        carry = outputs[:carried]
        collected.append(outputs[carried:])
    if p["reverse"]:
        collected.reverse()
    columns = zip(*collected, strict=True) if collected else ([] for _ in out_vars)
    stacked = [_stack(system, var, list(c)) for var, c in zip(out_vars, columns, strict=True)]
    return [*carry, *stacked]


def _map(system: System[Any], var: Any, function: Callable[..., Any], data: Sequence[Any]) -> Any:
    return _moved(system, function, data) if is_floating(var) else _move_discrete(function, data)


def _row(k: int) -> Callable[..., Any]:
    return lambda xp, x: x[k]


def _stack(system: System[Any], var: Any, rows: list[Any]) -> Any:
    if not rows:
        empty = np.zeros(var.aval.shape, np.int64)
        return _lift(system.lift, empty, var.aval.dtype) if is_floating(var) else empty.astype(var.aval.dtype)
    return _map(system, var, lambda xp, *x: xp.stack(x), rows)


def _while(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    p = eqn.params
    n, m = p["cond_nconsts"], p["body_nconsts"]
    for_condition, for_body, state = inputs[:n], inputs[n : n + m], inputs[n + m :]
    while True:
        going = concrete(_closed(system, p["cond_jaxpr"], [*for_condition, *state])[0], _at(eqn))
        if not np.any(going):
            return state
        new = _closed(system, p["body_jaxpr"], [*for_body, *state])
        # a loop that is mapped over arrays has a condition for each of them, and goes on for some
        state = (
            new
            if np.all(going)
            else [_map(system, var, _where(going), pair) for var, *pair in zip(eqn.outvars, new, state, strict=True)]
        )


def _where(going: np.ndarray) -> Callable[..., Any]:
    def move(xp: Any, new: Any, old: Any) -> Any:
        return xp.where(going.reshape(going.shape + (1,) * (np.ndim(new) - going.ndim)), new, old)

    return move


def _cond(system: System[Any], eqn: core.JaxprEqn, inputs: list[Any]) -> list[Any]:
    branches = eqn.params["branches"]
    index = min(max(int(concrete(inputs[0], _at(eqn))), 0), len(branches) - 1)
    return _closed(system, branches[index], inputs[1:])


def _at(eqn: core.JaxprEqn) -> str:
    return f"'{eqn.primitive.name}' at {source_line(eqn)}"


_CALLS = ("jit", "pjit", "closed_call", "core_call", "call", "remat", "remat2", "checkpoint", "custom_jvp_call")
CONTROL: Mapping[str, Callable[..., list[Any]]] = {
    **dict.fromkeys((*_CALLS, "custom_vjp_call", "custom_vjp_call_jaxpr"), _call),
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "custom_linear_solve": _linear_solve,
    **dict.fromkeys(("optimization_barrier", "device_put"), lambda system, eqn, inputs: inputs),
    # they show numbers and change none
    **dict.fromkeys(("debug_callback", "debug_print"), lambda system, eqn, inputs: []),
}
