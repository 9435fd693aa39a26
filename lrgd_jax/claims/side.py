"""What a side of a claim is, and what its parameters ask for."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from jaxtyping import PyTree

__all__ = ["Side", "parameters_of", "within_partials"]

Side: TypeAlias = Callable[..., PyTree]
"""A JAX function whose parameters are named after arguments, dimensions or free functions of the claim.

It returns a pytree of arrays. A parameter with a default is the side's own and is left alone; a last parameter `**rest`
receives all arguments and dimensions that are not named."""


def within_partials(side: Side) -> Side:
    """The function within a partial one."""
    return within_partials(side.func) if isinstance(side, partial) else side


def parameters_of(side: Side) -> tuple[set[str], bool]:
    """The names that a side needs (those without a default), and whether it takes all others as well."""
    parameters = inspect.signature(side).parameters.values()
    takes_rest = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    needed = (p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty)
    return set(needed), takes_rest
