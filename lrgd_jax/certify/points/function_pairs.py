"""Two functions of one user, traced at one shape and compared at one point."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from lrgd_jax.certify.balls.undefined_values import NO_VALUE, OneSided, find_one_sided
from lrgd_jax.certify.exact.algebra import Numbers
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.points.sample_points import Leaf, Point
from lrgd_jax.certify.tracing.digests import digest
from lrgd_jax.certify.tracing.faults import name_with_line, trace_or_explain
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.tracing.shapes import Shapes, Sizes
from lrgd_jax.certify.tracing.structures import comparable
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion, Relation, enclose_difference
from lrgd_jax.certify.verdicts.random_fields import NotApplicable
from lrgd_jax.certify.walking.discrete import Open, UndecidableError
from lrgd_jax.certify.walking.walker import walk

__all__ = [
    "Arguments",
    "Difference",
    "Pair",
    "arguments_of",
    "call_by_name",
    "compare_at",
    "difference_at",
    "leaves_of",
    "names_of",
    "ones",
    "trace_call",
    "trace_pair",
]

Arguments = dict[str, np.ndarray]
"""What a function is called with, by name."""

_REFUSALS = (ArithmeticError, NotImplementedError, ValueError)
"""What a number system may raise at a program or at a point that it has no value for."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Both functions at one shape, as programs of one dictionary of arguments.

    Attributes:
        left: the first function.
        right: the second.
    """

    left: Program
    right: Program

    @property
    def digests(self) -> tuple[str, str]:
        """What identifies each program."""
        return digest(self.left), digest(self.right)

    @property
    def same(self) -> bool:
        """Whether both are one program, operation by operation."""
        return str(self.left.jaxpr) == str(self.right.jaxpr) and self.digests[0] == self.digests[1]


@dataclass(frozen=True)
class Difference:
    """The results of both functions at a point where they differ.

    Attributes:
        numbers: "rational numbers", or "balls" where a result has no rational value.
        left: of the first function, as digits in nested lists, one for each array that it returns.
        right: of the second.
        apart: how far some entry is off at least, in digits; "nan" where one of the two has no value.
    """

    numbers: str
    left: tuple[Any, ...]
    right: tuple[Any, ...]
    apart: str


def names_of(f: Callable[..., Any], g: Callable[..., Any]) -> tuple[str, str]:
    """How messages call the functions.

    Raises:
        TypeError: one of them is no function.
    """
    for function in (f, g):
        if not callable(function):
            raise TypeError(f"expected two functions, got {type(function).__name__} {function!r}")
    left, right = (str(getattr(function, "__name__", type(function).__name__)) for function in (f, g))
    return (left, right) if left != right else (f"{left} (the first)", f"{right} (the second)")


def trace_pair(f: Callable[..., Any], g: Callable[..., Any], shapes: Shapes, sizes: Sizes | None = None) -> Pair:
    """Traces both functions; needs JAX in 64 bits.

    Args:
        f: one function.
        g: the other.
        shapes: of their arguments.
        sizes: of the named axes, where they are others than those in `shapes`.

    Raises:
        ValueError: an argument is none of a function's or is missing, a function cannot be traced, or the results have
            different structures or shapes.
    """
    structs = {
        name: jax.ShapeDtypeStruct(shapes.shape(name, sizes), np.float64 if argument.below is None else np.int64)
        for name, argument in shapes.arguments.items()
    }
    names = names_of(f, g)
    called = [call_by_name(function, name, structs) for function, name in zip((f, g), names, strict=True)]
    left, right = (trace_call(*each, structs) for each in zip((f, g), called, names, strict=True))
    comparable(left, right, (name_with_line(names[0], f), name_with_line(names[1], g)))
    if _kinds(left) != _kinds(right):
        # a whole number is a real number
        real = [_real(call) for call in called]
        left, right = (trace_call(*each, structs) for each in zip((f, g), real, names, strict=True))
    return Pair(left, right)


def call_by_name(
    function: Callable[..., Any], name: str, structs: Mapping[str, Any]
) -> Callable[[Mapping[str, Any]], Any]:
    """The function of one dictionary.

    Raises:
        ValueError: an argument is none of its parameters, or a parameter without a default is no argument.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise ValueError(f"{name} does not say what its parameters are; wrap it in a function that does") from None
    kinds = {key: parameter.kind for key, parameter in parameters.items()}
    variadic = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = [key for key, kind in kinds.items() if kind not in variadic]
    if inspect.Parameter.VAR_KEYWORD not in kinds.values():
        _refuse(name, "has no parameter", [key for key in structs if key not in named], named)
    needed = [key for key in named if parameters[key].default is inspect.Parameter.empty]
    _refuse(name, "needs a shape for", [key for key in needed if key not in structs], named)
    # by position as far as that goes: what `jax.grad` returns takes its first argument in no other way
    by_position = [key for key in named if kinds[key] is not inspect.Parameter.KEYWORD_ONLY]
    places = list(itertools.takewhile(structs.__contains__, by_position))

    def call(arguments: Mapping[str, Any]) -> Any:
        others = {key: value for key, value in arguments.items() if key not in places}
        return function(*(arguments[key] for key in places), **others)

    return call


