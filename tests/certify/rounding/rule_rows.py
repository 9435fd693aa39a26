"""One row or more for every primitive that has a rounding rule: a program, its exact result, hard inputs."""

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from jax import lax

from lrgd_jax.certify.tracing.jax_versions import newer_functions

mpf: Any = mpmath.mpf
Arrays = tuple[np.ndarray, ...]
Exact = Callable[..., list[Any]]

PRECISION = 200
"""Binary digits of the references: a hundred more than float64 would need."""

DTYPES: Mapping[str, Any] = {"float64": jnp.float64, "float32": jnp.float32, "bfloat16": jnp.bfloat16}


class Draw:
    """Random numbers of one format, reproducible from what they are for."""

    def __init__(self, dtype: Any, count: int, purpose: str) -> None:
        info = jnp.finfo(dtype)
        self.dtype, self.count, self.eps = dtype, count, float(info.eps)
        self.tiny, self.largest = float(info.smallest_normal), float(info.max)
        self.rng = np.random.default_rng(zlib.crc32(f"{purpose} {info.dtype}".encode()))

    def shape(self, terms: int) -> tuple[int, ...]:
        return (self.count, terms) if terms else (self.count,)

    def uniform(self, low: float, high: float, terms: int = 0) -> np.ndarray:
        return self.rng.uniform(low, high, self.shape(terms))

    def sign(self, terms: int = 0) -> np.ndarray:
        return self.rng.choice([-1.0, 1.0], self.shape(terms))

    def magnitudes(self, share: float = 1.0, low: float | None = None, high: float | None = None) -> np.ndarray:
        """Positive numbers whose logarithm is uniform, over all normal ones or a share of their exponents."""
        first = share * math.log2(self.tiny) if low is None else math.log2(low)
        last = share * math.log2(self.largest) - 0.01 if high is None else math.log2(high)
        return 2.0 ** self.uniform(first, last)

    def subnormal(self) -> np.ndarray:
        return self.tiny * self.uniform(0, 1)

    def ties(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(self.rng.uniform(size=x.shape) < 1 / 4, x, y)


Range = Callable[[Draw], Arrays]


@dataclass(frozen=True)
class Row:
    """A program that is one primitive.

    Attributes:
        primitive: its name.
        program: from arrays of one format.
        exact: from the same numbers in float64 to a list of all results, as exact as `PRECISION` asks.
        ranges: name to what draws the arguments.
        count: how many numbers, or rows of numbers, a range holds.
        dtypes: where it is run.
        lossless: it only chooses or compares, so that normal numbers lose nothing and the bound is zero.
    """

    primitive: str
    program: Callable[..., Any]
    exact: Exact
    ranges: Mapping[str, Range]
    count: int = 503
    dtypes: tuple[str, ...] = ("float64", "float32", "bfloat16")
    lossless: bool = False

    def arguments(self, name: str, dtype: str) -> tuple[Any, ...]:
        """Random arguments of a range, in the format."""
        draw = Draw(DTYPES[dtype], self.count, f"{self.primitive} {name}")
        with np.errstate(over="ignore"):
            return tuple(np.asarray(x).astype(DTYPES[dtype]) for x in self.ranges[name](draw))


def each(function: Callable[..., Any]) -> Exact:
    """The exact result of an elementwise operation."""
    return lambda *arrays: [function(*map(mpf, xs)) for xs in zip(*(a.ravel().tolist() for a in arrays), strict=True)]


def along(function: Callable[..., Any]) -> Exact:
    """The exact result of what consumes the last axis: `function` gets it as lists."""

    def exact(*arrays: np.ndarray) -> list[Any]:
        rows = zip(*(a.tolist() for a in arrays), strict=True)
        results = [function(*([mpf(v) for v in row] for row in lists)) for lists in rows]
        return [v for result in results for v in (result if isinstance(result, list) else [result])]

    return exact


def numpy(function: Callable[..., Any]) -> Exact:
    """What float64 does exactly: choosing, comparing."""
    return lambda *arrays: [mpf(float(v)) for v in np.ravel(function(*arrays)).tolist()]


# Ranges of one argument.


def between(low: float, high: float) -> Range:
    return lambda draw: (draw.uniform(low, high),)


def near(*points: float) -> Range:
    """A few units to a tenth off a point."""
    return lambda draw: (draw.rng.choice(points, draw.count) + draw.sign() * draw.magnitudes(low=draw.eps, high=0.1),)


def every(draw: Draw) -> Arrays:
    return (draw.sign() * draw.magnitudes(),)


def every_positive(draw: Draw) -> Arrays:
    return (draw.magnitudes(),)


def subnormal(draw: Draw) -> Arrays:
    return (draw.sign() * draw.subnormal(),)


def subnormal_positive(draw: Draw) -> Arrays:
    return (draw.subnormal(),)


def exponents(base: float) -> Range:
    """All exponents whose power is a normal number."""

    def drawn(draw: Draw) -> Arrays:
        return (draw.uniform(math.log(draw.tiny) / math.log(base), 0.999 * math.log(draw.largest) / math.log(base)),)

    return drawn


def vanishing(base: float) -> Range:
    """Exponents whose power is subnormal."""

    def drawn(draw: Draw) -> Arrays:
        low = math.log(draw.tiny) / math.log(base)
        return (draw.uniform(low - 20, low + 2),)

    return drawn


def roots(power: int) -> Range:
    """Arguments whose power lies around the ends of the format."""

    def drawn(draw: Draw) -> Arrays:
        small, large = abs(draw.tiny ** (1 / power)), abs(draw.largest ** (1 / power))
        ends = np.where(draw.rng.uniform(size=draw.count) < 1 / 2, small * draw.uniform(0.5, 2), large * 0.99)
        return (draw.sign() * ends * draw.uniform(0.9, 1),)

    return drawn


# Ranges of two arguments.


def pairs(low: float, high: float) -> Range:
    return lambda draw: (draw.uniform(low, high), draw.uniform(low, high))


def every_pair(share: float) -> Range:
    return lambda draw: (draw.sign() * draw.magnitudes(share), draw.sign() * draw.magnitudes(share))


def cancelling(sign: float) -> Range:
    def drawn(draw: Draw) -> Arrays:
        x = draw.uniform(-9, 9)
        return x, sign * x * (1 + draw.eps * draw.uniform(-9, 9))

    return drawn


def vanishing_pairs(sign: float) -> Range:
    """Normal numbers of which the sum is subnormal."""

    def drawn(draw: Draw) -> Arrays:
        x = draw.tiny * draw.uniform(1, 2)
        return x, sign * draw.tiny * draw.uniform(1, 2)

    return drawn


def subnormal_pairs(draw: Draw) -> Arrays:
    return draw.sign() * draw.subnormal(), draw.sign() * draw.subnormal()


def small_products(draw: Draw) -> Arrays:
    x = draw.magnitudes(1 / 2)
    return x, draw.sign() * draw.tiny * draw.uniform(0.01, 4) / x


def small_quotients(draw: Draw) -> Arrays:
    y = draw.magnitudes(low=1, high=draw.largest**0.9)
    return draw.sign() * draw.tiny * draw.uniform(0.01, 4) * y, y


def large_divisors(draw: Draw) -> Arrays:
    """As large as a divisor may be if its reciprocal is to be a normal number."""
    return draw.sign() * draw.largest * draw.uniform(0.01, 0.99), draw.uniform(0.001, 0.99) / draw.tiny


def largest_divisors(draw: Draw) -> Arrays:
    """The reciprocals are subnormal."""
    return draw.sign() * draw.largest * draw.uniform(0.01, 0.99), draw.largest * draw.uniform(0.3, 0.99)


def tied(low: float, high: float) -> Range:
    def drawn(draw: Draw) -> Arrays:
        x, y = pairs(low, high)(draw)
        return x, draw.ties(x, y)

    return drawn


def tied_magnitudes(draw: Draw) -> Arrays:
    x, y = every_pair(1)(draw)
    return x, draw.ties(x, y)


# Ranges of rows.


def positive_rows(terms: int, arguments: int = 1) -> Range:
    return lambda draw: tuple(draw.uniform(1, 2, terms) for _ in range(arguments))


def mixed_rows(terms: int, arguments: int = 1) -> Range:
    return lambda draw: tuple(draw.uniform(-3, 3, terms) for _ in range(arguments))


def every_row(terms: int, share: float, arguments: int = 1) -> Range:
    def drawn(draw: Draw) -> Arrays:
        scale = 2.0 ** draw.uniform(share * math.log2(draw.tiny), share * math.log2(draw.largest), terms)
        return tuple(draw.sign(terms) * scale * draw.uniform(1 / 2, 1, terms) for _ in range(arguments))

    return drawn


def subnormal_rows(terms: int) -> Range:
    return lambda draw: (draw.tiny * draw.uniform(-1, 1, terms),)


def small_rows(terms: int) -> Range:
    """Rows whose products are mostly subnormal."""

    def drawn(draw: Draw) -> Arrays:
        x = 2.0 ** draw.uniform(math.log2(draw.tiny) / 2, 0, terms)
        return x, draw.sign(terms) * draw.tiny * draw.uniform(0.01, 1.1, terms) / x

    return drawn


def swinging(terms: int) -> Range:
    """Factors whose product, from the left, is subnormal half way and comes back."""

    def drawn(draw: Draw) -> Arrays:
        half = terms // 2
        small = draw.tiny ** (1 / (half - 1)) * draw.uniform(0.9, 1.1, half)
        large = draw.largest ** (1 / (half + 1)) * draw.uniform(0.9, 1, half)
        return (np.concatenate([small, large], axis=1),)

    return drawn


def factors(terms: int) -> Range:
    return lambda draw: (draw.sign(terms) * draw.uniform(0.7, 1.4, terms),)


ORDERED: dict[str, Range] = {"moderate": tied(-9, 9), "every magnitude": tied_magnitudes, "subnormal": subnormal_pairs}
ONE: dict[str, Range] = {"moderate": between(-9, 9), "every magnitude": every, "subnormal": subnormal}


def sums(sign: float) -> dict[str, Range]:
    return {
        "moderate": pairs(-9, 9),
        "every magnitude": every_pair(1),
        "cancelling": cancelling(-sign),
        "subnormal": subnormal_pairs,
        "subnormal result": vanishing_pairs(-sign),
    }


def powers(n: int) -> Row:
    ranges = {"moderate": between(-3, 3) if n > 0 else between(0.2, 3), "ends": roots(n)}
    exact = each(lambda x: mpf(x) ** n if x else mpf(0))
    return Row("integer_pow", lambda x: lax.integer_pow(x, n), exact, ranges)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _cbrt(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def _both_added(x: Any, y: Any) -> Any:
    """What a gradient does with a number that is used twice."""
    return jax.linear_transpose(lambda z: (z, z), x)((x, y))[0]


def _away(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.floor(abs(x) + mpf(1) / 2)


def _bounds_and_number(draw: Draw) -> Arrays:
    x, low = draw.uniform(-4, 4), draw.uniform(-3, 0)
    return draw.ties(x, low), x, np.maximum(draw.ties(x, low), draw.uniform(0, 3))


def _bases_and_exponents(draw: Draw) -> Arrays:
    base = draw.magnitudes(0.1)
    reach = 0.9 * math.log(draw.largest) / np.maximum(np.abs(np.log(base)), 1 / 10)
    return base, draw.uniform(-1, 1) * np.minimum(reach, 30)


def _bases_beside_one(draw: Draw) -> Arrays:
    distance = draw.magnitudes(low=64 * draw.eps, high=0.6)
    base = np.asarray(1 + draw.sign() * distance).astype(draw.dtype).astype(np.float64)
    return base, draw.uniform(-0.9, 0.9) * math.log(draw.largest) / np.log(base)


def _vanishing_powers(draw: Draw) -> Arrays:
    base = draw.uniform(1.5, 9)
    return base, (math.log(draw.tiny) + draw.uniform(-3, 3)) / np.log(base)


def _integers_and_halves(draw: Draw) -> Arrays:
    return (np.round(draw.uniform(-9, 9) * 4) / 4,)


def _beside_halves(draw: Draw) -> Arrays:
    return ((np.round(draw.uniform(-9, 9)) + 1 / 2) * (1 + draw.eps * np.round(draw.uniform(-2, 2))),)


def _off_integers(draw: Draw) -> Arrays:
    return (np.round(draw.uniform(-90, 90)) + draw.uniform(1 / 4, 3 / 4),)


def _integral(primitive: str, program: Callable[..., Any], function: Callable[..., Any]) -> Row:
    ranges = ONE | {"integers and halves": _integers_and_halves, "beside halves": _beside_halves}
    return Row(primitive, program, each(function), ranges, lossless=True)


TERMS, MANY = 16, 300
FINE = ("float64", "float32")
INDICES = np.array([2, 0, 2, 1, 2, 0, 5, 2])


def _scattered(x: Any, updates: Any) -> Any:
    return x.at[:, INDICES].add(updates)


def _scattered_exactly(x: list[Any], updates: list[Any]) -> list[Any]:
    added = [[u for u, k in zip(updates, INDICES, strict=True) if k == place] for place in range(len(x))]
    return [mpmath.fsum([v, *new]) for v, new in zip(x, added, strict=True)]


def _prefixes(function: Callable[[list[Any]], Any]) -> Exact:
    return along(lambda row: [function(row[: k + 1]) for k in range(len(row))])


def _product(row: list[Any]) -> Any:
    total = mpf(1)
    for v in row:
        total = mpmath.fmul(total, v, exact=True)
    return total


def _log_sum(row: list[Any]) -> Any:
    return mpmath.log(mpmath.fsum(map(mpmath.exp, row)))


def _dots(x: Any, y: Any) -> Any:
    """A batch of products of a row and a column, one for each row."""
    return lax.dot_general(x, y, (((1,), (1,)), ((0,), (0,))))


def _matrix(draw: Draw) -> Arrays:
    return draw.rng.uniform(1, 2, (24, TERMS)), draw.rng.uniform(1, 2, (24, TERMS))


def _every_product(x: np.ndarray, y: np.ndarray) -> list[Any]:
    left, right = ([[mpf(v) for v in row] for row in z.tolist()] for z in (x, y))
    return [mpmath.fdot(a, b) for a in left for b in right]


def _rows(low: float, high: float, terms: int, second: int) -> Range:
    return lambda draw: (draw.uniform(low, high, terms), draw.uniform(low, high, second))


def _sums_of_rows(terms: int) -> dict[str, Range]:
    return {
        "positive": positive_rows(terms),
        "mixed": mixed_rows(terms),
        "every magnitude": every_row(terms, 0.9),
        "subnormal": subnormal_rows(terms),
    }


CHOSEN: dict[str, Range] = {
    "mixed": mixed_rows(TERMS),
    "every magnitude": every_row(TERMS, 0.9),
    "subnormal": subnormal_rows(TERMS),
}
DISTINCT: dict[str, Range] = {
    "mixed": lambda draw: (np.round(draw.uniform(-50, 50, TERMS)) + np.arange(TERMS) / TERMS,)
}
ACCUMULATED = {"positive": positive_rows(TERMS), "mixed": mixed_rows(TERMS), "every magnitude": every_row(TERMS, 0.9)}

_SMOOTH: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, Range]]] = {
    "exp": (lax.exp, mpmath.exp, {"moderate": between(-4, 4), "all": exponents(math.e), "end": vanishing(math.e)}),
    "exp2": (lax.exp2, lambda x: mpf(2) ** x, {"moderate": between(-4, 4), "all": exponents(2), "end": vanishing(2)}),
    "expm1": (lax.expm1, mpmath.expm1, {"moderate": between(-3, 3), "near 0": near(0), "all": exponents(math.e)}),
    "log": (lax.log, mpmath.log, {"moderate": between(0.1, 9), "near 1": near(1), "every magnitude": every_positive}),
    "log1p": (
        lax.log1p,
        mpmath.log1p,
        {
            "moderate": between(-0.9, 9),
            "above 1 - sqrt(2)": between(-0.415, -0.4),
            "near -1": lambda draw: (draw.magnitudes(low=draw.eps, high=0.1) - 1,),
            "near 0": near(0),
            "every magnitude": every_positive,
        },
    ),
    "sqrt": (lax.sqrt, mpmath.sqrt, {"moderate": between(0.1, 9), "every magnitude": every_positive}),
    "rsqrt": (
        lax.rsqrt,
        lambda x: 1 / mpmath.sqrt(x),
        {"moderate": between(0.1, 9), "every magnitude": every_positive},
    ),
    "cbrt": (lax.cbrt, _cbrt, {"moderate": between(-9, 9), "every magnitude": every}),
    "tanh": (
        lax.tanh,
        mpmath.tanh,
        {"moderate": between(-9, 9), "saturated": between(1, 40), "near 0": near(0), "every magnitude": every},
    ),
    "logistic": (
        lax.logistic,
        _sigmoid,
        {"moderate": between(-9, 9), "all": exponents(math.e), "every magnitude": every},
    ),
    "erf": (
        lax.erf,
        mpmath.erf,
        {"moderate": between(-4, 4), "near 0": near(0), "every magnitude": every},
    ),
    "erfc": (
        lax.erfc,
        mpmath.erfc,
        {"moderate": between(-4, 4), "tail": lambda draw: (draw.uniform(3, math.sqrt(-math.log(draw.tiny)) + 1),)},
    ),
    "sin": (
        lax.sin,
        mpmath.sin,
        {"moderate": between(-9, 9), "zeros": near(*(k * math.pi for k in range(-4, 5))), "every magnitude": every},
    ),
    "cos": (
        lax.cos,
        mpmath.cos,
        {
            "moderate": between(-9, 9),
            "zeros": near(*((k + 1 / 2) * math.pi for k in range(-4, 5))),
            "every magnitude": every,
        },
    ),
}
if "log2" in newer_functions():
    _SMOOTH["log2"] = (
        newer_functions()["log2"],
        lambda x: mpmath.log(x) / mpmath.log(2),
        {"moderate": between(0.1, 9), "near 1": near(1), "every magnitude": every_positive},
    )
