"""Every rounding rule against exact results: never exceeded by what XLA computes, and at most a hundred times wider.

The arguments are the numbers that the format holds, the results they are compared with have 200 binary digits.
"""

import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from matrix_rows import MATRIX_ROWS
from rule_rows import DTYPES, PRECISION
from rule_rows import ROWS as SCALAR_ROWS

from lrgd_jax.certify import running_error, trace
from lrgd_jax.certify.rounding.formats import format_of
from lrgd_jax.certify.rounding.running_error import Rounding
from lrgd_jax.certify.tracing.jax_versions import EXP_NEG_SQ, NEWER, newer_functions
from lrgd_jax.certify.walking.expansions import EXPANSIONS

ROWS = SCALAR_ROWS | MATRIX_ROWS
CASES = [(name, dtype) for name, row in ROWS.items() for dtype in row.dtypes]
WIDEST = 100
EVALUATIONS = 250_000


class Wide(NamedTuple):
    """Where a bound is more than a hundred times the largest error seen, by how much at most, and why."""

    row: str
    range: str
    dtypes: tuple[str, ...]
    factor: float
    reason: str


ALL, FINE = tuple(DTYPES), ("float64", "float32")
STERBENZ = "a difference of close numbers is exact (Sterbenz 1974), while the rule counts one rounding of it"
RECIPROCAL = "a platform may multiply by the reciprocal, which may be flushed, while XLA on a CPU divides"
GAMMA = "gamma_n grows with n, errors of random signs with its root at most; 'positive' has few terms of one sign"
LOG1P = "the constant is that of 'above 1 - sqrt(2)', where XLA's approximation in float64 loses most"
ABSOLUTE = (
    "the constant is absolute, since an argument may lie near any zero, while the sine of a small number is exact"
)
ROOM = "one partial product may be flushed and then meet all the large factors, whatever their order"
INFINITE = "nothing is said about infinite arguments"

EXCEPTIONS = [
    *(Wide(name, "cancelling", ALL, math.inf, STERBENZ) for name in ("add", "add_any", "sub")),
    Wide("div", "largest divisors", ("float64",), 3e16, RECIPROCAL),
    Wide("div", "largest divisors", ("float32",), 5e7, RECIPROCAL),
    Wide("div", "largest divisors", ("bfloat16",), 700, RECIPROCAL),
    *(Wide("log1p", place, ("float64",), 1200, LOG1P) for place in ("near -1", "near 0", "every magnitude")),
    Wide("sin", "subnormal", ("float64",), 3e292, ABSOLUTE),
    Wide("sin", "subnormal", ("float32",), 3e31, ABSOLUTE),
    Wide("sin", "subnormal", ("bfloat16",), 2e36, ABSOLUTE),
    Wide("is_finite", "infinite", ALL, math.inf, INFINITE),
    *(Wide(f"{name} of many", "mixed", FINE, 2500, GAMMA) for name in ("dot_general", "reduce_sum")),
    Wide("reduce_prod", "swinging", ("float64",), 2e45, ROOM),
    Wide("reduce_prod", "swinging", ("float32", "bfloat16"), 5e6, ROOM),
    Wide("cumlogsumexp", "mixed", ("float64",), 3000, LOG1P),
    Wide("cumlogsumexp", "wide", ("float64",), 200, LOG1P),
]

UNBOUNDED: dict[tuple[str, str], str] = {
    ("log", "subnormal"): "a flushed argument is zero",
    ("log2", "subnormal"): "the same",
    ("sqrt", "subnormal"): "the slope at a flushed argument is infinite",
    ("integer_pow -1", "ends"): "a flushed argument is zero, and so is a power of one on the way to its reciprocal",
    ("integer_pow -2", "ends"): "the same",
    ("exp2", "all"): "the power of the largest exponent overflows",
    ("reduce_precision to a half", "ends"): "what half precision cannot hold overflows",
    ("convert to fewer digits", "every magnitude"): "what the narrower format cannot hold overflows",
}
"""Where not every bound is finite; everywhere else all are."""


@dataclass(frozen=True)
class Seen:
    """What a range of a row showed.

    Attributes:
        count: how many numbers XLA computed.
        bounded: for how many of them the bound is finite.
        ratio: largest error of a computed number in units of its bound, zero where both are zero.
        evaluated: the same for the value that the walk finds.
        close: largest share that the error, or what a platform that flushes may lose, has in the bound.
        bound: largest finite bound.
    """

    count: int
    bounded: int
    ratio: float
    evaluated: float
    close: float
    bound: float

    @property
    def factor(self) -> float:
        """How much wider than the largest error the bound is."""
        if self.bound == 0:
            return 0.0
        return 1 / self.close if self.close else math.inf


