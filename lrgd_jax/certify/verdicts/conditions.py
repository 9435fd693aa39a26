"""Conditions of a certificate: where both programs have a value, and what was taken for exact or for infinite.

Real numbers have no rounding and no infinity, and x/x = 1 holds where x is not zero. What a certificate leaves out or
takes for granted is read off the traced programs, with the line of the source that it comes from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lrgd_jax.certify.fields.symbolic import MASK
from lrgd_jax.certify.tracing.free_functions import FREE, program_behind
from lrgd_jax.certify.tracing.jax_versions import scan_layout
from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.tracing.source_lines import enter, source_line
from lrgd_jax.certify.walking.liveness import live

__all__ = ["REAL", "Condition", "conditions_of", "place_of"]

Kind = Literal["pole", "domain", "mask", "cast", "jump", "constant", "real numbers"]


@dataclass(frozen=True)
class Condition:
    """What a certificate depends on.

    Attributes:
        kind: "pole" or "domain": where there is no value; "mask": a literal taken for minus infinity; "cast": a
            rounding taken for exact; "constant": a literal taken for another number; "jump": where rounding may move a
            result by a whole step; "real numbers": what is left out always.
        text: in words.
        source: file, line and function that it comes from; empty where it is all of the program.
    """

    kind: Kind
    text: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.source})" if self.source else self.text

    def as_dict(self) -> dict[str, str]:
        """For a JSON file."""
        return asdict(self)


REAL = Condition(
    "real numbers",
    "evaluated in real arithmetic, from programs traced in 64 bits: nothing is said of rounding and overflow, and a "
    "constant counts as the number that it was rounded to, unless it is listed",
)
"""Of every certificate."""

_DOMAINS: Mapping[str, tuple[Kind, str]] = {
    "div": ("pole", "'div' divides by a number that must not be zero"),
    "rem": ("pole", "'rem' divides by a number that must not be zero"),
    "triangular_solve": ("pole", "'triangular_solve' divides by a diagonal without zeros"),
    "lu": (
        "pole",
        "the matrix of 'lu' must not be singular, and what is shown does not depend on which of its rows are pivots",
    ),
    "tan": ("pole", "the cosine of the argument of 'tan' must not be zero"),
    "lgamma": ("pole", "the argument of 'lgamma' must not be zero or a negative whole number"),
    "digamma": ("pole", "the argument of 'digamma' must not be zero or a negative whole number"),
    "rsqrt": ("domain", "the argument of 'rsqrt' must be positive"),
    "log": ("domain", "the argument of 'log' must be positive"),
    "log1p": ("domain", "the argument of 'log1p' must be more than -1"),
    "sqrt": ("domain", "the argument of 'sqrt' must not be negative"),
    "asin": ("domain", "the argument of 'asin' must lie between -1 and 1"),
    "acos": ("domain", "the argument of 'acos' must lie between -1 and 1"),
    "acosh": ("domain", "the argument of 'acosh' must not be less than 1"),
    "atanh": ("domain", "the argument of 'atanh' must lie between -1 and 1, neither of them included"),
    "erf_inv": ("domain", "the argument of 'erf_inv' must lie between -1 and 1, neither of them included"),
    "atan2": ("domain", "the arguments of 'atan2' must not both be zero"),
    "cholesky": ("domain", "the argument of 'cholesky' must be positive definite"),
}
"""Which of the primitives have no value somewhere; of a constant nothing need be said."""

_DIVIDED_BY: Mapping[str, int] = {"div": 1, "rem": 1, "triangular_solve": 0}
"""The operand that matters, where not all of them do."""

_JUMPS = ("floor", "ceil", "round")


def conditions_of(*programs: Program) -> tuple[Condition, ...]:
    """The conditions of programs that are evaluated in exact numbers, each once, in the order of the programs.

    Branches and loops count with all of their equations, whether an input reaches them or not, so there may be more
    conditions than are needed, never fewer.

    Args:
        programs: traced functions; all their arguments vary.

    Examples:
        >>> from lrgd_jax.certify import trace
        >>> always, pole = conditions_of(trace(lambda x: x / x, 2.0))
        >>> print(pole)  # doctest: +ELLIPSIS
        'div' divides by a number that must not be zero (...)
    """
    found: dict[Condition, None] = {REAL: None}
    for program in programs:
        reader = _Reader(found)
        reader.closed(program.jaxpr, [True] * len(program.jaxpr.in_avals))
    return tuple(found)


def place_of(eqn: core.JaxprEqn) -> str:
    """File, line and function of an equation, without folders and columns, which are not the program's."""
    line = source_line(eqn)
    head, bracket, function = line.partition(" (")
    return re.sub(r"(:\d+):\d+(?:-\d+)?$", r"\1", re.split(r"[/\\]", head)[-1]) + bracket + function


