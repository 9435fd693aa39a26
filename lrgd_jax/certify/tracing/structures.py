"""Structures of results: only results of one structure, with one shape an array, are compared; by every layer."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from lrgd_jax.certify.tracing.program import Program, Tree

__all__ = ["StructureError", "comparable", "describe", "mismatch"]

NAMES = "the left side", "the right side"


class StructureError(ValueError):
    """Two results are not of one structure, or arrays at one place not of one shape."""


def describe(tree: Tree) -> str:
    """The structure of a result and the shapes of its arrays.

    Args:
        tree: a program, or a tree of anything that has a shape.

    Examples:
        >>> describe({"out": np.zeros((3, 2))})
        "{'out': [3, 2]}"
    """
    return str(jax.tree.map(lambda x: list(np.shape(x)), _result_of(tree)))


def mismatch(left: Tree, right: Tree, names: tuple[str, str] = NAMES) -> str | None:
    """Why two results cannot be compared entry by entry; None where they can.

    A dictionary of one array, a tuple of one and the array itself are three structures. The order in which the keys
    of a plain dictionary were written is none, since JAX sorts them; that of an `OrderedDict` is one.

    Args:
        left: a program, or a tree of arrays.
        right: likewise.
        names: how the message calls them.
    """
    trees = [_result_of(x) for x in (left, right)]
    shapes = [[np.shape(x) for x in jax.tree.leaves(tree)] for tree in trees]
    structures = [jax.tree.structure(tree) for tree in trees]
    if structures[0] == structures[1] and shapes[0] == shapes[1]:
        return None
    first, second = (describe(tree) for tree in trees)
    if first == second:
        first, second = (f"{text} as {structure}" for text, structure in zip((first, second), structures, strict=True))
    return f"the results cannot be compared: {names[0]} returns {first}, {names[1]} returns {second}"


def comparable(left: Tree, right: Tree, names: tuple[str, str] = NAMES) -> None:
    """Refuses results that are not of one structure; as for `mismatch`.

    Raises:
        StructureError: they are not; the message shows both.
    """
    reason = mismatch(left, right, names)
    if reason is not None:
        raise StructureError(f"{reason}; return one structure, with one shape an array, from both")


def _result_of(x: Tree) -> Any:
    return x.unflatten(x.out_avals) if isinstance(x, Program) else x
