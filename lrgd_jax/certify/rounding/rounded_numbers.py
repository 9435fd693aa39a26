r"""Rounded numbers: a value and how far the computed and the exact number may lie from each other.

Invariant of an element $(v, e)$: the exact number $x$ and the number $\hat x$ that XLA computes satisfy
$|\hat x - x| \le e$ and $|v - x| \le e$. Hence $|x| \le |v| + e$ and $|\hat x| \le |v| + 2e$, and every rule below
bounds what it loses by these, so no second-order term is left out. An infinite $v$ with $e = 0$ is an exact infinity.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from lrgd_jax.certify.rounding.formats import Format, format_of
from lrgd_jax.certify.tracing.program import DType
from lrgd_jax.certify.walking.array_namespace import is_traced, surely, xp

_ULP = 2.0**-52
_SMALLEST = 2.0**-1022

# One rounding; the excess is for bfloat16 and float16, which XLA computes in float32 and then rounds once more.
ROUNDING = 1 + 2.0**-10


@dataclasses.dataclass(frozen=True, slots=True)
class Rounded:
    """An array of rounded numbers: `value` and `error` are float64 arrays of one shape, `format` is XLA's."""

    value: np.ndarray
    error: np.ndarray
    format: Format

    @property
    def high(self) -> np.ndarray:
        """A bound on the magnitude of the exact and of the computed number."""
        return xp.abs(self.value) + 2 * self.error

    @property
    def low(self) -> np.ndarray:
        """A lower bound on the magnitudes, negative where they may be zero; the slack covers its own cancellation."""
        magnitude = xp.abs(self.value)
        return magnitude - 2 * self.error - 4 * _ULP * (magnitude + self.error)

    @property
    def below(self) -> np.ndarray:
        """A bound on the magnitudes as far as they may be subnormal; zero where they cannot be."""
        return xp.where(self.low < self.format.tiny, xp.minimum(self.high, self.format.tiny), 0.0)


def finish(
    form: Format,
    value: np.ndarray,
    propagated: np.ndarray | float,
    units: np.ndarray | float,
    *,
    absolute: np.ndarray | float = 1.0,
    peak: np.ndarray | float = 0.0,
    terms: np.ndarray | int = 0,
) -> Rounded:
    """An operation's result: what its operands' errors become, and what the operation itself rounds.

    Args:
        form: the format of the result.
        value: the result in float64.
        propagated: a bound on the change of the exact operation's result by the operands' errors.
        units: local error in units of `form.unit` times the magnitude of the result.
        absolute: local error in units of the smallest normal number (XLA flushes subnormal numbers to zero).
        peak: how large a partial result may become on the way; beyond the format's range nothing can be said.
        terms: how many float64 roundings, beyond a few dozen, went into `propagated`.
    """
    reach = xp.abs(value) + 2 * propagated
    # where XLA computes the bound too, what it flushes to zero there is lost once more
    flushed = form.tiny + (_SMALLEST if is_traced([value, propagated]) else 0.0)
    error = propagated + form.unit * units * reach + flushed * absolute
    # The bounds are sums of non-negative float64 numbers, so their own rounding is a relative error of a few ulps
    # per operation and one per term: this factor puts it back.
    error = error * (1 + (64 + terms) * _ULP)
    # Rounding to nearest overflows only half a unit above the largest number; NaN fails the comparison too.
    fits = xp.maximum(reach, peak) <= form.largest * (1 + form.unit / 2)
    return Rounded(value, xp.where(fits, error, np.inf), form)


def keep_infinite(result: Rounded, *operands: Rounded) -> Rounded:
    """A sum with an exact infinity is that infinity, exactly: this is how masks by -inf work."""
    if surely(xp.isfinite(result.value)):
        return result
    known = functools.reduce(xp.logical_and, (xp.isfinite(x.error) for x in operands))
    infinite = functools.reduce(xp.logical_or, (xp.isinf(x.value) for x in operands))
    kept = xp.isinf(result.value) & known & infinite
    return Rounded(result.value, xp.where(kept, 0.0, result.error), result.format)


def exact(value: np.ndarray, dtype: DType) -> Rounded:
    """A constant of a program: its error is what `dtype` rounds off, or flushes if it is subnormal."""
    form = format_of(dtype)
    wide = xp.asarray(value, np.float64)
    if value.dtype == dtype:
        error = xp.zeros(wide.shape)
    else:
        error = xp.abs(wide - value.astype(dtype).astype(np.float64))
        if value.dtype.kind in "iu" and value.size:
            error = xp.where(xp.abs(wide) > 2.0**53, form.unit * 2 * xp.abs(wide), error)
    magnitude = xp.abs(wide)
    error = xp.where((magnitude > 0) & (magnitude < form.tiny), form.tiny, error)
    return Rounded(wide, xp.where(xp.isnan(wide), np.inf, xp.where(xp.isinf(wide), 0.0, error)), form)