class _Reader:
    """Reads jaxprs; `varies` says of each variable whether it depends on an argument of the program."""

    def __init__(self, found: dict[Condition, None]) -> None:
        self.found = found

    def closed(self, closed: ClosedJaxpr, varies: Sequence[bool]) -> list[bool]:
        """Notes the conditions of a jaxpr; returns which of its outputs vary."""
        return self.open(closed.jaxpr, varies, closed.consts)

    def open(self, jaxpr: core.Jaxpr, varies: Sequence[bool], consts: Sequence[Any] = ()) -> list[bool]:
        """The same without constants."""
        known: dict[Any, bool] = dict(zip(jaxpr.invars, varies, strict=True))
        constants = dict(zip(jaxpr.constvars, consts, strict=False))

        def read(var: Variable) -> bool:
            return not isinstance(var, core.Literal) and known.get(var, False)

        for eqn in live(jaxpr):
            inputs = [read(var) for var in eqn.invars]
            for var in eqn.invars:
                self._note_mask(eqn, var.val if isinstance(var, core.Literal) else constants.get(var))
            known.update(zip(eqn.outvars, self._outputs(eqn, inputs), strict=True))
        return [read(var) for var in jaxpr.outvars]

    def _outputs(self, eqn: core.JaxprEqn, inputs: list[bool]) -> list[bool]:
        control = _CONTROL.get(eqn.primitive.name)
        inner = _called(eqn)
        with enter(eqn):
            if control is not None:
                return control(self, eqn, inputs)
            if inner is not None:
                return self.closed(inner, inputs) if isinstance(inner, ClosedJaxpr) else self.open(inner, inputs)
        for kind, text in _conditions(eqn, inputs):
            self._note(kind, text, eqn)
        return [any(inputs)] * len(eqn.outvars)

    def _note(self, kind: Kind, text: str, eqn: core.JaxprEqn) -> None:
        self.found[Condition(kind, text, place_of(eqn))] = None

    def _note_mask(self, eqn: core.JaxprEqn, value: Any) -> None:
        if value is None or not jnp.issubdtype(np.asarray(value).dtype, jnp.floating):
            return
        numbers = np.asarray(value, np.float64)
        for number in np.unique(numbers[(numbers <= -MASK) & np.isfinite(numbers)]):
            self._note("mask", f"the literal {number:g} counts as minus infinity in prime fields", eqn)

    def _scan(self, eqn: core.JaxprEqn, inputs: list[bool]) -> list[bool]:
        fixed, carried = scan_layout(eqn.params)
        constants, carry, rows = inputs[:fixed], inputs[fixed : fixed + carried], inputs[fixed + carried :]

        def body(carry: list[bool]) -> list[bool]:
            return self.closed(eqn.params["jaxpr"], [*constants, *carry, *rows])

        carry = _settled(lambda now: body(now)[:carried], carry)
        return [*carry, *body(carry)[carried:]]

    def _while(self, eqn: core.JaxprEqn, inputs: list[bool]) -> list[bool]:
        p = eqn.params
        first, second = p["cond_nconsts"], p["cond_nconsts"] + p["body_nconsts"]

        def body(carry: list[bool]) -> list[bool]:
            (again,) = self.closed(p["cond_jaxpr"], [*inputs[:first], *carry])
            return [again or x for x in self.closed(p["body_jaxpr"], [*inputs[first:second], *carry])]

        return _settled(body, inputs[second:])

    def _cond(self, eqn: core.JaxprEqn, inputs: list[bool]) -> list[bool]:
        branches = [self.closed(branch, inputs[1:]) for branch in eqn.params["branches"]]
        return [inputs[0] or any(each) for each in zip(*branches, strict=True)]

    def _free(self, eqn: core.JaxprEqn, inputs: list[bool]) -> list[bool]:
        return self.closed(program_behind(eqn).jaxpr, inputs)


