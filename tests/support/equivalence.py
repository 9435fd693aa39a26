"""What every test of an equivalence asks: do two functions meet within the rounding bounds of their traces?

One side is compiled, which takes longer than all else; the other is its trace, evaluated operation by operation.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.extend import core

from lrgd_jax.certify import Bounded, Program, running_error, trace
from lrgd_jax.claims.comparison import Comparison, compare

_seen: dict[Any, tuple[Callable[..., Any], Program, Callable[..., Any]]] = {}


def run_compiled(function: Callable[..., Any], *arguments: Any) -> Bounded:
    """What XLA computes, with the running error of the traced program. One compilation a function and shape."""
    program, compiled = _traced(function, arguments)
    outputs = program.unflatten(compiled(*program.flatten(arguments)))
    error = running_error(program, *arguments).error
    return Bounded(jax.tree.map(lambda x: np.asarray(x).astype(np.float64), outputs), error)


def evaluate_trace(function: Callable[..., Any], *arguments: Any) -> Bounded:
    """The same without compiling: the traced program evaluated in float64, and its running error."""
    return running_error(_traced(function, arguments)[0], *arguments)


def meet(left: Callable[..., Any], right: Callable[..., Any], *arguments: Any) -> Comparison:
    """Compares a compiled function with an evaluated one; holds only where all is finite and within the bounds."""
    return compare(run_compiled(left, *arguments), evaluate_trace(right, *arguments))


def _traced(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Program, Callable[..., Any]]:
    signature = jax.tree.map(lambda x: (np.shape(x), np.asarray(x).dtype), arguments)
    key = (id(function), str(signature))
    if key not in _seen:
        program = trace(function, *arguments)
        # the function is kept, so that its id is not given to another
        _seen[key] = function, program, jax.jit(core.jaxpr_as_fun(program.jaxpr))
    return _seen[key][1:]
