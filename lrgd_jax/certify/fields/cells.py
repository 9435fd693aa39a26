r"""Prime fields with an order that is assumed: a program that compares numbers, evaluated in one cell of its arguments.

Each comparison asks for the sign of a difference. If that is a known affine form of the arguments, the signs assumed so
far may decide it (`half_spaces`); if not, the walk stops and says between which signs a choice is needed. A cell may
lie on planes, where forms are zero: then its random point is drawn on them, so what agrees there agrees all over it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flint import fmpq, nmod

from lrgd_jax.certify.exact.algebra import Numbers
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.cell_numbers import CellNumber
from lrgd_jax.certify.fields.cell_order import Assumptions, Atom, CellOrder
from lrgd_jax.certify.fields.exponentials import is_zero
from lrgd_jax.certify.fields.half_spaces import CONSTANT, Form, canonical, on_planes, witness
from lrgd_jax.certify.fields.prime_fields import PrimeField
from lrgd_jax.certify.fields.symbolic import OrderError, inside, place

__all__ = ["CellField", "OpenSignError"]


_DEFINED_FROM: Mapping[str, tuple[int, int | None]] = {
    "sqrt": (0, 0),
    "rsqrt": (0, None),
}
"""Functions that have no value below a number, which is no place for a free symbol; and their value there, if any."""


class OpenSignError(Exception):
    """A comparison that the assumptions leave open.

    Attributes:
        atom: whose sign must be assumed.
        signs: those that are possible.
    """

    def __init__(self, atom: Atom, signs: Sequence[int]) -> None:
        super().__init__(atom, signs)
        self.atom = atom
        self.signs = tuple(signs)


class CellField(CellOrder, PrimeField):
    """A prime field in which the order of numbers is assumed.

    Attributes:
        assumptions: the cell.
        signs: of every comparison of the walk, in order.
        compared: how many numbers that are no affine forms were compared.
    """

    def __init__(self, modulus: int, seed: int, assumptions: Assumptions) -> None:
        super().__init__(modulus, seed)
        self.functions = self.decided(self.functions)
        self.rules = {**self.rules, **self.decisions()}
        self.assumptions = dict(assumptions)
        self.signs: list[int] = []
        self.compared = 0
        self._affine = tuple((atom, sign) for atom, sign in assumptions.items() if not isinstance(atom, int))
        self._solved = on_planes([atom for atom, sign in self._affine if sign == 0])

    def random(self, shape: Sequence[int], name: str) -> Numbers:
        """Independent random elements, as far as the planes leave them independent."""
        return self.numbered(shape)

    def _variable(self, k: int) -> CellNumber:
        form = self._solved.get(k)
        on_plane = self._element("cell", k) if form is None else self._at_point(form)
        return CellNumber(on_plane, self._element("input", k), ((k, fmpq(1)),))

    def _at_point(self, form: Form) -> nmod:
        terms = (c if k == CONSTANT else (c, self._element("cell", k)) for k, c in form)
        return sum(
            (self._residue(t) if isinstance(t, fmpq) else self._residue(t[0]) * t[1] for t in terms),
            nmod(0, self.modulus),
        )

    def _residue(self, x: fmpq) -> nmod:
        return super().fraction(int(x.p), int(x.q))

    def fraction(self, numerator: int, denominator: int) -> Number:
        """A rational constant, which is an affine form too."""
        value = super().fraction(numerator, denominator)
        number = fmpq(numerator, denominator)
        return CellNumber(value, value, ((CONSTANT, number),) if number != 0 else ())

    def exponential(self, x: Number) -> Number:
        """E to the power of x, at both points."""
        if x.constant == 0:
            return self.fraction(1, 1)
        return self._at_both(super().exponential, x)

    def symbol(self, name: str, *arguments: Number) -> Number:
        """One element for each name and arguments, at both points; none where the function has no value."""
        found = self._at_both(lambda *numbers: super(CellField, self).symbol(name, *numbers), *arguments)
        if name in _DEFINED_FROM:
            edge, value = _DEFINED_FROM[name]
            sign = self._known_sign(arguments[0] - self.fraction(edge, 1))
            if sign == 0 and value is not None:
                return CellNumber(self.fraction(value, 1).value, found.generic, self.fraction(value, 1).form)
            if sign is not None and sign <= 0:
                found.value = None
        return found

    def logarithm(self, x: Number) -> Number:
        """By its law at both points; none where there is no value."""
        found = self._at_both(super().logarithm, x)
        sign = self._known_sign(x)
        if sign is not None and sign <= 0:
            found.value = None
        return found

    def is_number(self, x: Number) -> bool | None:
        """Not known where the program divides by zero."""
        return None if isinstance(x, CellNumber) and x.value is None else super().is_number(x)

    def is_finite(self, x: Number) -> bool | None:
        """Likewise."""
        return None if isinstance(x, CellNumber) and x.value is None else super().is_finite(x)

    def pivot(self, column: Sequence[Number]) -> int | None:
        """Number that is not zero at the cell's point."""
        values = [x.value for x in column]
        if None in values:
            raise OrderError("the program factorises a matrix of which an entry divides by zero")
        return super().pivot(values)

    def _known_sign(self, x: CellNumber) -> int | None:
        """The sign of an affine form; None for another number."""
        return None if x.form is None else self._sign(x)

    def _at_both(self, function: Callable[..., Any], *arguments: Number) -> CellNumber:
        values, generic = [], []
        for x in arguments:
            values.append(x.value if isinstance(x, CellNumber) else x)
            generic.append(x.generic if isinstance(x, CellNumber) else x)
        return CellNumber(None if None in values else function(*values), function(*generic))

    def differ(self, x: Number, y: Number) -> bool:
        """Whether two numbers differ at the cell's point.

        Raises:
            OrderError: one of them has no value there, and the other one has.
        """
        numbers = [one.value if isinstance(one, CellNumber) else inside(one) for one in (x, y)]
        if numbers[0] is None and numbers[1] is None:
            return False
        if None in numbers:
            raise OrderError("in one case of the comparisons one side has a value and the other has none")
        return super().differ(*numbers)

    def order(self, x: Number, y: Number) -> int:
        """The sign of x - y, as far as it is known.

        Raises:
            OpenSignError: it has to be assumed.
        """
        if place(x) or place(y):
            return super().order(x, y)
        difference = inside(x) - inside(y)
        sign = self._sign(difference)
        self.signs.append(sign)
        return sign

    def _sign(self, x: CellNumber) -> int:
        constant = x.constant
        if constant is not None:
            return int(constant > 0) - int(constant < 0)
        return self._affine_sign(x.form) if x.form is not None else self._other_sign(x)

    def _affine_sign(self, form: Form) -> int:
        atom, factor = canonical(form)
        if atom not in self.assumptions:
            possible = [sign for sign in (1, -1, 0) if witness((*self._affine, (atom, sign))) is not None]
            if len(possible) > 1:
                raise OpenSignError(atom, possible)
            self.assumptions[atom] = possible[0]
        return factor * self.assumptions[atom]

    def _other_sign(self, x: CellNumber) -> int:
        if x.value is None:
            raise OrderError("the program compares a number that it divides by zero for")
        self.compared += 1
        if is_zero(x.value):
            return 0
        residue = int(self._plain(x.generic))
        atom = min(residue, self.modulus - residue)
        if atom not in self.assumptions:
            raise OpenSignError(atom, (1, -1))
        return self.assumptions[atom] if atom == residue else -self.assumptions[atom]