_POSITIVE = {"log", "log2", "sqrt", "rsqrt"}

_COMPARED: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "eq": (lax.eq, np.equal),
    "ne": (lax.ne, np.not_equal),
    "lt": (lax.lt, np.less),
    "le": (lax.le, np.less_equal),
    "gt": (lax.gt, np.greater),
    "ge": (lax.ge, np.greater_equal),
}

NARROWER = {"float64": jnp.float32, "float32": jnp.bfloat16}
WIDER = {"float64": jnp.float64, "float32": jnp.float64, "bfloat16": jnp.float32}

ROWS: dict[str, Row] = {
    **{
        name: Row(name, program, each(lambda x, y: mpmath.fadd(x, y, exact=True)), sums(1))
        for name, program in (("add", lax.add), ("add_any", _both_added))
    },
    "sub": Row("sub", lax.sub, each(lambda x, y: mpmath.fsub(x, y, exact=True)), sums(-1)),
    "mul": Row(
        "mul",
        lax.mul,
        each(lambda x, y: mpmath.fmul(x, y, exact=True)),
        {
            "moderate": pairs(-9, 9),
            "every magnitude": every_pair(0.49),
            "subnormal": subnormal_pairs,
            "subnormal result": small_products,
        },
    ),
    "div": Row(
        "div",
        lax.div,
        each(lambda x, y: x / y),
        {
            "moderate": lambda draw: (draw.uniform(-9, 9), draw.sign() * draw.uniform(0.1, 9)),
            "every magnitude": every_pair(0.49),
            "large divisors": large_divisors,
            "largest divisors": largest_divisors,
            "subnormal result": small_quotients,
        },
    ),
    "square": Row(
        "square",
        lax.square,
        each(lambda x: mpmath.fmul(x, x, exact=True)),
        {"moderate": between(-9, 9), "ends": roots(2)},
    ),
    "neg": Row("neg", lax.neg, each(lambda x: -x), ONE, lossless=True),
    "abs": Row("abs", lax.abs, each(abs), ONE, lossless=True),
    "max": Row("max", lax.max, each(max), ORDERED, lossless=True),
    "min": Row("min", lax.min, each(min), ORDERED, lossless=True),
    "clamp": Row(
        "clamp",
        lax.clamp,
        each(lambda low, x, high: min(max(x, low), high)),
        {"moderate": _bounds_and_number},
        lossless=True,
    ),
    **{
        name: Row(
            name,
            program,
            each(exact),
            ranges | ({} if name == "rsqrt" else {"subnormal": subnormal_positive if name in _POSITIVE else subnormal}),
        )
        for name, (program, exact, ranges) in _SMOOTH.items()
    },
    "pow": Row(
        "pow",
        lax.pow,
        each(mpmath.power),
        {
            "moderate": lambda draw: (draw.uniform(0.3, 3), draw.uniform(-3, 3)),
            "every magnitude": _bases_and_exponents,
            "beside 1": _bases_beside_one,
            "subnormal result": _vanishing_powers,
        },
    ),
    "pow of an integer": Row(
        "pow", lambda x: lax.pow(x, 3), each(lambda x: x**3), {"moderate": between(-3, 3), "ends": roots(3)}
    ),
    **{f"integer_pow {n}": powers(n) for n in (3, 7, -1, -2)},
    **{
        name: Row(name, program, numpy(function), ORDERED, lossless=True)
        for name, (program, function) in _COMPARED.items()
    },
    "sign": Row("sign", lax.sign, each(mpmath.sign), ONE, lossless=True),
    "floor": _integral("floor", lax.floor, mpmath.floor),
    "ceil": _integral("ceil", lax.ceil, mpmath.ceil),
    "round": _integral("round", lax.round, _away),
    "round to even": _integral("round", lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), mpmath.nint),
    "is_finite": Row(
        "is_finite",
        lax.is_finite,
        numpy(np.isfinite),
        ONE | {"infinite": lambda draw: (draw.ties(draw.uniform(0, 1), np.full(draw.count, np.inf)),)},
        lossless=True,
    ),
    "convert to fewer digits": Row(
        "convert_element_type",
        lambda x: x.astype(NARROWER[x.dtype.name]),
        each(lambda x: x),
        ONE,
        dtypes=FINE,
    ),
    "convert to more digits": Row(
        "convert_element_type",
        lambda x: x.astype(WIDER[x.dtype.name]),
        each(lambda x: x),
        ONE,
        dtypes=("float32", "bfloat16"),
        lossless=True,
    ),
    "convert to an integer": Row(
        "convert_element_type",
        lambda x: x.astype(jnp.int32),
        numpy(np.trunc),
        {"moderate": _off_integers},
        lossless=True,
    ),
    "convert to a boolean": Row(
        "convert_element_type",
        lambda x: x.astype(bool),
        numpy(lambda x: x != 0),
        {"moderate": lambda draw: (draw.ties(np.zeros(draw.count), draw.uniform(-1, 1)),)},
        lossless=True,
    ),
    "reduce_precision to a half": Row(
        "reduce_precision",
        lambda x: lax.reduce_precision(x, 5, 10),
        each(lambda x: x),
        {"moderate": between(-9, 9), "ends": lambda draw: (draw.sign() * draw.magnitudes(low=1e-9, high=1e6),)},
        dtypes=FINE,
    ),
    "reduce_precision": Row(
        "reduce_precision",
        lambda x: lax.reduce_precision(x, 8, 5),
        each(lambda x: x),
        {"moderate": between(-9, 9), "small": lambda draw: (draw.sign() * 2.0 ** draw.uniform(-130, -100),)},
    ),
    "sort": Row(
        "sort", lambda x: lax.sort(x, dimension=1), numpy(lambda x: np.sort(x, axis=1)), CHOSEN, 60, lossless=True
    ),
    "dot_general": Row(
        "dot_general",
        _dots,
        along(mpmath.fdot),
        {
            "positive": positive_rows(TERMS, 2),
            "mixed": mixed_rows(TERMS, 2),
            "every magnitude": every_row(TERMS, 0.45, 2),
            "subnormal products": small_rows(TERMS),
        },
    ),
    "dot_general of matrices": Row("dot_general", lambda x, y: x @ y.T, _every_product, {"positive": _matrix}),
    "dot_general of many": Row("dot_general", _dots, along(mpmath.fdot), {"mixed": mixed_rows(MANY, 2)}, 60, FINE),
    "reduce_sum": Row("reduce_sum", lambda x: lax.reduce_sum(x, axes=(1,)), along(mpmath.fsum), _sums_of_rows(TERMS)),
    "reduce_sum of many": Row(
        "reduce_sum", lambda x: lax.reduce_sum(x, axes=(1,)), along(mpmath.fsum), {"mixed": mixed_rows(MANY)}, 60, FINE
    ),
    "reduce_prod": Row(
        "reduce_prod",
        lambda x: lax.reduce_prod(x, axes=(1,)),
        along(_product),
        {"mixed": factors(TERMS), "swinging": swinging(TERMS)},
    ),
    "reduce_max": Row("reduce_max", lambda x: lax.reduce_max(x, axes=(1,)), along(max), CHOSEN, lossless=True),
    "reduce_min": Row("reduce_min", lambda x: lax.reduce_min(x, axes=(1,)), along(min), CHOSEN, lossless=True),
    "argmax": Row(
        "argmax", lambda x: lax.argmax(x, 1, jnp.int32), numpy(lambda x: x.argmax(1)), DISTINCT, lossless=True
    ),
    "argmin": Row(
        "argmin", lambda x: lax.argmin(x, 1, jnp.int32), numpy(lambda x: x.argmin(1)), DISTINCT, lossless=True
    ),
    "cumsum": Row("cumsum", lambda x: lax.cumsum(x, 1), _prefixes(mpmath.fsum), ACCUMULATED, 60),
    "cumprod": Row(
        "cumprod",
        lambda x: lax.cumprod(x, 1),
        _prefixes(_product),
        {"mixed": factors(TERMS), "swinging": swinging(TERMS)},
        60,
    ),
    "cummax": Row("cummax", lambda x: lax.cummax(x, 1), _prefixes(max), CHOSEN, 60, lossless=True),
    "cummin": Row("cummin", lambda x: lax.cummin(x, 1), _prefixes(min), CHOSEN, 60, lossless=True),
    "cumlogsumexp": Row(
        "cumlogsumexp",
        lambda x: lax.cumlogsumexp(x, 1),
        _prefixes(_log_sum),
        {"mixed": mixed_rows(TERMS), "wide": lambda draw: (draw.uniform(-90, 90, TERMS),)},
        60,
    ),
    "scatter-add": Row(
        "scatter-add",
        _scattered,
        along(_scattered_exactly),
        {"positive": _rows(1, 2, 7, len(INDICES)), "mixed": _rows(-3, 3, 7, len(INDICES))},
        100,
    ),
}
