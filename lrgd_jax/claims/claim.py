"""A claim: a statement with its proof, two sides that must meet, and mutants that must not.

A claim file declares what its arguments look like; instances at random, in any dtype, and the simplest
counterexample are drawn from that declaration.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import PRNGKeyArray, PyTree

from lrgd_jax.certify.tracing.free_functions import free
from lrgd_jax.claims.arguments import Argument, Arguments, Dimensions, Integers, axis_size
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.side import Side, parameters_of, within_partials
from lrgd_jax.claims.tolerances import Adjoint, Running, Statistical, Tolerance
from lrgd_jax.display import HtmlDisplay, one_screen

__all__ = ["Claim"]


@dataclass(frozen=True, repr=False)
class Claim(HtmlDisplay):
    r"""A statement about two JAX functions that is proved, checked and tried against mutants.

    Attributes:
        slug: stable name in lower case and hyphens.
        title: one line.
        group: letter of one of `lrgd_jax.claims.groups.GROUPS`, or a name of the user's own.
        statement: LaTeX within Markdown.
        assumptions: what must hold.
        proof: Markdown with LaTeX.
        source: paper and equation.
        arguments: name to shape, for example {"k": "n d", "q": "d", "tokens": Integers("n", below="vocab")};
            an axis is a dimension, a number, or a sum or product of them ("g*share", "n+1").
        dimensions: name to (smallest, largest) size, for hypothesis.
        shapes: the dimensions at which `lrgd verify` checks.
        left: the left side.
        right: the right side, written without the left one.
        mutants: at least two.
        free: functions that the statement holds for whatever they are, by the names of the sides' parameters, for
            example {"phi": elu_plus_one}: run as given, and in exact arithmetic free (`certify.free`).
        given: turns drawn arguments into the ones that the assumptions ask for (rescaled, normalised, …); its
            parameters are named like those of a side, and it returns the arguments that it changes or adds.
        relation: "equal", or "at most" where left <= right is claimed.
        tolerance: where the tolerance comes from.

    Raises:
        ValueError: a field is no such thing, there are fewer than two mutants, or a side asks for what is not declared.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.claims import Mutant, alter
        >>> def square_of_the_sum(x):
        ...     return jnp.sum(x) ** 2
        >>> def sum_over_pairs(x):
        ...     return jnp.sum(x[:, None] * x[None, :])
        >>> claim = Claim(
        ...     slug="square-of-a-sum",
        ...     title="The square of a sum is the sum over all pairs",
        ...     statement=r"$(\sum_i x_i)^2 = \sum_{ij} x_i x_j$",
        ...     proof="Multiply out.",
        ...     source="school",
        ...     arguments={"x": "n"},
        ...     dimensions={"n": (1, 5)},
        ...     shapes=({"n": 5}, {"n": 2}),
        ...     left=square_of_the_sum,
        ...     right=sum_over_pairs,
        ...     mutants=(
        ...         Mutant("the squares alone", lambda x: jnp.sum(x * x)),
        ...         Mutant("every number twice", alter(sum_over_pairs, x=lambda x: 2 * x)),
        ...     ),
        ... )
        >>> claim.shape_of("x", {"n": 3})
        (3,)
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
    free: Mapping[str, Callable[..., PyTree]] = field(default_factory=dict)
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

    def __repr__(self) -> str:
        return one_screen(f"Claim({self.slug}, group {self.group}: {self.title}; {len(self.mutants)} mutants)")

    @property
    def shipped(self) -> bool:
        """Whether the claim comes with the package, every side and mutant of it."""
        sides = self.left, self.right, *(mutant.side for mutant in self.mutants)
        homes = {str(getattr(within_partials(side), "__module__", "")).split(".")[0] for side in sides}
        return "proofs_checks" in homes and homes <= {"proofs_checks", "lrgd_jax"}

    def shape_of(self, argument: str, dimensions: Dimensions) -> tuple[int, ...]:
        """The shape of an argument at given dimensions."""
        spec = self.arguments[argument]
        return tuple(axis_size(axis, dimensions) for axis in (spec if isinstance(spec, str) else spec.shape).split())

    def instance(self, key: PRNGKeyArray, dimensions: Dimensions, dtype: jax.typing.DTypeLike) -> dict[str, Argument]:
        """Random arguments: standard normal numbers, rounded to the dtype, or integers below their dimension."""
        return self.prepare(self.draw(key, dimensions, dtype), dimensions)

    def draw(self, key: PRNGKeyArray, dimensions: Dimensions, dtype: jax.typing.DTypeLike) -> dict[str, Argument]:
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
            if not isinstance(numbers, Tracer):
                numbers = np.asarray(numbers)
            drawn[name] = jnp.asarray(numbers[:size].reshape(shape))
        return drawn

    def prepare(self, drawn: Arguments, dimensions: Dimensions) -> dict[str, Argument]:
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

    @property
    def misquoted(self) -> tuple[Mutant, ...]:
        """The mutants that are taken for the right version somewhere."""
        return tuple(mutant for mutant in self.mutants if mutant.quoted is not None)

    def call(self, side: Side, arguments: Arguments, dimensions: Dimensions, *, freed: bool = False) -> PyTree:
        """Calls a side with the arguments, dimensions and functions that its parameters name.

        Args:
            side: the side, or a mutant of one.
            arguments: arrays of an instance.
            dimensions: sizes of the named axes.
            freed: whether the claim's free functions are replaced by ones of which nothing is known.
        """
        functions = {name: free(function) for name, function in self.free.items()} if freed else self.free
        known = {**dimensions, **functions, **arguments}
        required, takes_rest = parameters_of(side)
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
        unknown = parameters_of(side)[0] - known
        # what `given` adds is known only once it has run; `call` checks again
        if unknown and (self.given is None or side is self.given):
            raise self._unknown_parameters(side, unknown, known)

    def _unknown_parameters(self, side: Side, unknown: set[str], known: set[str]) -> ValueError:
        return ValueError(
            f"claim {self.slug}: {getattr(side, '__name__', side)} asks for {sorted(unknown)}, but there are only "
            f"{sorted(known)}; add it to the claim's arguments, dimensions or free functions, or rename the parameter"
        )
