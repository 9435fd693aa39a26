"""What the walker must know of a number system: a plug-in with a rule for every arithmetic primitive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.certify.tracing.source_lines import source_line
from lrgd_jax.certify.walking.alternatives import advice
from lrgd_jax.certify.walking.discrete import Open, UndecidableError

__all__ = ["E", "Rule", "System", "UnknownPrimitiveError", "is_floating"]

E = TypeVar("E")


Rule = Callable[..., Any]


class UnknownPrimitiveError(NotImplementedError):
    """A number system has no rule for a primitive of the program.

    Examples:
        >>> from lrgd_jax.certify import Rationals, trace, walk
        >>> x, system = np.ones(1), Rationals()
        >>> walk(trace(jnp.sin, x.astype("float32")), system, [system.lift(x, x.dtype)])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        lrgd_jax.certify.walking.system.UnknownPrimitiveError: Rationals has no rule for the primitive 'sin' at ...
    """


class System(Generic[E]):
    """What the walker must know of a number system; elements are arrays of numbers, of any type but `numpy.ndarray`.

    Attributes:
        rules: from the name of an arithmetic primitive to `rule(eqn, *inputs)`, which returns an element, or a
            `numpy` array (or `Open`) if the output is an integer or a boolean; a list where there are several outputs.

    Examples:
        >>> from lrgd_jax.certify import Rationals
        >>> Rationals().lift(np.array([0.25]), np.dtype("float64")).array.tolist()
        [1/4]
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

    def scan(
        self, eqn: core.JaxprEqn, step: Callable[..., list[Any]], carry: Sequence[Any], rows: Sequence[Any]
    ) -> list[Any] | None:
        """The outputs of a `scan` whose `step` takes what is carried and a row; None for steps one after another."""
        return None

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


def is_floating(var: Variable) -> bool:
    """Whether a variable of a jaxpr holds elements of the number system (else integers, booleans or keys)."""
    return bool(jnp.issubdtype(var.aval.dtype, np.inexact))
