"""Equations that the outputs of a program need."""

from __future__ import annotations

import functools
from typing import Any

from jax.extend import core

from lrgd_jax.certify.tracing import jax_versions as versions
from lrgd_jax.certify.tracing.jaxprs import inner_jaxprs

__all__ = ["live"]


@functools.lru_cache(maxsize=1024)
def live(jaxpr: core.Jaxpr) -> list[core.JaxprEqn]:
    """The equations that the outputs need: XLA drops the others, and so does the walker."""
    needed = {var for var in jaxpr.outvars if not isinstance(var, core.Literal)}
    kept = []
    for eqn in reversed(jaxpr.eqns):
        if eqn.effects or not needed.isdisjoint(eqn.outvars):
            kept.append(_drop_unread(eqn, needed))
            needed.update(var for var in eqn.invars if not isinstance(var, core.Literal))
    return kept[::-1]


def _drop_unread(eqn: core.JaxprEqn, needed: set[Any]) -> core.JaxprEqn:
    """The same equation, with what nobody reads marked so: a sort decides less where nothing is carried along."""
    if needed.issuperset(eqn.outvars) or any(True for _ in inner_jaxprs(eqn)):
        return eqn
    return eqn.replace(outvars=[var if var in needed else versions.dropped(var) for var in eqn.outvars])
