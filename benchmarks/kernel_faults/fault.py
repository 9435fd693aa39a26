"""A fault of a kernel: the right function, the faulty one, and the inputs on which a test-suite would compare them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Array, Float

Kernel = Callable[..., Float[Array, "..."]]
"""A function of arrays, from JAX's primitives."""

Point = dict[str, np.ndarray]
"""Arguments by name."""

KIND = "a kind of fault; no report is cited"
MARK = "# here"
"""Ends the line of both functions in which they differ, which the checker is to name."""


def github(repository: str, kind: str, number: int) -> str:
    """A report as a link."""
    folder = {"issue": "issues", "pull request": "pull"}[kind]
    return f"[{repository.rpartition('/')[2]}, {kind} {number}](https://github.com/{repository}/{folder}/{number})"


def unchanged(point: Point) -> Point:
    """The drawn arguments as they are."""
    return point


@dataclass(frozen=True)
class Setting:
    """Inputs on which both functions are run.

    Attributes:
        sizes: of named axes that are not those of `shapes`.
        change: replaces some of the drawn arguments.
        note: what is special about them.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    change: Callable[[Point], Point] = unchanged
    note: str = ""


@dataclass(frozen=True)
class Fault:
    """A fault as a pair of functions.

    Attributes:
        name: in the table.
        source: where it was reported, or `KIND`.
        says: what is wrong, in our words.
        right: the kernel without the fault.
        faulty: the same with it.
        shapes: of the arguments, as `lrgd_jax.certify.equal` takes them.
        ordinary: random normal inputs of the size of a test.
        usual: inputs that tests of such kernels often have and on which the fault is hard to see, if there are any.
        definition: the same function in other words, such as a recurrence; the right kernel must be equal to it.
        no_fault: why both are equal in real arithmetic; empty where they are not.
    """

    name: str
    source: str
    says: str
    right: Kernel
    faulty: Kernel
    shapes: str
    ordinary: Setting = field(default_factory=Setting)
    usual: Setting | None = None
    definition: Kernel | None = None
    no_fault: str = ""


def gates(*names: str) -> Callable[[Point], Point]:
    """Makes these arguments decays between zero and one, most of them near one."""
    return lambda point: point | {name: 1 / (1 + np.exp(-point[name] - 3)) for name in names}


def filled(**numbers: float) -> Callable[[Point], Point]:
    """Gives these arguments one number in each entry."""
    return lambda point: point | {name: np.full_like(point[name], x) for name, x in numbers.items()}


def unit_keys(point: Point) -> Point:
    """Keys of length one, and strengths and decays between zero and one."""
    keys = point["k"] / np.linalg.norm(point["k"], axis=-1, keepdims=True)
    return gates(*({"a", "b"} & set(point)))(point | {"k": keys})
