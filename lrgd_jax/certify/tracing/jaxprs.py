"""Jaxprs as JAX has them, open and closed, and those within their equations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, TypeGuard

import jax
from jax.extend import core

__all__ = ["ClosedJaxpr", "Variable", "inner_jaxprs", "is_jaxpr"]

ClosedJaxpr: TypeAlias = core.ClosedJaxpr  # pyright: ignore[reportPrivateImportUsage] (JAX 0.12 does not type the name)
"""A jaxpr with its constants; from JAX 0.12 on it is another name of `core.Jaxpr`, which holds them itself."""

Variable: TypeAlias = Any
"""A `core.Var` or `core.Literal` that holds an array; JAX does not type the shape and the dtype of its `aval`."""


def inner_jaxprs(eqn: core.JaxprEqn) -> Iterator[ClosedJaxpr | core.Jaxpr]:
    """The programs within an equation: of a call, of a loop, of the branches of a condition."""
    leaves = jax.tree.leaves(list(eqn.params.values()), is_leaf=is_jaxpr)
    return (x for x in leaves if is_jaxpr(x))


def is_jaxpr(x: object) -> TypeGuard[ClosedJaxpr | core.Jaxpr]:
    """Whether it is a program, open or closed."""
    return isinstance(x, ClosedJaxpr | core.Jaxpr)
