r"""Is there a constant metric under which an update is a gradient? A linear system, over the rational numbers.

A symmetric matrix M makes M F a gradient if and only if M J(S) is symmetric at every state S and for all other
arguments, where J is the Jacobian of F. At one point that is a linear system for the entries of M, so the metrics at
some points form a space that more points make smaller. If nothing but singular matrices is left in it, there is no
metric at all; a matrix that is left is a guess, to be certified like any other metric.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq, fmpq_mat
from jaxtyping import Array

from lrgd_jax.certify.answers.result_texts import points_text
from lrgd_jax.certify.exact.algebra import Numbers
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.gradients.field import Field, Metric
from lrgd_jax.certify.tracing.program import Program, trace
from lrgd_jax.certify.walking.walker import walk

__all__ = ["MOST_ENTRIES", "ConstantMetric", "NoMetric", "find_metric"]

MOST_ENTRIES = 16
"""Of a state whose metric is searched for."""

POINTS = 40
"""At most so many are tried."""

STEADY = 3
"""The space of metrics counts as settled if so many points in a row do not change it."""

LARGEST = 9
"""Numbers of a point are whole, up to this."""

COEFFICIENT = 2**31
"""Random coefficients are below this; that a space of invertible matrices looks singular then has a probability below
n / 2^31, as a determinant of degree n has few zeros (Schwartz 1980)."""

MOST_SUMMED = 5
"""From a basis of so many, all sums and differences are tried."""

_NO_VALUE = (ArithmeticError, NotImplementedError, TypeError, ValueError)
_ROUNDED_TO = 10_000


@dataclass(frozen=True)
class ConstantMetric:
    """A matrix that is a metric at every point that was tried.

    Attributes:
        matrix: of whole numbers, symmetric and invertible.
        definite: whether u' M u > 0 for every u but zero, or the same of -M.
    """

    matrix: tuple[tuple[int, ...], ...]
    definite: bool

    def as_metric(self) -> Metric:
        """Applied to a tangent of the state."""

        def constant_metric(tangent: Array) -> Array:
            matrix = jnp.asarray(np.array(self.matrix, float), tangent.dtype)
            return jnp.reshape(matrix @ jnp.ravel(tangent), tangent.shape)

        constant_metric.__name__ = "M"
        return constant_metric


@dataclass(frozen=True)
class NoMetric:
    """No constant metric was found.

    Attributes:
        reason: why, in words.
        certain: whether there is none, as exact Jacobians at some points show; otherwise they were rounded.
    """

    reason: str
    certain: bool


def find_metric(field: Field, seed: int) -> ConstantMetric | NoMetric:
    """Searches for a constant symmetric matrix that is invertible and makes the Jacobian symmetric.

    Args:
        field: of the update, under no metric.
        seed: of the points.

    Raises:
        ValueError: the state has more than `MOST_ENTRIES` entries.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify.tracing.shapes import shapes_of
        >>> field = Field(lambda S: jnp.stack([S[0] + S[1], 2 * S[0]]), shapes_of("S:2"), "S", None, False)
        >>> find_metric(field, seed=0)
        ConstantMetric(matrix=((2, 0), (0, 1)), definite=True)
    """
    size = math.prod(field.shapes.shape(field.wrt))
    if size > MOST_ENTRIES:
        raise ValueError(
            f"the state {field.wrt!r} has {size} entries; a metric is searched for states of at most {MOST_ENTRIES}: "
            "give smaller shapes, or a metric"
        )
    space, exact, tried = _space(field, size, seed)
    where = f"at {points_text(tried)}" + ("" if exact else ", to the precision of float64,")
    if not space:
        return NoMetric(f"{where} no symmetric matrix but zero makes its Jacobian symmetric", exact)
    plain = [_scaled(matrix) for matrix in _plain_ones(space, size) if matrix.det() != 0]
    if plain:
        return min(plain, key=_size_of)
    for matrix in _random_ones(space, size, seed):
        if matrix.det() != 0:
            return _scaled(matrix)
    return NoMetric(f"{where} every symmetric matrix that makes its Jacobian symmetric is singular", exact)


def _space(field: Field, size: int, seed: int) -> tuple[list[fmpq_mat], bool, int]:
    """A basis of the symmetric matrices that serve at every point, whether it is exact, and at how many points."""
    program = _jacobian_program(field)
    generator = np.random.default_rng(seed)
    pairs = list(itertools.combinations_with_replacement(range(size), 2))
    kept, steady, tried = fmpq_mat(0, len(pairs)), 0, 0
    for number in range(POINTS):
        jacobian = _exactly(program, _whole_point(field, generator))
        if jacobian is None:
            if tried == 0 and number + 1 == STEADY:
                return _space_in_floats(field, generator, pairs, size)
            # at a pole of the update
            continue
        tried += 1
        before = kept.nrows()
        kept = _reduced(kept, _equations(jacobian, pairs))
        steady = steady + 1 if kept.nrows() == before else 0
        if steady == STEADY or kept.nrows() == len(pairs):
            break
    return [_symmetric(vector, pairs, size) for vector in _null_space(kept)], True, tried


def _jacobian_program(field: Field) -> Program:
    point = field.random_point(0)
    names = list(field.shapes.arguments)
    shape = field.shapes.shape(field.wrt)

    def jacobian(*values: Array) -> Array:
        named = dict(zip(names, values, strict=True))
        others = {name: x for name, x in named.items() if name != field.wrt}
        flat = jax.jacfwd(lambda state: jnp.ravel(field(jnp.reshape(state, shape), others)))
        return flat(jnp.ravel(named[field.wrt]))

    with jax.enable_x64(True):
        return trace(jacobian, *(point[name] for name in names))


def _whole_point(field: Field, generator: np.random.Generator) -> dict[str, np.ndarray]:
    point = {}
    for name, argument in field.shapes.arguments.items():
        shape = field.shapes.shape(name)
        if argument.below is not None:
            point[name] = generator.integers(argument.below, size=shape)
        elif argument.above is not None:
            point[name] = argument.above + generator.integers(1, LARGEST + 1, size=shape).astype(float)
        else:
            point[name] = generator.integers(-LARGEST, LARGEST + 1, size=shape).astype(float)
    return point


def _exactly(program: Program, point: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The Jacobian in rational numbers; None where it has no value in them."""
    system = Rationals()
    try:
        lifted = [system.lift(x, x.dtype) if x.dtype.kind == "f" else x for x in point.values()]
        (value,) = walk(program, system, lifted)
        return value.array if isinstance(value, Numbers) else np.vectorize(fmpq, otypes=[object])(np.asarray(value))
    except _NO_VALUE:
        return None


