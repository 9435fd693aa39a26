"""Where in a user's source an equation of a traced program comes from.

An equation within a function of a library, such as `jnp.linalg.det`, remembers at best who called that function when it
was traced first, and often nothing. So the walker keeps the calls that it is in, and the line that is named is the one
that called the outermost of the libraries.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from jax._src import source_info_util  # no public API names the source line of an equation
from jax.extend import core

__all__ = ["enter", "source_line"]

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "equinox", "einops", "jaxtyping", "beartype", "lrgd_jax")
"""Packages whose lines are not the user's own."""

_within: contextvars.ContextVar[tuple[core.JaxprEqn, ...]] = contextvars.ContextVar("within", default=())


@contextlib.contextmanager
def enter(eqn: core.JaxprEqn) -> Iterator[None]:
    """While the walker is in the program that this equation calls."""
    token = _within.set((*_within.get(), eqn))
    try:
        yield
    finally:
        _within.reset(token)


def source_line(eqn: core.JaxprEqn) -> str:
    """The user's line behind an equation, "file:line (function)"; the best that is known where there is none."""
    calls = _within.get()
    # what a primitive was written out in knows no file of its own
    outermost = next((k for k, call in enumerate(calls) if not _is_own(_function_file(call))), len(calls))
    # the call of the library, else the equation itself, and where these know nothing what they are called from
    for candidate in reversed((*calls, eqn)[: outermost + 1]):
        line = _own_line(candidate)
        if line:
            return line
    return source_info_util.summarize(eqn.source_info)


def _own_line(eqn: core.JaxprEqn) -> str:
    for frame in source_info_util.user_frames(eqn.source_info.traceback):
        if not _is_library(frame.file_name):
            return f"{frame.file_name}:{frame.start_line} ({frame.function_name})"
    return ""


def _function_file(eqn: core.JaxprEqn) -> str:
    """The file of the function that an equation calls, as its program remembers it."""
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr", "body_jaxpr", "jaxprs", "branches"):
        inner = eqn.params.get(key)
        # the solver of a linear solve, the first of several branches
        inner = inner[0] if key == "branches" and inner else getattr(inner, "solve", inner)
        inner = getattr(inner, "jaxpr", inner)
        info = getattr(inner, "debug_info", None)
        if info is not None:
            # "name at file:line"
            return str(info.func_src_info).rpartition(" at ")[2].rpartition(":")[0]
    return ""


def _is_own(file: str) -> bool:
    return bool(file) and not _is_library(file)


def _is_library(file: str) -> bool:
    return any(file.startswith(folder) for folder in _folders())


@functools.cache
def _folders() -> tuple[str, ...]:
    found = (importlib.util.find_spec(name) for name in LIBRARIES)
    return tuple(str(Path(spec.origin).parent) + "/" for spec in found if spec is not None and spec.origin)
