"""Derived tolerances: a rigorous running error bound from the traced program.

The bound covers what XLA computes in the program's dtypes against the same program in real arithmetic on the same
inputs, for any order of summation, with or without fused multiply-add, and with subnormal numbers flushed to zero. It
compounds through depth: for deep programs see `adjoint_bound`. The constants of exp, tanh and the like are measured on
XLA for CPU (`python benchmarks/measure_rounding.py`); an accelerator that multiplies float32 matrices in a narrower
format by default needs `jax.default_matmul_precision("highest")`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.certify.rounding.accumulations import ACCUMULATIONS
from lrgd_jax.certify.rounding.contractions import CONTRACTIONS
from lrgd_jax.certify.rounding.decisions import DECISIONS
from lrgd_jax.certify.rounding.elementwise import ELEMENTWISE
from lrgd_jax.certify.rounding.factorizations import FACTORIZATIONS
from lrgd_jax.certify.rounding.formats import Format
from lrgd_jax.certify.rounding.rounded_numbers import Rounded, exact
from lrgd_jax.certify.tracing.program import Leaf, Program, Tree, as_program
from lrgd_jax.certify.walking.array_namespace import namespace_of, xp
from lrgd_jax.certify.walking.discrete import Open
from lrgd_jax.certify.walking.system import Rule, System
from lrgd_jax.certify.walking.walker import walk


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Bounded:
    """A result and how far the computed one may be off.

    Attributes:
        value: the program's result, evaluated in float64; integers and booleans as they are.
        error: like `value`, float64: the computed and the exact result differ by at most this. Zero for integers,
            one for a boolean that rounding errors leave open, infinite where nothing can be said.

    Examples:
        >>> bounded = running_error(lambda x: x > 1, jnp.array([0.5, 2.0]))
        >>> bounded.value.tolist(), bounded.error.tolist()
        ([False, True], [0.0, 0.0])
    """

    value: Tree
    error: Tree


class Rounding(System[Rounded]):
    """The number system of rounded numbers."""

    rules: Mapping[str, Rule] = {**ELEMENTWISE, **DECISIONS, **CONTRACTIONS, **ACCUMULATIONS, **FACTORIZATIONS}

    def lift(self, value: np.ndarray, dtype: np.dtype) -> Rounded:
        """A constant; its error is what `dtype` rounds off.

        The trace holds a number such as 1/sqrt(3) already rounded. So a constant with many digits counts as rounded,
        one with few (0.5, 3, 2^-10) or at the end of a format's range (a mask) as meant exactly.
        """
        constant = exact(value, dtype)
        if value.dtype != dtype:
            return constant
        form, magnitude = constant.format, np.abs(constant.value)
        meant = _few_digits(constant.value, form) | np.isin(magnitude, _ENDS) | ~np.isfinite(magnitude)
        error = np.where(meant, constant.error, np.maximum(constant.error, form.unit * magnitude))
        return Rounded(constant.value, error, form)

    def move(self, function: Callable[..., Any], *elements: Rounded) -> Rounded:
        """Values and errors move alike."""
        values, errors = [x.value for x in elements], [x.error for x in elements]
        return Rounded(_apply(function, values), _apply(function, errors), elements[0].format)

    def has_complex(self, name: str) -> bool:
        """Not of what XLA scales on the way, or composes of functions in ways that no constant was measured for."""
        return name not in ("div", "abs", "exp", "log", "integer_pow")

    def choose(self, which: Open, cases: Sequence[Rounded]) -> Rounded:
        """Where the predicate is open, the cases' difference and both errors; each side may take either case."""
        no, yes = cases
        value = xp.where(which.value, yes.value, no.value)
        either = xp.abs(yes.value - no.value) + 2 * (yes.error + no.error)
        error = xp.where(which.uncertain, either, xp.where(which.value, yes.error, no.error))
        return Rounded(value, xp.where(xp.isnan(error), np.inf, error), yes.format)


FEW_DIGITS = 11
"""A constant of at most so many binary digits (three less than the format has, if it is narrow) was not rounded."""

_ENDS = [
    share * float(jnp.finfo(name).max) for name in ("float64", "float32", "bfloat16", "float16") for share in (1, 0.5)
]


def _few_digits(value: np.ndarray, form: Format) -> np.ndarray:
    few = min(FEW_DIGITS, round(-math.log2(form.unit)) - 3)
    digits = np.ldexp(np.frexp(value)[0], few)
    return digits == np.rint(digits)


def running_error(function: Program | Callable[..., Any], *args: Tree, errors: Tree = None) -> Bounded:
    """Bounds the rounding error of every output of a program.

    Args:
        function: a function of arrays, or its `trace`, which may be reused for inputs of the same shapes.
        *args: the arguments, which count as exact.
        errors: bounds on the errors of the arguments, of the structure of the tuple `args`; None for exact ones.

    Returns:
        The result and the bound, both with float64 `numpy` leaves.

    Raises:
        UnknownPrimitiveError: at a primitive that has no rule.
        UndecidableError: if a branch or an index depends on a comparison that the errors leave open.
        ValueError: if the arguments are not those that were traced.

    Examples:
        >>> x = jnp.array([1.0, 2.0, 3.0])
        >>> bounded = running_error(lambda x: x @ x, x)
        >>> float(bounded.value), 0 < float(bounded.error) < 1e-4
        (14.0, True)

    Source:
        Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.3.
    """
    program = as_program(function, args)
    return bound_outputs(program, Rounding(), inputs_of(program, args, errors))


def bound_outputs(program: Program, system: Rounding, inputs: Sequence[Any]) -> Bounded:
    """Result and bounds of a program at rounded inputs."""
    with np.errstate(all="ignore"):
        outputs = walk(program, system, inputs)
    values, bounds = zip(*map(as_bounds, outputs), strict=True) if outputs else ((), ())
    return Bounded(program.unflatten(values), program.unflatten(bounds))


def inputs_of(program: Program, args: Sequence[Any], errors: Tree = None) -> list[Any]:
    """The leaves of `args` as rounded numbers, with `errors` added to what subnormal inputs lose."""
    leaves = program.flatten(args)
    if errors is None:
        given: list[Any] = [0.0] * len(leaves)
    else:
        given, tree = jax.tree.flatten(tuple(errors))
        if tree != program.in_tree:
            raise ValueError(f"expected errors of the arguments' structure {program.in_tree}, got {tree}")
    return [_input(x, e) for x, e in zip(leaves, given, strict=True)]


def _apply(function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    return function(namespace_of(*arrays), *arrays)


def _input(x: Leaf, error: Leaf) -> Any:
    if not jnp.issubdtype(x.dtype, np.inexact):
        return x
    lifted = exact(x, x.dtype)
    total = xp.broadcast_to(lifted.error + xp.asarray(error, np.float64), lifted.value.shape)
    return Rounded(lifted.value, xp.where(xp.isfinite(lifted.value), total, np.inf), lifted.format)


def as_bounds(output: Leaf) -> tuple[np.ndarray, np.ndarray]:
    """Value and error of one output of a walk."""
    if isinstance(output, Rounded):
        error = xp.where(xp.isfinite(output.value), output.error, np.inf)
        return xp.asarray(output.value), xp.broadcast_to(error, output.value.shape)
    if isinstance(output, Open):
        return output.value, output.uncertain.astype(np.float64)
    return output, np.zeros(np.shape(output))
