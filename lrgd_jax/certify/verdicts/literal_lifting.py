"""Functions whose literals are taken for the numbers that they probably mean; what is taken for what is noted.

A function is traced, and every literal that `meanings` recognises becomes equations of the program, such as a quotient
and a root, which each number system then evaluates in its own numbers: rational numbers divide, balls take roots at
their precision, prime fields divide and have a symbol for a root.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

from lrgd_jax.certify.fields.symbolic import MASK
from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable, inner_jaxprs
from lrgd_jax.certify.tracing.program import DType, Leaf, Tree
from lrgd_jax.certify.verdicts.conditions import Condition, place_of
from lrgd_jax.certify.verdicts.literal_meanings import Meaning, meaning_of
from lrgd_jax.certify.walking.complex_numbers import real_dtype

__all__ = ["LiteralLifting"]

MOST_ENTRIES = 256
"""Of a constant array; the entries of larger ones count as they stand."""


class LiteralLifting:
    """A function with its literals lifted; to be traced, not run.

    Attributes:
        lifted: of the last trace: which literals count as which numbers.

    Examples:
        >>> from lrgd_jax.certify import equal
        >>> third = LiteralLifting(lambda x: x / 3 - 0.3333333333333333 * x)
        >>> bool(equal(third, LiteralLifting(lambda x: 0 * x), "x:n=2"))
        True
        >>> print(*third.lifted)  # doctest: +ELLIPSIS
        the literal 0.3333333333333333 counts as 1/3 (...)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__name__ = type(function).__name__
        functools.update_wrapper(self, function)
        self.function = function
        self.lifted: tuple[Condition, ...] = ()

    def __call__(self, *args: Tree, **named: Leaf) -> Any:
        """The function's result, computed with the numbers that its literals mean."""
        leaves, tree = jax.tree.flatten((args, named))

        def flat(*leaves: Leaf) -> Any:
            args, named = jax.tree.unflatten(tree, leaves)
            return self.function(*args, **named)

        closed, result = jax.make_jaxpr(flat, return_shape=True)(*leaves)
        noted: dict[Condition, None] = {}
        lifted = _closed(closed, noted)
        self.lifted = tuple(noted)
        outputs = core.jaxpr_as_fun(lifted)(*leaves)
        return jax.tree.unflatten(jax.tree.structure(result), outputs)


def _closed(closed: ClosedJaxpr, noted: dict[Condition, None]) -> Any:
    if isinstance(closed, ClosedJaxpr):
        return ClosedJaxpr(_lifted(closed.jaxpr, closed.consts, noted), closed.consts)
    return _lifted(closed, (), noted)


def _lifted(jaxpr: core.Jaxpr, consts: Sequence[Any], noted: dict[Condition, None]) -> Any:
    known: dict[Any, Any] = {}
    values = dict(zip(jaxpr.constvars, consts, strict=False))
    eqns: list[Any] = []

    def read(var: Variable, eqn: core.JaxprEqn | None) -> Any:
        if isinstance(var, core.Literal):
            return _replaced(var, var.val, eqn, noted, eqns)
        if var not in known:
            known[var] = _replaced(var, values.get(var), eqn, noted, eqns)
        return known[var]

    for eqn in jaxpr.eqns:
        invars = [read(var, eqn) for var in eqn.invars]
        eqns.append(eqn.replace(invars=invars, params=_params(eqn, noted)))
    outvars = [read(var, None) for var in jaxpr.outvars]
    return jaxpr.replace(eqns=eqns, outvars=outvars)


def _params(eqn: core.JaxprEqn, noted: dict[Condition, None]) -> dict[str, Any]:
    """The programs within an equation lifted too."""
    if not any(True for _ in inner_jaxprs(eqn)):
        return eqn.params

    def lifted(x: Leaf) -> Any:
        return _closed(x, noted) if _is_jaxpr(x) else x

    return {
        name: jax.tree.map(lifted, value, is_leaf=_is_jaxpr) if _holds_jaxpr(value) else value
        for name, value in eqn.params.items()
    }


def _is_jaxpr(x: Leaf) -> bool:
    return isinstance(x, ClosedJaxpr | core.Jaxpr)


def _holds_jaxpr(x: Leaf) -> bool:
    return _is_jaxpr(x) or (isinstance(x, tuple | list) and any(map(_is_jaxpr, x)))


def _replaced(
    var: Variable, value: Leaf, eqn: core.JaxprEqn | None, noted: dict[Condition, None], eqns: list[Any]
) -> Any:
    """The variable that takes the place of a constant, whose equations are added; itself where it means itself."""
    if value is None or not jnp.issubdtype(var.aval.dtype, jnp.inexact):
        return var
    of_pairs = bool(jnp.issubdtype(var.aval.dtype, jnp.complexfloating))
    array = np.asarray(value, np.complex128 if of_pairs else np.float64)
    if array.size > MOST_ENTRIES or not array.size:
        return var
    parts = [np.asarray(part, np.float64) for part in ((array.real, array.imag) if of_pairs else (array,))]
    meanings = {number: _meaning(number) for part in parts for number in map(float, part.ravel())}
    if not any(meanings.values()):
        return var
    for number, meaning in meanings.items():
        if meaning is not None:
            noted[_condition(number, meaning, eqn)] = None
    dtype = real_dtype(var.aval.dtype) if of_pairs else var.aval.dtype

    def build() -> Any:
        built = [_array(part, meanings, dtype) for part in parts]
        return lax.complex(*built) if of_pairs else built[0]

    snippet = jax.make_jaxpr(build)().jaxpr
    eqns += [one if eqn is None else one.replace(source_info=eqn.source_info) for one in snippet.eqns]
    return snippet.outvars[0]


def _meaning(number: float) -> Meaning | None:
    if math.isfinite(number) and number <= -MASK:
        return Meaning("minus infinity", lambda n: lax.neg(n(math.inf)))
    return meaning_of(number)


def _condition(number: float, meaning: Meaning, eqn: core.JaxprEqn | None) -> Condition:
    kind = "mask" if meaning.text == "minus infinity" else "constant"
    return Condition(kind, f"the literal {number!r} counts as {meaning.text}", "" if eqn is None else place_of(eqn))


def _array(array: np.ndarray, meanings: Mapping[float, Meaning | None], dtype: DType) -> Any:
    def scalar(k: float) -> Any:
        return np.asarray(k, dtype)

    def entries() -> Iterator[Any]:
        for number in array.ravel().tolist():
            meaning = meanings[number]
            yield scalar(number) if meaning is None else meaning.build(scalar)

    if not array.ndim:
        return next(entries())
    return lax.reshape(lax.concatenate([lax.reshape(x, (1,)) for x in entries()], 0), array.shape)
