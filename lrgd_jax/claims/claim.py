"""A claim: a statement with its proof, two sides that must meet, and mutants that must not.

A claim file declares what its arguments look like; instances at random, in any dtype, and the simplest
counterexample are drawn from that declaration.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from lrgd_jax.certify.free import free

__all__ = ["Adjoint", "Claim", "Dimensions", "Integers", "Mutant", "Running", "Side", "Statistical", "Tolerance"]

Side: TypeAlias = Callable[..., Any]
"""A JAX function whose parameters are named after arguments, dimensions or free functions of the claim.

It returns a pytree.

A parameter with a default is the side's own and is left alone; a last parameter `**rest` receives all arguments and
dimensions that are not named."""

Dimensions: TypeAlias = Mapping[str, int]
"""The size of every named axis, and every other static number, of one instance."""


@dataclass(frozen=True)
class Integers:
    """An integer argument.

    Attributes:
        shape: as for floating arguments, for example "n".
        below: the dimension that its values stay below.
    """

    shape: str
    below: str


@dataclass(frozen=True)
class Running:
    """Tolerance: the running error of both traced sides. Rigorous; for shallow programs."""


@dataclass(frozen=True)
class Adjoint:
    """Tolerance: the adjoint bound of both traced sides. First order; for deep programs.

    Attributes:
        cuts: "operations" perturbs every operation, "names" only the tensors marked by `checkpoint_name`.
    """

    cuts: Literal["operations", "names"] = "operations"


@dataclass(frozen=True)
class Statistical:
    """Tolerance: a deviation that the claim itself makes improbable, plus the running error.

    Attributes:
        deviation: a side that returns the largest allowed difference, derived from a named inequality.
        false_alarm: the probability, at most, that a true claim is rejected on one instance.
    """

    deviation: Side
    false_alarm: float


Tolerance: TypeAlias = Running | Adjoint | Statistical


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong version of one side, which the check must reject.

    Attributes:
        name: what is wrong with it.
        side: the wrong function.
        replaces: the side that it stands in for.
    """

    name: str
    side: Side
    replaces: Literal["left", "right"] = "right"

    def __post_init__(self) -> None:
        if self.replaces not in ("left", "right"):
            raise ValueError(f'mutant {self.name!r}: replaces must be "left" or "right", got {self.replaces!r}')


