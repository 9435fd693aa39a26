"""Any two JAX functions: a certificate that they are equal, or the smallest arguments at which they are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from lrgd_jax.certify.certificates import SAME_PROGRAM, Certificate, Counterexample, Exact, Rigorous, versions
from lrgd_jax.certify.conditions import conditions_of
from lrgd_jax.certify.exact import Agreement, Disagreement, NotApplicable, Prepared
from lrgd_jax.certify.pairs import Arguments, Pair, enclosed, names_of, random_point, trace_pair
from lrgd_jax.certify.parting import Parting, parting
from lrgd_jax.certify.piecewise import decide_exactly
from lrgd_jax.certify.rigorous import Enclosure, Exclusion, Relation
from lrgd_jax.certify.shapes import Shapes, Sizes, shapes_of

__all__ = ["NotCertifiableError", "equal"]


class NotCertifiableError(ValueError):
    """Neither layer can say anything of two functions."""


def equal(
    f: Callable[..., Any],
    g: Callable[..., Any],
    shapes: str | Mapping[str, str | int | Sequence[int | str] | Sizes],
    *,
    relation: Relation = "equal",
    seed: int = 0,
    instances: int = 2,
) -> Certificate | Counterexample:
    r"""Certifies that two functions are equal in real arithmetic, or finds where they are not.

    Both are traced in 64 bits, whatever JAX is set to. The exact layer evaluates them at random points of random prime
    fields: if it applies, $f = g$ holds for all arguments of these shapes, up to the probability on the certificate.
    The rigorous layer encloses $f - g$ in balls at random arguments, and knows exp and its like too.

    Args:
        f: one function of arrays, from JAX's primitives.
        g: the other; their parameters have the same names.
        shapes: of the arguments, such as "q:d=4; k:n=6,d; v:n,dv=3; tokens:n below 10", or a mapping such as
            {"q": {"d": 4}, "x": (3, 4)}; parameters with a default may be left out. Named axes may be made smaller by
            the search for a counterexample.
        relation: "equal", or "at most" for f <= g in every entry.
        seed: of points, primes and symbols.
        instances: at how many points the difference is enclosed, and how many integers are tried in the exact layer.

    Returns:
        A `Certificate`, which is true, or a `Counterexample`, which is false.

    Raises:
        TypeError: one of the two is no function.
        ValueError: the shapes are wrong or not those of the functions, a function cannot be traced, or the results have
            different structures or shapes.
        NotCertifiableError: no layer applies; the message says why.

    Example:
        >>> bool(equal(lambda x: (x + 1) ** 2, lambda x: x**2 + 2 * x + 1, "x:n=3"))
        True
        >>> print(equal(lambda x: x.sum(), lambda x: x[:2].sum(), "x:n=6"))
        counterexample: ...
    """
    if relation not in ("equal", "at most"):
        raise ValueError(f"relation must be 'equal' or 'at most', got {relation!r}")
    if seed < 0 or instances < 1:
        raise ValueError(f"seed must be at least 0 and instances at least 1, got {seed} and {instances}")
    with jax.enable_x64(True):
        return _Comparison(f, g, shapes_of(shapes), relation, seed, instances).verdict()


@dataclass(frozen=True)
class _Comparison:
    """What was asked for."""

    f: Callable[..., Any]
    g: Callable[..., Any]
    shapes: Shapes
    relation: Relation
    seed: int
    instances: int

    def verdict(self) -> Certificate | Counterexample:
        pair = trace_pair(self.f, self.g, self.shapes)
        if not sum(aval.size for aval in pair.left.jaxpr.out_avals):
            raise ValueError("the functions return no number, so there is nothing to certify")
        exact = self._exact(pair)
        rigorous, point, positive = self._rigorous(pair)
        certain = isinstance(exact, Disagreement) and exact.certain
        if certain or isinstance(rigorous, Exclusion):
            return self._counterexample(pair, exact, rigorous, point)
        if not isinstance(exact, Agreement) and not isinstance(rigorous, Enclosure) and not pair.same:
            raise NotCertifiableError(self._why(exact, rigorous))
        return self._certificate(pair, exact, rigorous, positive)

    def _exact(self, pair: Pair) -> Exact:
        """The weakest agreement at all the integers that are drawn."""
        integers = any(argument.below is not None for argument in self.shapes.arguments.values())
        found: list[Agreement] = []
        for number in range(self.instances if integers else 1):
            verdict = self._exact_at(pair, random_point(self.shapes, self.seed, number))
            if not isinstance(verdict, Agreement):
                return verdict
            found.append(verdict)
        return max(found, key=lambda one: one.false_accept)

    def _exact_at(self, pair: Pair, point: Arguments) -> Exact:
        try:
            verdict = decide_exactly(pair.left, pair.right, Prepared(jax.tree.leaves(point)), seed=self.seed)
        except (ValueError, ArithmeticError) as reason:
            return NotApplicable(str(reason))
        if isinstance(verdict, Disagreement) and self.relation == "at most":
            return NotApplicable("the results are not equal, and a prime field has no order to compare them by")
        return verdict

    def _rigorous(self, pair: Pair) -> tuple[Rigorous, Arguments | None, bool]:
        """The widest enclosure, or the first verdict that is none and its point; whether points had to be positive."""
        found: list[Enclosure] = []
        any_positive = False
        for number in range(self.instances):
            verdict: Rigorous = NotApplicable("no point was tried")
            for positive in (False, True):
                point = random_point(self.shapes, self.seed, number, positive=positive)
                again = enclosed(pair, point, self.relation)
                # the reason at the plain point says more than that at the positive one
                verdict = verdict if positive and isinstance(again, NotApplicable) else again
                if isinstance(verdict, Exclusion):
                    return verdict, point, positive
                if isinstance(verdict, Enclosure):
                    any_positive = any_positive or positive
                    break
            if not isinstance(verdict, Enclosure):
                return verdict, None, False
            found.append(verdict)
        return max(found, key=lambda one: one.radius), None, any_positive

    def _why(self, exact: Exact, rigorous: Rigorous) -> str:
        """Why no layer applies."""
        left, right = names_of(self.f, self.g)
        first = exact.reason if isinstance(exact, NotApplicable) else "not equal for every function as a free symbol"
        second = rigorous.reason if isinstance(rigorous, NotApplicable) else "-"
        return f"neither layer can compare {left} and {right}: exact: {first}; rigorous: {second}"

    def _certificate(self, pair: Pair, exact: Exact, rigorous: Rigorous, positive: bool) -> Certificate:
        notes = []
        if pair.same:
            notes.append(SAME_PROGRAM)
        if isinstance(exact, Agreement) and exact.left_out:
            notes.append("nothing is said of arguments at which two numbers are equal that are compared and not affine")
        if positive:
            notes.append("rigorous at points between zero and one, where both functions have a value")
        if any(argument.below is not None for argument in self.shapes.arguments.values()):
            notes.append(f"integers were drawn {self.instances} times; nothing is said of others")
        if any(not jnp.issubdtype(aval.dtype, jnp.inexact) for aval in pair.left.jaxpr.out_avals):
            notes.append("integers and booleans among the results are equal where they were compared")
        return Certificate(
            functions=names_of(self.f, self.g),
            relation=self.relation,
            shapes=str(self.shapes),
            exact=exact,
            rigorous=rigorous,
            points=self.instances if isinstance(rigorous, Enclosure) else 0,
            notes=tuple(notes),
            programs=pair.digests,
            seed=self.seed,
            versions=versions(),
            conditions=conditions_of(pair.left, pair.right),
        )

    def _counterexample(self, pair: Pair, exact: Exact, rigorous: Rigorous, point: Arguments | None) -> Counterexample:
        # hypothesis is needed for nothing else here
        from lrgd_jax.certify.smallest import smallest

        found = smallest(self.f, self.g, self.shapes, relation=self.relation, seed=self.seed, known=point)
        only_fields = "they differ in a random prime field; no point was found at which balls or rationals show it"
        return Counterexample(
            functions=names_of(self.f, self.g),
            relation=self.relation,
            shapes=str(self.shapes),
            sizes=dict(self.shapes.sizes) if found is None else found.sizes,
            arguments=None if found is None else found.arguments,
            numbers=None if found is None else found.difference.numbers,
            left=() if found is None else found.difference.left,
            right=() if found is None else found.difference.right,
            apart=None if found is None else found.difference.apart,
            parting=None if found is None else self._parting(found.sizes, found.arguments),
            search=only_fields if found is None else found.search,
            exact=exact,
            rigorous=rigorous,
            programs=pair.digests,
            seed=self.seed,
            versions=versions(),
        )

    def _parting(self, sizes: Sizes, arguments: Arguments) -> Parting | None:
        """Where the functions part at the counterexample, and at a point beside it whose numbers are not as plain."""
        pair = trace_pair(self.f, self.g, self.shapes, sizes)
        other = random_point(self.shapes, self.seed, 0, sizes)
        return parting(pair.left, pair.right, *map(jax.tree.leaves, (arguments, other)))