_CONTROL: Mapping[str, Callable[[_Reader, core.JaxprEqn, list[bool]], list[bool]]] = {
    "scan": _Reader._scan,
    "while": _Reader._while,
    "cond": _Reader._cond,
    FREE: _Reader._free,
}


def _settled(step: Callable[[list[bool]], list[bool]], carry: list[bool]) -> list[bool]:
    """What varies after any number of steps; no more steps are needed than there are variables."""
    while True:
        after = [a or b for a, b in zip(carry, step(carry), strict=True)]
        if after == carry:
            return carry
        carry = after


def _called(eqn: core.JaxprEqn) -> Any:
    keys = ("jaxpr", "call_jaxpr", "fun_jaxpr")
    return next((eqn.params[key] for key in keys if isinstance(eqn.params.get(key), _JAXPRS)), None)


_JAXPRS = ClosedJaxpr, core.Jaxpr


def _conditions(eqn: core.JaxprEqn, varies: list[bool]) -> Iterator[tuple[Kind, str]]:
    """Of one equation that calls nothing."""
    name = eqn.primitive.name
    floating = [jnp.issubdtype(_dtype(var), jnp.inexact) for var in eqn.invars]
    if name in _DOMAINS and all(floating) and (varies[_DIVIDED_BY[name]] if name in _DIVIDED_BY else any(varies)):
        yield _DOMAINS[name]
    if name in ("integer_pow", "pow") and varies[0]:
        yield from _of_a_power(eqn, varies)
    if name in _JUMPS and any(varies):
        yield "jump", f"'{name}' jumps: an argument that rounding moves over a step gives another result"
    yield from _casts(eqn, varies)


def _of_a_power(eqn: core.JaxprEqn, varies: list[bool]) -> Iterator[tuple[Kind, str]]:
    name, exponent = eqn.primitive.name, eqn.params.get("y")
    if exponent is None and isinstance(eqn.invars[1], core.Literal):
        exponent = np.asarray(eqn.invars[1].val).item()
    if exponent is None and jnp.issubdtype(_dtype(eqn.invars[1]), jnp.integer):
        yield "pole", f"'{name}' to a negative power divides by a number that must not be zero"
    elif exponent is None or exponent != math.floor(exponent):
        least = "must be positive" if exponent is None or exponent < 0 else "must not be negative"
        yield "domain", f"the base of '{name}' to the power {'that varies' if exponent is None else exponent} {least}"
    elif exponent < 0:
        yield "pole", f"'{name}' to the power {exponent} divides by a number that must not be zero"


def _casts(eqn: core.JaxprEqn, varies: list[bool]) -> Iterator[tuple[Kind, str]]:
    name = eqn.primitive.name
    if name == "reduce_precision":
        digits = f"{eqn.params['exponent_bits']} bits of exponent and {eqn.params['mantissa_bits']} of mantissa"
        yield "cast", f"'reduce_precision' to {digits} counts as exact"
    if name not in ("convert_element_type", "dot_general") or not jnp.issubdtype(_dtype(eqn.invars[0]), jnp.inexact):
        return
    source, target = _dtype(eqn.invars[0]), _dtype(eqn.outvars[0])
    if jnp.issubdtype(target, jnp.inexact) and _narrower(target, source):
        yield "cast", f"'{name}' from {source} to {target} counts as exact"
    elif jnp.issubdtype(target, jnp.integer) and any(varies):
        yield "jump", f"'{name}' from {source} to {target} jumps: rounding may move a number over a whole one"


def _narrower(target: Any, source: Any) -> bool:
    one, other = jnp.finfo(target), jnp.finfo(source)
    return one.nmant < other.nmant or one.nexp < other.nexp


def _dtype(var: Variable) -> Any:
    return var.aval.dtype