def _refuse(name: str, what: str, wrong: list[str], parameters: list[str]) -> None:
    if wrong:
        raise ValueError(f"{name} {what} {', '.join(map(repr, wrong))}; its parameters are {', '.join(parameters)}")


def trace_call(
    function: Callable[..., Any], call: Callable[..., Any], name: str, structs: Mapping[str, Any]
) -> Program:
    """The function traced at those shapes; what goes wrong names the user's line."""
    shapes = ", ".join(f"{key}: {list(x.shape)}" for key, x in structs.items())
    return trace_or_explain(f"{name} cannot be traced at {shapes}", function, call, dict(structs))


def _kinds(program: Program) -> list[bool]:
    return [bool(jnp.issubdtype(aval.dtype, jnp.inexact)) for aval in program.out_avals]


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda arguments: jax.tree.map(lambda x: jnp.asarray(x).astype(np.float64), function(arguments))


def ones(shapes: Shapes, sizes: Sizes | None = None) -> Arguments:
    """Every real number is one (or one more than it must be at least), every integer as large as it may be."""
    return {
        name: np.full(shapes.shape(name, sizes), 1.0 if argument.above is None else argument.above + 1)
        if argument.below is None
        else np.full(shapes.shape(name, sizes), argument.below - 1, np.int64)
        for name, argument in shapes.arguments.items()
    }


def leaves_of(shapes: Shapes, sizes: Sizes | None = None) -> list[Leaf]:
    """What the arguments look like, in the order of the programs' inputs."""
    return [
        Leaf(shapes.shape(name, sizes), argument.below, -np.inf if argument.above is None else argument.above)
        for name, argument in sorted(shapes.arguments.items())
    ]


def arguments_of(shapes: Shapes, point: Point) -> Arguments:
    """The arrays of a point by the names of the arguments, in the order in which they were given."""
    found = dict(zip(sorted(shapes.arguments), point, strict=True))
    return {name: found[name] for name in shapes.arguments}


def compare_at(pair: Pair, point: Point, relation: Relation) -> Enclosure | Exclusion | OneSided | NotApplicable:
    """Encloses left - right at a point, or says that one of them alone has a value there."""
    found = _enclosed(pair, point, relation)
    return (find_one_sided(pair.left, pair.right, point) or found) if isinstance(found, NotApplicable) else found


def _enclosed(pair: Pair, point: Point, relation: Relation) -> Enclosure | Exclusion | NotApplicable:
    try:
        return enclose_difference(pair.left, pair.right, point, relation=relation)
    except _REFUSALS as reason:
        return NotApplicable(str(reason))


def difference_at(pair: Pair, point: Arguments, relation: Relation, *, gaps: bool = False) -> Difference | None:
    """Both results where they differ, in rational numbers if the programs allow it; None where no difference shows.

    Args:
        pair: the functions.
        point: their arguments.
        relation: "equal" or "at most".
        gaps: whether a point at which one of them alone has a value is one at which they differ.
    """
    try:
        left, right = (_rational(program, point) for program in (pair.left, pair.right))
        # an output that is no number, such as one that nothing wrote, refuses to be subtracted
        differences = [np.asarray(_whole(x) - _whole(y), object) for x, y in zip(left, right, strict=True)]
    except _REFUSALS:
        leaves = jax.tree.leaves(point)
        found = compare_at(pair, leaves, relation) if gaps else _enclosed(pair, leaves, relation)
        if isinstance(found, OneSided):
            return Difference("balls", found.left, found.right, NO_VALUE)
        if not isinstance(found, Exclusion):
            return None
        return Difference("balls", tuple(found.left), tuple(found.right), found.difference)
    apart = [gap for difference in differences for gap in np.ravel(difference)]
    largest = max((abs(gap) if relation == "equal" else gap for gap in apart), default=0)
    if not largest > 0:
        return None
    ours, theirs = (tuple(_digits(x) for x in side) for side in (left, right))
    return Difference("rational numbers", ours, theirs, arb(largest).str(5, radius=False))


def _rational(program: Program, point: Arguments) -> list[np.ndarray]:
    system = Rationals()
    leaves = jax.tree.leaves(point)
    lifted = [system.lift(x, x.dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else x for x in leaves]
    return [_plain(x) for x in walk(program, system, lifted)]


def _plain(x: Any) -> np.ndarray:
    if isinstance(x, Open):
        raise UndecidableError("a comparison that is not decided")
    return x.array if isinstance(x, Numbers) else np.asarray(x)


def _whole(x: np.ndarray) -> np.ndarray:
    """Booleans as the numbers that they are, and integers without overflow."""
    return x.astype(np.int64 if x.dtype == np.bool_ else x.dtype).astype(object)


def _digits(x: np.ndarray) -> Any:
    return np.vectorize(str, otypes=[object])(x).tolist() if x.size else x.tolist()
