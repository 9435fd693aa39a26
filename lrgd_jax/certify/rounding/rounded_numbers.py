r"""Rounded numbers: a value and how far the computed and the exact number may lie from each other.

Invariant of an element $(v, e)$: the exact number $x$ and the number $\hat x$ that XLA computes satisfy
$|\hat x - x| \le e$ and $|v - x| \le e$. Hence $|x| \le |v| + e$ and $|\hat x| \le |v| + 2e$, and every rule below
bounds what it loses by these, so no second-order term is left out. An infinite $v$ with $e = 0$ is an exact infinity.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from lrgd_jax.certify.rounding.formats import Format, format_of
from lrgd_jax.certify.tracing.program import DType

_ULP = 2.0**-52

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
        return np.abs(self.value) + 2 * self.error

    @property
    def low(self) -> np.ndarray:
        """A lower bound on the magnitudes, negative where they may be zero; the slack covers its own cancellation."""
        magnitude = np.abs(self.value)
        return magnitude - 2 * self.error - 4 * _ULP * (magnitude + self.error)

    @property
    def below(self) -> np.ndarray:
        """A bound on the magnitudes as far as they may be subnormal; zero where they cannot be."""
        return np.where(self.low < self.format.tiny, np.minimum(self.high, self.format.tiny), 0.0)


def finish(
    form: Format,
    value: np.ndarray,
    propagated: np.ndarray | float,
    units: np.ndarray | float,
    *,
    absolute: np.ndarray | float = 1.0,
    peak: np.ndarray | float = 0.0,
    terms: Any = 0,
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
    reach = np.abs(value) + 2 * propagated
    error = propagated + form.unit * units * reach + form.tiny * absolute
    # The bounds are sums of non-negative float64 numbers, so their own rounding is a relative error of a few ulps
    # per operation and one per term: this factor puts it back.
    error = error * (1 + (64 + terms) * _ULP)
    # Rounding to nearest overflows only half a unit above the largest number; NaN fails the comparison too.
    fits = np.maximum(reach, peak) <= form.largest * (1 + form.unit / 2)
    return Rounded(value, np.where(fits, error, np.inf), form)


def keep_infinite(result: Rounded, *operands: Rounded) -> Rounded:
    """A sum with an exact infinity is that infinity, exactly: this is how masks by -inf work."""
    if np.isfinite(result.value).all():
        return result
    known = np.logical_and.reduce(np.broadcast_arrays(*(np.isfinite(x.error) for x in operands)))
    infinite = np.logical_or.reduce(np.broadcast_arrays(*(np.isinf(x.value) for x in operands)))
    kept = np.isinf(result.value) & known & infinite
    return Rounded(result.value, np.where(kept, 0.0, result.error), result.format)


def exact(value: np.ndarray, dtype: DType) -> Rounded:
    """A constant of a program: its error is what `dtype` rounds off, or flushes if it is subnormal."""
    form = format_of(dtype)
    wide = np.asarray(value, np.float64)
    if value.dtype == dtype:
        error = np.zeros(wide.shape)
    else:
        error = np.abs(wide - value.astype(dtype).astype(np.float64))
        if value.dtype.kind in "iu" and value.size:
            error = np.where(np.abs(wide) > 2.0**53, form.unit * 2 * np.abs(wide), error)
    magnitude = np.abs(wide)
    error = np.where((magnitude > 0) & (magnitude < form.tiny), form.tiny, error)
    return Rounded(wide, np.where(np.isnan(wide), np.inf, np.where(np.isinf(wide), 0.0, error)), form)
