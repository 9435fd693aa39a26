"""What identifies a traced program: its text, and the numbers that the text leaves out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.tracing.free_functions import FREE, program_behind
from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, inner_jaxprs
from lrgd_jax.certify.tracing.program import Program

__all__ = ["digest"]


def digest(program: Program) -> str:
    """The SHA-256 of a program's text and of what the text leaves out; addresses in memory do not count."""
    found = hashlib.sha256(_without_addresses(str(program.jaxpr)).encode())
    for value in _hidden_parts(program.jaxpr):
        array = np.asarray(value)
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _without_addresses(text: str) -> str:
    head, *rest = text.split(" at 0x")
    return head + "".join(part.lstrip("0123456789abcdef") for part in rest)


def _hidden_parts(jaxpr: Any) -> Iterator[Any]:
    """Constants, and the digests of functions behind free ones."""
    if isinstance(jaxpr, ClosedJaxpr):
        yield from jaxpr.consts
        jaxpr = jaxpr.jaxpr
    for eqn in jaxpr.eqns:
        yield from (x.val for x in eqn.invars if isinstance(x, core.Literal))
        if eqn.primitive.name == FREE:
            yield digest(program_behind(eqn))
        for inner in inner_jaxprs(eqn):
            yield from _hidden_parts(inner)
