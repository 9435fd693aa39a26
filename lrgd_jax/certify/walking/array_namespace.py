"""One set of rules for the arrays of NumPy and of JAX: a function comes from where its arguments live.

A rule that says `xp.where(...)` runs at once on NumPy arrays, as a walk over one instance does, and becomes a part of
the traced program where one of its arguments is an array of JAX, as in `lrgd_jax.certify.bounded`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import scipy.special

from lrgd_jax.certify.tracing.program import DType

__all__ = ["Accumulating", "is_traced", "may_be_nonzero", "namespace_of", "round_to", "surely", "xp"]

AnyArray: TypeAlias = np.ndarray | jax.Array

_PLAIN = frozenset({np.ndarray, np.float64, np.bool_, np.int64, float, int, bool, str, type(None)})


def is_traced(x: object) -> bool:
    """Whether an array, or one of a list of arrays, is one of JAX."""
    if type(x) in _PLAIN:
        return False
    return any(map(is_traced, x)) if isinstance(x, list | tuple) else isinstance(x, jax.Array)


def surely(condition: AnyArray | bool) -> bool:
    """Whether a condition holds everywhere; of traced booleans nothing is known."""
    return not is_traced(condition) and bool(np.all(condition))


def may_be_nonzero(x: AnyArray | float) -> bool:
    """Whether an entry may differ from zero."""
    return is_traced(x) or bool(np.any(x))


def namespace_of(*arrays: object) -> Any:
    """`jax.numpy` if one of the arrays is traced, else `numpy`."""
    return jnp if is_traced(arrays) else np


def round_to(x: AnyArray, dtype: DType) -> Any:
    """Float64 numbers, each rounded to the nearest one of a narrower format."""
    # sums over all axes are numbers of NumPy and no arrays
    if not isinstance(x, jax.Array):
        return x.astype(dtype).astype(np.float64)
    # XLA may leave out a conversion there and back, but not this
    form = jnp.finfo(dtype)
    return jax.lax.reduce_precision(x, form.nexp, form.nmant)


class Accumulating:
    """A function of both namespaces; those of two arguments also fold and accumulate."""

    def __init__(self, plain: Callable[..., Any], traced: Callable[..., Any]) -> None:
        self.plain, self.traced = plain, traced

    def __call__(self, *args: object, **options: object) -> Any:
        """The result, in the namespace of the arguments."""
        # almost always, and then it must cost next to nothing
        if _PLAIN.issuperset(map(type, args)):
            return self.plain(*args, **options)
        return (self.traced if is_traced(args) else self.plain)(*args, **options)

    def reduce(self, x: AnyArray, axis: int | tuple[int, ...]) -> Any:
        """A binary function of all entries along axes."""
        return (self.traced if is_traced(x) else self.plain).reduce(x, axis=axis)  # type: ignore[attr-defined]

    def scatter(self, x: AnyArray, places: np.ndarray, updates: AnyArray) -> Any:
        """`x` with each of its entries at `places` replaced by the binary function of it and the update."""
        if is_traced([x, updates]):
            return self.traced.at(jnp.asarray(x), places, updates, inplace=False)  # type: ignore[attr-defined]
        changed = x.copy()
        self.plain.at(changed, places, updates)  # type: ignore[attr-defined]
        return changed

    def accumulate(self, x: AnyArray, axis: int) -> Any:
        """Partial results of a binary function along an axis."""
        return (self.traced if is_traced(x) else self.plain).accumulate(x, axis=axis)  # type: ignore[attr-defined]


class _Namespace:
    """Functions by name, from `jax.numpy` where an argument is traced and from `numpy` elsewhere."""

    def __getattr__(self, name: str) -> Accumulating:
        homes = (scipy.special, jax.scipy.special) if name in ("erf", "erfc", "expit") else (np, jnp)
        function = Accumulating(*map(attrgetter(name), homes))
        setattr(self, name, function)
        return function


xp = _Namespace()
"""The namespace that rules of rounding compute in."""