def share(error: Any, bound: float) -> float:
    if error == 0:
        return 0.0
    return float(error / mpmath.mpf(bound)) if bound else math.inf


def ratio(computed: float, true: Any, bound: float) -> float:
    return share(abs(mpmath.mpf(computed) - true), bound) if math.isfinite(computed) else math.inf


@functools.cache
def compiled(name: str) -> Callable[..., Any]:
    return jax.jit(ROWS[name].program)


@functools.cache
def seen(name: str, dtype: str) -> dict[str, Seen]:
    return {place: measured(name, dtype, place) for place in ROWS[name].ranges}


def measured(name: str, dtype: str, place: str) -> Seen:
    row = ROWS[name]
    arguments = row.arguments(place, dtype)
    result = compiled(name)(*arguments)
    walked = running_error(row.program, *arguments)
    columns = [np.asarray(x, np.float64).ravel().tolist() for x in (result, walked.value, walked.error)]
    flushed = [0.0, 0.0]
    if place.startswith("subnormal") and jnp.issubdtype(result.dtype, jnp.floating):
        flushed = [format_of(result.dtype).tiny, format_of(result.dtype).unit]
    with mpmath.workprec(PRECISION):
        exact = row.exact(*(np.asarray(x, np.float64) for x in arguments))
        rows = [x for x in zip(*columns, exact, strict=True) if math.isfinite(x[2])]
        ratios = [ratio(computed, true, bound) for computed, _, bound, true in rows]
        allowed = [share(flushed[0] + flushed[1] * abs(true), bound) for *_, bound, true in rows if bound]
        return Seen(
            count=len(exact),
            bounded=len(rows),
            ratio=max(ratios, default=0.0),
            evaluated=max((ratio(value, true, bound) for _, value, bound, true in rows), default=0.0),
            close=max([*ratios, *allowed], default=0.0),
            bound=max((bound for *_, bound, _ in rows), default=0.0),
        )


def test_every_rule_has_a_row():
    absent = {*NEWER} - {*newer_functions()}
    called = {EXP_NEG_SQ.name}  # never alone in a program; its bound is tested with the derivatives that call it
    rules = {name for name in Rounding.rules if not name.startswith("scatter_")}
    assert all(Rounding.rules[name.replace("_", "-")] is Rounding.rules[name] for name in {*Rounding.rules} - rules)
    assert {row.primitive for row in ROWS.values()} == (rules | set(EXPANSIONS)) - absent - called


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_a_row_runs_its_primitive(name, dtype):
    row = ROWS[name]
    arguments = row.arguments(next(iter(row.ranges)), dtype)
    program = str(trace(row.program, *arguments).jaxpr)
    assert set(re.findall(r" = ([a-z][\w-]*)", program)) & {row.primitive, row.primitive.replace("-", "_")}


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_no_error_exceeds_its_bound(name, dtype):
    for place, what in seen(name, dtype).items():
        assert what.ratio <= 1, place
        assert what.evaluated <= 1, place
        assert what.bounded == what.count or (name, place) in UNBOUNDED, place


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_no_bound_is_a_hundred_times_too_wide(name, dtype):
    allowed = {wide.range: wide for wide in EXCEPTIONS if wide.row == name and dtype in wide.dtypes}
    for place, what in seen(name, dtype).items():
        if ROWS[name].lossless and place not in ("subnormal", "infinite"):
            assert what.bound == 0, place
        elif place in allowed:
            assert what.factor <= allowed[place].factor, place
        elif what.bounded:
            assert what.factor <= WIDEST, place


def test_the_exceptions_are_about_rows_that_exist():
    for wide in EXCEPTIONS:
        assert wide.range in ROWS[wide.row].ranges
        assert wide.reason
    assert all(place in ROWS[name].ranges for name, place in UNBOUNDED if name in ROWS)
    assert {name for name, _ in UNBOUNDED} - {*ROWS} <= {*NEWER}


def test_the_count_and_the_largest_error_of_each_primitive(capsys):
    """Prints error/bound, the largest of each row."""
    total, lines = 0, []
    for dtype in DTYPES:
        tables = {name: seen(name, dtype).values() for name, row in ROWS.items() if dtype in row.dtypes}
        count = sum(what.count for table in tables.values() for what in table)
        largest = {name: max(what.ratio for what in table) for name, table in tables.items()}
        total += count
        words = ", ".join(f"{name} {value:.2g}" for name, value in largest.items() if value)
        exact = ", ".join(name for name, value in largest.items() if not value)
        lines.append(f"{dtype}: {count} jitted numbers; largest error/bound: {words}; no error: {exact}")
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201
    assert total >= EVALUATIONS
