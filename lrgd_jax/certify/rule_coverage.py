"""Which primitives of JAX have a rule in which number system: read off the registries that the walker uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jax import lax
from jax.extend import core
from jax.extend.core import primitives as public
from jax.interpreters import ad, batching

from lrgd_jax.certify.balls.ball_arithmetic import Balls
from lrgd_jax.certify.exact.algebra import RING, Algebra
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.fields.prime_fields import PrimeField
from lrgd_jax.certify.rounding.running_error import Rounding
from lrgd_jax.certify.tracing import jax_versions as versions
from lrgd_jax.certify.tracing.free_functions import FREE
from lrgd_jax.certify.walking.alternatives import SPELLINGS
from lrgd_jax.certify.walking.complex_numbers import COMPLEX
from lrgd_jax.certify.walking.control_flow import CONTROL
from lrgd_jax.certify.walking.data_movement import MOVES
from lrgd_jax.certify.walking.expansions import EXPANSIONS

__all__ = ["Coverage", "coverage"]

RULE, WALKED, MOVED, WRITTEN_OUT, INTEGERS = "rule", "walked", "moved", "written out", "integers"

_PARTS = ("complex", "real", "imag", "conj")
"""What makes complex numbers of real ones and back."""

_OF_INTEGERS = (
    *("and", "or", "xor", "not", "shift_left", "shift_right_logical", "shift_right_arithmetic", "mulhi"),
    *("clz", "population_count", "reduce_and", "reduce_or", "reduce_xor", "iota", "bitcast_convert_type"),
    *("random_seed", "random_split", "random_fold_in", "random_bits", "random_wrap", "random_unwrap", "threefry2x32"),
    *("lu_pivots_to_permutation", "platform_index"),
)
"""Primitives whose operands are integers, booleans or keys wherever the walker meets them."""


@dataclass(frozen=True)
class Coverage:
    """What the layers know of a primitive; an empty word stands for nothing.

    Examples:
        >>> coverage()["exp"].rounding, coverage()["exp"].fields
        ('rule', 'by its law')

    Attributes:
        rounding: "rule"; "walked" for calls, branches and loops; "moved" for what only chooses which entry goes where;
            "written out" in simpler primitives; "integers" for what is evaluated as it stands.
        fields: of prime fields: one of these words, "free symbol", "case by case" or a restriction.
        rationals: likewise.
        balls: likewise.
        complex: whether it may have complex operands in the exact systems.
        advice: what to write in its place, or why it has no rule; empty where there is nothing to say.
    """

    rounding: str
    fields: str
    rationals: str
    balls: str
    complex: bool
    advice: str

    @property
    def known(self) -> bool:
        """Whether a layer has a rule for it."""
        return any((self.rounding, self.fields, self.rationals, self.balls))


def coverage() -> dict[str, Coverage]:
    """What is known of every primitive of the running JAX, by name; integers are evaluated by JAX itself everywhere.

    Examples:
        >>> coverage()["cholesky"].balls
        'rule'
        >>> coverage()["svd"].known
        False
    """
    return {name: _of(name) for name in sorted(_names())}


def _names() -> set[str]:
    """Of the public list of JAX's primitives, of those that its modules name, and of those that have a rule."""
    modules: list[Any] = [public, lax, lax.linalg, ad, batching]
    listed = {x.name for module in modules for x in vars(module).values() if isinstance(x, core.Primitive)}
    systems = (Rounding.rules, Balls.rules, Balls.functions, RING, EXPANSIONS, MOVES, CONTROL, COMPLEX, SPELLINGS)
    registered = {name for registry in systems for name in registry} | {*_OF_INTEGERS}
    return (listed | registered) - {FREE, *versions.CALLED} - _SPELLED_OTHERWISE


_SPELLED_OTHERWISE = {f"scatter_{name}" for name in ("add", "sub", "mul", "max", "min")}
"""Names that other releases give to the same primitives."""


def _of(name: str) -> Coverage:
    shared = _walker_coverage(name)
    exact = [_in_algebra(system, name) or shared for system in (_FIELD, _RATIONALS, _BALLS)]
    return Coverage(
        rounding=RULE if name in Rounding.rules else shared,
        fields=exact[0],
        rationals=exact[1],
        balls=exact[2],
        complex=name in COMPLEX or name in MOVES or name in CONTROL or name == "fft",
        advice=SPELLINGS.get(name, ""),
    )


_FIELD, _RATIONALS, _BALLS = PrimeField((1 << 61) - 1, 0), Rationals(), Balls()


def _walker_coverage(name: str) -> str:
    """What the walker does by itself."""
    registries: Mapping[str, Mapping[str, Any]] = {WALKED: CONTROL, MOVED: MOVES, WRITTEN_OUT: EXPANSIONS}
    if name in versions.EXPANSIONS or name in _PARTS:
        return WRITTEN_OUT
    if name in _OF_INTEGERS:
        return INTEGERS
    return next((word for word, registry in registries.items() if name in registry), "")


def _in_algebra(system: Algebra, name: str) -> str:
    if name in system.partial:
        return system.partial[name]
    return RULE if name in {*system.functions, *system.rules, *RING} else ""
