r"""Fourier transforms by their definition, $X_k = \sum_j x_j e^{-2\pi i jk/n}$, with a number system's roots of unity.

Exact systems do not round, so the order in which a fast transform adds is no matter of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.walking.complex_numbers import Pair

__all__ = ["transform"]

_FORWARD, _BACKWARD, _REAL_FORWARD, _REAL_BACKWARD = range(4)


def transform(
    eqn: core.JaxprEqn, x: Number, turn: Callable[[int, int], tuple[Number, Number]], constant: Callable[[int], Number]
) -> tuple[Number, Number]:
    """The parts of a transform of object arrays.

    Args:
        eqn: the equation `fft`; it transforms the last axes.
        x: a pair of arrays of numbers, or one array where the numbers are real.
        turn: from k and n to cosine and sine of 2 pi k / n.
        constant: from an integer to a number.

    Returns:
        Real and imaginary part; no imaginary one where the result is real.
    """

    def along(axis: int, n: int, real: np.ndarray, imag: Number, *, backward: bool) -> tuple[np.ndarray, np.ndarray]:
        roots = [turn(k, n) for k in range(n)]
        last, other = (None if part is None else np.moveaxis(part, axis, -1) for part in (real, imag))
        above, below = _turn(last, other, roots, backward)
        if backward:
            count = constant(n)
            above, below = above / count, below / count
        return np.moveaxis(above, -1, axis), np.moveaxis(below, -1, axis)

    kind, lengths = int(eqn.params["fft_type"]), [int(n) for n in eqn.params["fft_lengths"]]
    real, imag = (x.real, x.imag) if isinstance(x, Pair) else (x, None)
    if kind == _REAL_FORWARD:
        real, imag = along(-1, lengths[-1], real, imag, backward=False)
        kept = lengths[-1] // 2 + 1
        real, imag = real[..., :kept], imag[..., :kept]
    backward = kind in (_BACKWARD, _REAL_BACKWARD)
    others = lengths if kind in (_FORWARD, _BACKWARD) else lengths[:-1]
    last = 1 if kind in (_FORWARD, _BACKWARD) else 2
    for axis, n in enumerate(reversed(others)):
        real, imag = along(-axis - last, n, real, imag, backward=backward)
    if kind == _REAL_BACKWARD:
        return along(-1, lengths[-1], *_mirror(real, imag, lengths[-1]), backward=True)[0], None
    return real, imag


def _turn(
    real: Number, imag: Number, roots: Sequence[tuple[Number, Number]], backward: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The sums over the last axis."""
    n = len(roots)
    places = np.outer(np.arange(n), np.arange(n)) % n
    cosines, sines = (np.array([[roots[k][part] for k in row] for row in places], object) for part in (0, 1))
    sines = sines if backward else -sines
    above, below = real @ cosines, real @ sines
    return (above, below) if imag is None else (above - imag @ sines, below + imag @ cosines)


def _mirror(real: np.ndarray, imag: Number, n: int) -> tuple[np.ndarray, np.ndarray]:
    """All n coefficients of a real signal; the imaginary parts that such a signal cannot have are left out."""
    half = n // 2 + 1
    rest = [n - k for k in range(half, n)]
    flat = imag[..., :1] - imag[..., :1]
    kept = imag[..., :half].copy()
    kept[..., :1] = flat
    if n % 2 == 0:
        kept[..., half - 1 : half] = flat
    return (
        np.concatenate([real[..., :half], real[..., rest]], axis=-1),
        np.concatenate([kept, -kept[..., rest]], axis=-1),
    )
