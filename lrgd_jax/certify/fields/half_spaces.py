"""Affine forms with rational coefficients, and points where they have given signs: exact, by Fourier and Motzkin.

A comparison of two affine functions of the arguments cuts their space along a plane. Whether some signs of several
forms occur together is a system of linear equations and strict inequalities; elimination (Schrijver 1986, section 12.2)
decides it in rational numbers and, going back, finds a point.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from flint import fmpq

__all__ = [
    "CONSTANT",
    "Form",
    "Signs",
    "TooManyPlanesError",
    "added",
    "canonical",
    "on_planes",
    "scaled",
    "value_at",
    "witness",
]

CONSTANT = -1
"""Under this number a form keeps its constant term; variables are numbered from zero."""

Form: TypeAlias = tuple[tuple[int, fmpq], ...]
"""Coefficients by variable, sorted, none of them zero."""

Signs: TypeAlias = tuple[tuple[Form, int], ...]
"""Forms, each with the sign (-1, 0 or 1) that it must have."""

Point: TypeAlias = dict[int, fmpq]

MOST_INEQUALITIES = 512
"""Elimination squares their number at worst."""


class TooManyPlanesError(ValueError):
    """Elimination would take more inequalities than it is worth."""


def _form(coefficients: Mapping[int, fmpq]) -> Form:
    return tuple(sorted((k, c) for k, c in coefficients.items() if c != 0))


def added(x: Form, y: Form) -> Form:
    """The sum of two forms."""
    total = dict(x)
    for k, c in y:
        total[k] = total.get(k, fmpq(0)) + c
    return _form(total)


def scaled(x: Form, factor: fmpq) -> Form:
    """A multiple of a form."""
    return tuple((k, c * factor) for k, c in x) if factor != 0 else ()


def canonical(x: Form) -> tuple[Form, int]:
    """The positive or negative multiple whose first coefficient of a variable is one, and the sign of the factor."""
    first = next(c for k, c in x if k != CONSTANT)
    return scaled(x, 1 / first), 1 if first > 0 else -1


def value_at(x: Form, point: Mapping[int, fmpq]) -> fmpq:
    """The form at a point; a variable that the point does not name is zero."""
    return sum((c if k == CONSTANT else c * point.get(k, fmpq(0)) for k, c in x), fmpq(0))


def on_planes(planes: Sequence[Form]) -> dict[int, Form]:
    """Where all of some forms are zero: some variables as forms of the others.

    Raises:
        ValueError: the forms are never zero together.
    """
    solved: dict[int, Form] = {}
    for plane in planes:
        rest = plane
        for variable, form in solved.items():
            rest = _substituted(rest, variable, form)
        pivot = next((k for k, _ in rest if k != CONSTANT), None)
        if pivot is None:
            if rest:
                raise ValueError("the planes have no point in common")
            continue
        form = _solved_for(rest, pivot)
        solved = {k: _substituted(other, pivot, form) for k, other in solved.items()} | {pivot: form}
    return solved


@functools.lru_cache(maxsize=1 << 14)
def witness(signs: Signs) -> Mapping[int, fmpq] | None:
    """A point where the forms have these signs, with few digits; None where there is none.

    Raises:
        TooManyPlanesError: the question is too large.

    Examples:
        >>> x, one = ((0, fmpq(1)),), ((CONSTANT, fmpq(1)),)
        >>> witness(((x, 1), (added(x, scaled(one, fmpq(-3))), -1)))  # 0 < x < 3
        {0: 1}
    """
    solved = {}
    try:
        solved = on_planes([form for form, sign in signs if sign == 0])
    except ValueError:
        return None
    positive = [scaled(form, fmpq(sign)) for form, sign in signs if sign]
    for variable, form in solved.items():
        positive = [_substituted(one, variable, form) for one in positive]
    point = _positive_at(frozenset(positive))
    if point is None:
        return None
    point = _free_choices(form for form, _ in signs) | point
    return point | {variable: value_at(form, point) for variable, form in solved.items()}


def _positive_at(forms: frozenset[Form]) -> Point | None:
    """A point where all forms are positive."""
    if any(value_at(form, {}) <= 0 for form in forms if _is_constant(form)):
        return None
    rest = frozenset(form for form in forms if not _is_constant(form))
    if not rest:
        return {}
    if len(rest) > MOST_INEQUALITIES:
        raise TooManyPlanesError(f"more than {MOST_INEQUALITIES} half-spaces, too many for elimination")
    variable = _cheapest(rest)
    above = [form for form in rest if dict(form).get(variable, fmpq(0)) > 0]
    below = [form for form in rest if dict(form).get(variable, fmpq(0)) < 0]
    others = rest.difference(above, below)
    crossed = (added(_normed(a, variable), _normed(b, variable)) for a in above for b in below)
    point = _positive_at(others | {_primitive(form) for form in crossed})
    if point is None:
        return None
    # what cancels in all that was crossed may be anything
    point = {k: x for k, x in _free_choices([*above, *below]).items() if k != variable} | point
    # a x + rest > 0 bounds x by -rest / a
    low = max((value_at(_solved_for(form, variable), point) for form in above), default=None)
    high = min((value_at(_solved_for(form, variable), point) for form in below), default=None)
    return point | {variable: _between(low, high)}


def _free_choices(forms: Iterable[Form]) -> Point:
    """A number for every variable, no two of them equal."""
    return {k: 1 + fmpq(k, 4) for form in forms for k, _ in form if k != CONSTANT}


def _is_constant(form: Form) -> bool:
    return all(k == CONSTANT for k, _ in form)


def _cheapest(forms: frozenset[Form]) -> int:
    """The variable whose elimination makes the fewest new inequalities."""
    counts: dict[int, list[int]] = {}
    for form in forms:
        for k, c in form:
            if k != CONSTANT:
                counts.setdefault(k, [0, 0])[c < 0] += 1
    return min(counts, key=lambda k: (counts[k][0] * counts[k][1], k))


def _normed(form: Form, variable: int) -> Form:
    return scaled(form, 1 / abs(dict(form)[variable]))


def _primitive(form: Form) -> Form:
    """A positive multiple that is the same for all positive multiples, so that equal half-spaces count once."""
    return scaled(form, 1 / abs(form[-1][1])) if form else form


def _solved_for(form: Form, variable: int) -> Form:
    """What the variable is where the form is zero."""
    factor = dict(form)[variable]
    return scaled(tuple((k, c) for k, c in form if k != variable), -1 / factor)


def _substituted(form: Form, variable: int, value: Form) -> Form:
    factor = dict(form).get(variable)
    if factor is None:
        return form
    return added(tuple((k, c) for k, c in form if k != variable), scaled(value, factor))


def _beyond(low: fmpq | None, high: fmpq | None) -> fmpq:
    return fmpq(low.floor()) + 1 if low is not None else -(fmpq((-high).floor()) + 1) if high is not None else fmpq(1)


def _between(low: fmpq | None, high: fmpq | None) -> fmpq:
    """A number with few binary digits strictly between two others, of which None is infinity."""
    if low is None or high is None:
        return _beyond(low, high)
    unit = fmpq(1)
    while not (low < (low / unit).floor() * unit + unit < high):
        unit /= 2
    return (low / unit).floor() * unit + unit
