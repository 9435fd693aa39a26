"""Any two JAX functions: a certificate that they are equal, or the smallest arguments at which they are not.

Where neither is to be had, they are compared at points, and the result says so: it is no certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import jax

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.comparison import Comparison
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.literal_notes import note_lifted, note_rounded
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.points.function_pairs import (
    names_of,
)
from lrgd_jax.certify.tracing.shapes import Shapes, Sizes, shapes_of
from lrgd_jax.certify.verdicts.enclosures import Relation
from lrgd_jax.certify.verdicts.literal_lifting import LiteralLifting

__all__ = ["equal"]


Constants = Literal["rounded", "meant"]
"""What a literal counts as."""


def equal(
    f: Callable[..., Any],
    g: Callable[..., Any],
    shapes: str | Mapping[str, str | int | Sequence[int | str] | Sizes] | Shapes,
    *,
    relation: Relation = "equal",
    seed: int = 0,
    instances: int = 2,
    constants: Constants = "rounded",
) -> Certificate | Counterexample | Unrefuted:
    r"""Certifies that two functions are equal in real arithmetic, or finds where they are not.

    Both are traced in 64 bits, whatever JAX is set to. The exact layer evaluates them at random points of random prime
    fields: if it applies, $f = g$ holds for all arguments of these shapes, up to the probability on the certificate.
    Arguments of integers are all tried where they are few; else the result says at how many draws of them it holds.
    Where the exact layer says nothing, $f - g$ is enclosed in balls at points: plain ones (zeros, ones, tens, huge and
    tiny numbers, ties, equal arguments), random ones, and the functions' own: arguments that put the operands of each
    comparison, clip, floor and the like on either side and on the edge. Points refute, and certify nothing. Where one
    of the functions alone has a value, they differ; where neither has, nothing is said.

    Args:
        f: one function of arrays, from JAX's primitives.
        g: the other; their parameters have the same names.
        shapes: of the arguments, such as "q:d=4; k:n=6,d; v:n,dv=3; tokens:n below 10", or a mapping such as
            {"q": {"d": 4}, "x": (3, 4)}; parameters with a default may be left out. Named axes may be made smaller by
            the search for a counterexample.
        relation: "equal", or "at most" for f <= g in every entry.
        seed: of points, primes and symbols.
        instances: how often random points of each kind are drawn, and random integers where they are many.
        constants: "rounded": a literal counts as the number that its format holds; "meant": one that is what a format
            has for 1/3, 1/sqrt(3), pi and their like (`meanings`) counts as that number, and the result lists it.

    Returns:
        A `Certificate`, which is true; a `Counterexample`, which is false; or `Unrefuted`, which is false too: no point
        was found at which they differ, and that is all.

    Raises:
        TypeError: one of the two is no function.
        ValueError: the shapes are wrong or not those of the functions, a function cannot be traced, or the results have
            different structures or shapes.
        NotCertifiableError: no layer applies; the message says why.

    Examples:
        >>> bool(equal(lambda x: (x + 1) ** 2, lambda x: x**2 + 2 * x + 1, "x:n=3"))
        True
        >>> counterexample = equal(lambda x: x.sum(), lambda x: x[:2].sum(), "x:n=6")
        >>> bool(counterexample), counterexample.sizes, counterexample.left, counterexample.right
        (False, {'n': 3}, ('1',), ('0',))
    """
    if relation not in ("equal", "at most"):
        raise ValueError(f"relation must be 'equal' or 'at most', got {relation!r}")
    if seed < 0 or instances < 1:
        raise ValueError(f"seed must be at least 0 and instances at least 1, got {seed} and {instances}")
    if constants not in ("rounded", "meant"):
        raise ValueError(f"constants must be 'rounded' or 'meant', got {constants!r}")
    names_of(f, g)
    asked = shapes_of(shapes)
    with jax.enable_x64(True):
        if constants == "rounded":
            return note_rounded(Comparison(f, g, asked, relation, seed, instances).verdict(), f, g, asked)
        first, second = LiteralLifting(f), LiteralLifting(g)
        return note_lifted(Comparison(first, second, asked, relation, seed, instances).verdict(), first, second, asked)