def _equations(jacobian: np.ndarray, pairs: Sequence[tuple[int, int]]) -> list[list[fmpq | float]]:
    """(M J - J' M)_ij = 0 for i < j, one row each, in the entries of M."""
    place = {pair: k for k, pair in enumerate(pairs)}
    size = jacobian.shape[0]
    rows = []
    for i, j in itertools.combinations(range(size), 2):
        row: list[fmpq | float] = [0] * len(pairs)
        for k in range(size):
            row[place[min(i, k), max(i, k)]] += jacobian[k, j]
            row[place[min(j, k), max(j, k)]] -= jacobian[k, i]
        rows.append(row)
    return rows


def _reduced(kept: fmpq_mat, rows: list[list[fmpq | float]]) -> fmpq_mat:
    """A basis of the rows of both."""
    width = kept.ncols()
    entries = [*kept.entries(), *(x for row in rows for x in row)]
    reduced, rank = fmpq_mat(len(entries) // width, width, entries).rref()
    return fmpq_mat(rank, width, reduced.entries()[: rank * width])


def _null_space(reduced: fmpq_mat) -> list[list[fmpq]]:
    """One vector for each column without a pivot."""
    width = reduced.ncols()
    rows = [reduced.entries()[k * width : (k + 1) * width] for k in range(reduced.nrows())]
    pivots = [next(k for k, x in enumerate(row) if x != 0) for row in rows]
    basis = []
    for free in (k for k in range(width) if k not in pivots):
        vector = [fmpq(int(k == free)) for k in range(width)]
        for pivot, row in zip(pivots, rows, strict=True):
            vector[pivot] = -row[free]
        basis.append(vector)
    return basis


def _space_in_floats(
    field: Field, generator: np.random.Generator, pairs: Sequence[tuple[int, int]], size: int
) -> tuple[list[fmpq_mat], bool, int]:
    """The same for functions that have no rational values, rounded to short fractions."""
    rows = []
    for _ in range(STEADY * 2):
        point = _whole_point(field, generator)
        small = {name: x / LARGEST if x.dtype.kind == "f" else x for name, x in point.items()}
        jacobian = field.jacobian(small)
        if np.isfinite(jacobian).all():
            rows += [[float(x) for x in row] for row in _equations(jacobian.astype(object), pairs)]
    matrix = np.array(rows, float).reshape(-1, len(pairs))
    _, values, vectors = np.linalg.svd(matrix) if matrix.size else (None, np.zeros(0), np.eye(len(pairs)))
    largest = values.max(initial=0.0)
    rank = int((values > largest * max(matrix.shape) * np.sqrt(np.finfo(float).eps)).sum())
    basis = _echelon(vectors[rank:])
    short = [[fmpq(*Fraction(x).limit_denominator(_ROUNDED_TO).as_integer_ratio()) for x in row] for row in basis]
    return [_symmetric(vector, pairs, size) for vector in short], False, STEADY * 2


def _echelon(rows: np.ndarray) -> np.ndarray:
    """Reduced by Gauss and Jordan, with the largest pivot of each row, so that plain numbers become plain again."""
    rows = rows.copy()
    for k in range(rows.shape[0]):
        pivot = int(np.argmax(np.abs(rows[k])))
        rows[k] /= rows[k, pivot]
        for other in range(rows.shape[0]):
            if other != k:
                rows[other] -= rows[other, pivot] * rows[k]
    return rows


def _symmetric(vector: Sequence[fmpq], pairs: Sequence[tuple[int, int]], size: int) -> fmpq_mat:
    matrix = fmpq_mat(size, size)
    for (i, j), x in zip(pairs, vector, strict=True):
        matrix[i, j] = matrix[j, i] = x
    return matrix


def _plain_ones(space: list[fmpq_mat], size: int) -> Iterator[fmpq_mat]:
    """The matrix of the space that is nearest to the identity, and sums and differences of those of the basis."""
    yield _nearest_to_identity(space, size)
    if len(space) > MOST_SUMMED:
        yield from space
        return
    for signs in itertools.product((1, 0, -1), repeat=len(space)):
        yield sum((matrix * fmpq(sign) for matrix, sign in zip(space, signs, strict=True)), fmpq_mat(size, size))


def _random_ones(space: list[fmpq_mat], size: int, seed: int) -> Iterator[fmpq_mat]:
    generator = np.random.default_rng(seed)
    for _ in range(2):
        shares = [fmpq(int(x)) for x in generator.integers(1, COEFFICIENT, size=len(space))]
        yield sum((matrix * share for matrix, share in zip(space, shares, strict=True)), fmpq_mat(size, size))


def _size_of(metric: ConstantMetric) -> tuple[bool, int, int]:
    """By which the plainest is chosen: a definite one, with few entries that are not zero, and these small."""
    entries = [abs(x) for row in metric.matrix for x in row]
    return not metric.definite, sum(x > 0 for x in entries), sum(entries)


def _nearest_to_identity(space: list[fmpq_mat], size: int) -> fmpq_mat:
    """In the sum of squares; a definite metric is often found by it where there is one."""
    count = len(space)

    def inner(x: fmpq_mat, y: fmpq_mat) -> fmpq:
        return sum((a * b for a, b in zip(x.entries(), y.entries(), strict=True)), fmpq(0))

    identity = fmpq_mat(size, size)
    for k in range(size):
        identity[k, k] = fmpq(1)
    gram = fmpq_mat(count, count, [inner(x, y) for x in space for y in space])
    shares = gram.solve(fmpq_mat(count, 1, [inner(x, identity) for x in space]))
    nearest = fmpq_mat(size, size)
    for share, matrix in zip(shares.entries(), space, strict=True):
        nearest = nearest + matrix * share
    return nearest


def _scaled(matrix: fmpq_mat) -> ConstantMetric:
    """By the common denominator, and without a common factor."""
    entries = matrix.entries()
    denominator = math.lcm(*(int(x.q) for x in entries))
    whole = [int(x.p) * (denominator // int(x.q)) for x in entries]
    factor = math.gcd(*whole)
    size = matrix.nrows()
    rows = tuple(tuple(x // factor for x in whole[k * size : (k + 1) * size]) for k in range(size))
    if all(rows[k][k] <= 0 for k in range(size)):
        rows = tuple(tuple(-x for x in row) for row in rows)
    return ConstantMetric(rows, _is_positive(rows))


def _is_positive(rows: tuple[tuple[int, ...], ...]) -> bool:
    """By Sylvester's criterion: every leading minor is positive."""
    minors = (fmpq_mat(k, k, [fmpq(x) for row in rows[:k] for x in row[:k]]).det() for k in range(1, len(rows) + 1))
    return all(minor > 0 for minor in minors)