@dataclass(frozen=True)
class Claim:
    r"""A statement about two JAX functions that is proved, checked and tried against mutants.

    Attributes:
        slug: stable name in lower case and hyphens.
        title: one line.
        group: letter of the part of the theory, or "user".
        statement: LaTeX within Markdown.
        assumptions: what must hold.
        proof: Markdown with LaTeX.
        source: paper and equation.
        arguments: name to shape, for example {"k": "n d", "q": "d", "tokens": Integers("n", below="vocab")};
            an axis is a dimension, a number, or a sum or product of them ("g*share", "n+1").
        dimensions: name to (smallest, largest) size, for hypothesis.
        shapes: the dimensions at which `lrgd verify` checks.
        left: one side.
        right: the other side, written without the first.
        mutants: at least two.
        free: functions that the statement holds for whatever they are, by the names of the sides' parameters, for
            example {"phi": elu_plus_one}: run as given, and in exact arithmetic free (`certify.free`).
        given: turns drawn arguments into the ones that the assumptions ask for (rescaled, normalised, …); its
            parameters are named like those of a side, and it returns the arguments that it changes or adds.
        relation: "equal", or "at most" where left <= right is claimed.
        tolerance: where the tolerance comes from.
    """

    slug: str
    title: str
    statement: str
    proof: str
    source: str
    arguments: Mapping[str, str | Integers]
    dimensions: Mapping[str, tuple[int, int]]
    shapes: tuple[Dimensions, ...]
    left: Side
    right: Side
    mutants: tuple[Mutant, ...]
    group: str = "user"
    assumptions: tuple[str, ...] = ()
    free: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    given: Side | None = None
    relation: Literal["equal", "at most"] = "equal"
    tolerance: Tolerance = field(default_factory=Running)

    def __post_init__(self) -> None:
        self._check_fields()
        if not self.slug or self.slug != self.slug.lower() or " " in self.slug:
            raise ValueError(f'claim slug must be lower case with hyphens, like "linear-attention"; got {self.slug!r}')
        if len(self.mutants) < 2:
            raise ValueError(
                f"claim {self.slug}: at least two mutants are needed, got {len(self.mutants)}; "
                "a check that rejects no wrong version says nothing about the right one"
            )
        for shape in self.shapes:
            self._check_dimensions(shape)
        for side in (self.left, self.right, self.given, *(mutant.side for mutant in self.mutants)):
            if side is not None:
                self._check_parameters(side)

    @property
    def shipped(self) -> bool:
        """Whether the claim comes with the package, every side and mutant of it."""
        sides = self.left, self.right, *(mutant.side for mutant in self.mutants)
        homes = {str(getattr(_within(side), "__module__", "")).split(".")[0] for side in sides}
        return "proofs_checks" in homes and homes <= {"proofs_checks", "lrgd_jax"}

    def shape_of(self, argument: str, dimensions: Dimensions) -> tuple[int, ...]:
        """The shape of an argument at given dimensions."""
        spec = self.arguments[argument]
        return tuple(_axis(axis, dimensions) for axis in (spec if isinstance(spec, str) else spec.shape).split())

    def instance(self, key: PRNGKeyArray, dimensions: Dimensions, dtype: jax.typing.DTypeLike) -> dict[str, Any]:
        """Random arguments: standard normal numbers, rounded to the dtype, or integers below their dimension."""
        return self.prepared(self.drawn(key, dimensions, dtype), dimensions)

    def drawn(self, key: PRNGKeyArray, dimensions: Dimensions, dtype: jax.typing.DTypeLike) -> dict[str, Any]:
        """Random arguments before `given` has made them satisfy the assumptions."""
        drawn = {}
        for name, one_key in zip(self.arguments, jax.random.split(key, max(len(self.arguments), 1)), strict=False):
            spec, shape = self.arguments[name], self.shape_of(name, dimensions)
            size = math.prod(shape)
            # a length that many shapes share, so that few kernels are compiled
            padded = (1 << max(size - 1, 15).bit_length(),)
            if isinstance(spec, Integers):
                numbers = jax.random.randint(one_key, padded, 0, dimensions[spec.below])
            else:
                numbers = jax.random.normal(one_key, padded, dtype)
            drawn[name] = jnp.asarray(np.asarray(numbers)[:size].reshape(shape))
        return drawn

    def prepared(self, drawn: Mapping[str, Any], dimensions: Dimensions) -> dict[str, Any]:
        """The drawn arguments after `given` has made them satisfy the assumptions."""
        if self.given is None:
            return dict(drawn)
        changed = self.call(self.given, drawn, dimensions)
        if not isinstance(changed, Mapping):
            raise ValueError(
                "it must return a dictionary of the arguments that it changes or adds, got "
                f"{'None' if changed is None else f'a {type(changed).__name__}'}"
            )
        return {**drawn, **changed}

    def call(self, side: Side, arguments: Mapping[str, Any], dimensions: Dimensions, *, freed: bool = False) -> Any:
        """Calls a side with the arguments, dimensions and functions that its parameters name.

        Args:
            side: which.
            arguments: of an instance.
            dimensions: of the instance.
            freed: whether the claim's free functions are replaced by ones of which nothing is known.
        """
        functions = {name: free(function) for name, function in self.free.items()} if freed else self.free
        known = {**dimensions, **functions, **arguments}
        required, takes_rest = _parameters(side)
        if required - set(known):
            raise self._unknown_parameters(side, required - set(known), set(known))
        return side(**(known if takes_rest else {name: known[name] for name in required}))

    def _check_fields(self) -> None:
        """Raises ValueError for a field of another kind, which would otherwise be taken for something else."""
        if self.relation not in ("equal", "at most"):
            raise ValueError(f'claim {self.slug}: relation must be "equal" or "at most", got {self.relation!r}')
        if not isinstance(self.tolerance, Running | Adjoint | Statistical):
            raise ValueError(
                f"claim {self.slug}: tolerance must be Running(), Adjoint() or Statistical(...), which are derived "
                f"from the programs; got {self.tolerance!r}"
            )
        if not isinstance(self.mutants, tuple | list) or not all(isinstance(x, Mutant) for x in self.mutants):
            raise ValueError(f"claim {self.slug}: mutants must be a tuple of Mutant(name, side), got {self.mutants!r}")
        names = [mutant.name for mutant in self.mutants]
        if len(set(names)) != len(names):
            raise ValueError(f"claim {self.slug}: mutants need different names, got {names}")
        if self.left is self.right:
            raise ValueError(f"claim {self.slug}: left and right are the same function, so nothing would be compared")
        for name, spec in self.arguments.items():
            if not isinstance(spec, str | Integers):
                raise ValueError(
                    f'claim {self.slug}: argument {name!r} needs a shape like "n d" or Integers(...), got {spec!r}'
                )
        for name, function in self.free.items():
            if not callable(function) or name in self.arguments or name in self.dimensions:
                raise ValueError(
                    f"claim {self.slug}: free {name!r} needs a function, under a name that no argument or dimension "
                    f"has; got {function!r}"
                )
        for name, span in self.dimensions.items():
            if not (isinstance(span, tuple) and len(span) == 2 and 0 <= span[0] <= span[1]):
                raise ValueError(f"claim {self.slug}: dimension {name!r} needs (smallest, largest), got {span!r}")

    def _check_dimensions(self, shape: Dimensions) -> None:
        if set(shape) != set(self.dimensions):
            raise ValueError(
                f"claim {self.slug}: every shape must give the dimensions {sorted(self.dimensions)}, "
                f"got {sorted(shape)}"
            )

    def _check_parameters(self, side: Side) -> None:
        known = set(self.arguments) | set(self.dimensions) | set(self.free)
        unknown = _parameters(side)[0] - known
        # what `given` adds is known only once it has run; `call` checks again
        if unknown and (self.given is None or side is self.given):
            raise self._unknown_parameters(side, unknown, known)

    def _unknown_parameters(self, side: Side, unknown: set[str], known: set[str]) -> ValueError:
        return ValueError(
            f"claim {self.slug}: {getattr(side, '__name__', side)} asks for {sorted(unknown)}, but there are only "
            f"{sorted(known)}; add it to the claim's arguments, dimensions or free functions, or rename the parameter"
        )


def _within(side: Side) -> Side:
    """The function within a partial one."""
    return _within(side.func) if isinstance(side, partial) else side


def _parameters(side: Side) -> tuple[set[str], bool]:
    """The names that a side needs (those without a default), and whether it takes all others as well."""
    parameters = inspect.signature(side).parameters.values()
    takes_rest = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    needed = (p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty)
    return set(needed), takes_rest


def _axis(expression: str, dimensions: Dimensions) -> int:
    """The size of an axis: a sum of products of dimensions and whole numbers."""
    try:
        return sum(
            math.prod(int(factor) if factor.isdigit() else dimensions[factor] for factor in term.split("*"))
            for term in expression.split("+")
        )
    except KeyError as unknown:
        raise ValueError(
            f"axis {expression!r} names the dimension {unknown}, which is not declared; "
            f"declared are {sorted(dimensions)}"
        ) from None
