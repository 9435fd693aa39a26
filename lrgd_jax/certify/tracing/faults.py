"""What is wrong with a function that was given: one sentence with the line where it is, and what to write instead."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import errors

from lrgd_jax.certify.tracing.digests import digest
from lrgd_jax.certify.tracing.program import Program, Tree, trace
from lrgd_jax.tracebacks import Line, definition_line, first_sentence, is_refusal, user_line

__all__ = ["FaultError", "name_with_line", "naming_faults", "naming_refusals", "trace_or_explain"]


class FaultError(ValueError):
    """A function that was given cannot be evaluated; the message names it, its line, and what to do."""


def trace_or_explain(
    what: str, function: Callable[..., Any], call: Callable[..., Any], *args: Tree, twice: bool = True
) -> Program:
    """Traces a function that was given.

    Args:
        what: how a message begins, such as "claim mine: left side at {'n': 3} cannot be evaluated".
        function: what was given, whose definition is named where no line of a traceback is.
        call: what is traced, and calls it.
        args: as for `trace`.
        twice: whether it is traced again, which shows what depends on more than its arguments: random numbers that are
            drawn inside, a counter, a clock.

    Raises:
        FaultError: it raises something, returns what are no arrays, or its two traces are not one program.
    """

    def returned(*arguments: Any) -> Any:
        result = call(*arguments)
        wrong = _no_arrays(result)
        if wrong is not None:
            raise FaultError(f"{what}: {wrong}{_at(definition_line(function))}")
        return result

    with naming_faults(what, function):
        # JAX keeps the trace of a function by its identity
        programs = [trace(lambda *arguments: returned(*arguments), *args) for _ in range(1 + twice)]
    if len({digest(program) for program in programs}) > 1:
        raise FaultError(
            f"{what}: two traces of it are different programs, so it draws random numbers or keeps something between "
            f"calls{_at(_unsteady(function))}; take random numbers as an argument, and change nothing outside"
        )
    return programs[0]


def name_with_line(name: str, function: Callable[..., Any]) -> str:
    """The name of a function, and where it is defined."""
    line = definition_line(function)
    return name if line is None else f"{name} ({line})"


@contextlib.contextmanager
def naming_faults(what: str, function: Callable[..., Any] | None = None) -> Iterator[None]:
    """Names whatever a function that was given raises.

    Args:
        what: how the message begins.
        function: what was given.

    Raises:
        FaultError: something was raised, which is the cause.
    """
    try:
        yield
    except FaultError:
        raise
    except (Exception, SystemExit) as fault:
        line = user_line(fault) or (None if function is None else definition_line(function))
        known = next((one for one in _KNOWN if isinstance(fault, one.kinds)), None)
        if known is None:
            said = first_sentence(str(fault))
            problem = f"{type(fault).__name__}: {said}" if said else type(fault).__name__
            advice = "; write x.at[i].set(y) in place of x[i] = y" if "item assignment" in said else ""
        else:
            problem, advice = f"{known.problem} ({type(fault).__name__})", f"; {known.advice(line)}"
        raise FaultError(f"{what}: {problem}{_at(line)}{advice}") from fault


@contextlib.contextmanager
def naming_refusals(what: str) -> Iterator[None]:
    """Says of which function a program is where a number system refuses it, for which its author is not to blame.

    Raises:
        ValueError: the program was refused. What else is raised is a mistake of this package, and passes.
    """
    try:
        yield
    except FaultError:
        raise
    except (ValueError, NotImplementedError, ArithmeticError) as refusal:
        if not is_refusal(refusal) and not isinstance(refusal, ArithmeticError):
            raise
        raise ValueError(f"{what}: {_name_error(refusal)}") from refusal


@dataclass(frozen=True)
class _Known:
    """What JAX says in many lines."""

    kinds: type[Exception]
    problem: str
    instead: str

    def advice(self, line: Line | None) -> str:
        """What to write in the place of a line."""
        text = "" if line is None else line.text
        if self.kinds is errors.TracerBoolConversionError:
            return next((advice for pattern, advice in _CONDITIONS if re.search(pattern, text)), self.instead)
        return self.instead


_CONDITIONS = (
    (r"\bwhile\b", "use jax.lax.while_loop in place of `while`"),
    (r"\bassert\b", "leave the assertion out, or assert what is known of shapes only"),
    (r"\b(min|max|sorted)\(", "use jnp.minimum, jnp.maximum or jnp.sort in place of Python's own"),
    (r"\b(and|or|not)\b", "use jnp.logical_and, jnp.logical_or or jnp.logical_not, and jnp.where in place of `if`"),
)

_VALUE = "a value that is known only when the program runs"

_KNOWN = (
    _Known(
        errors.TracerBoolConversionError,
        f"a condition of Python is asked of {_VALUE}",
        "use jnp.where or jax.lax.cond in place of `if`",
    ),
    _Known(
        errors.TracerArrayConversionError,
        f"NumPy is given {_VALUE}",
        "use jax.numpy in place of numpy",
    ),
    _Known(
        errors.TracerIntegerConversionError,
        f"an index or a size of Python is asked of {_VALUE}",
        "index a jnp array, or take sizes from x.shape or the dimensions",
    ),
    _Known(
        errors.NonConcreteBooleanIndexError,
        "the shape of x[mask] depends on the values of the mask",
        "use jnp.where(mask, x, 0) in place of x[mask]",
    ),
    _Known(
        errors.ConcretizationTypeError,
        f"a number of Python, or a size, is asked of {_VALUE}",
        "leave out float(), int() and .item(), use jnp in place of math, and take sizes from x.shape or the dimensions",
    ),
    _Known(
        errors.UnexpectedTracerError,
        "a value of an earlier call was kept and used again",
        "return it, and change nothing outside of the function",
    ),
)


def _at(line: Line | None) -> str:
    return "" if line is None else f", at {line}"


def _name_error(error: BaseException) -> str:
    """The message alone where it was written for users."""
    return str(error) if is_refusal(error) else f"{type(error).__name__}: {first_sentence(str(error))}"


def _no_arrays(result: Tree) -> str | None:
    """What is wrong with a result that is no tree of arrays."""
    if result is None:
        return "it returns None (is a `return` missing?)"
    kinds = jax.Array | np.ndarray | np.generic | bool | int | float | complex
    wrong = next((x for x in jax.tree.leaves(result) if not isinstance(x, kinds)), None)
    return None if wrong is None else f"it returns a {type(wrong).__name__}; return arrays, in tuples or dictionaries"


def _unsteady(function: Callable[..., Any]) -> Line | None:
    """The first line of a function that speaks of chance or time; else where it is defined."""
    place = definition_line(function)
    if place is None:
        return None
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(function))
    except (OSError, TypeError):
        return place
    suspects = (k for k, text in enumerate(lines) if re.search(r"\brandom\b|\brng\b|\btime\b|\bnext\(", text))
    offset = next(suspects, None)
    return place if offset is None else Line(place.file, first + offset)
