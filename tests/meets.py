"""What every test of an equivalence asks: do two functions meet within the rounding bounds of their traces?"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from lrgd_jax.certify import Bounded, Program, running_error, trace
from lrgd_jax.claims.comparison import Comparison, compare

_seen: dict[Any, tuple[Callable[..., Any], Program, Callable[..., Any]]] = {}


def computed(function: Callable[..., Any], *arguments: Any) -> Bounded:
    """What XLA computes, with the running error of the traced program. One compilation a function and shape."""
    signature = jax.tree.map(lambda x: (np.shape(x), np.asarray(x).dtype), arguments)
    key = (id(function), str(signature))
    if key not in _seen:
        # the function is kept, so that its id is not given to another
        _seen[key] = (function, trace(function, *arguments), jax.jit(lambda *given: function(*given)))
    _, program, compiled = _seen[key]
    error = running_error(program, *arguments).error
    return Bounded(jax.tree.map(lambda x: np.asarray(x).astype(np.float64), compiled(*arguments)), error)


def meet(left: Callable[..., Any], right: Callable[..., Any], *arguments: Any) -> Comparison:
    """Compares two functions at the same arguments; holds only where all is finite and within the bounds."""
    return compare(computed(left, *arguments), computed(right, *arguments))
