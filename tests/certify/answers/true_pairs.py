"""Pairs of functions that are equal in real arithmetic, as a theorist writes them, and some that only look equal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jax import lax

solve = jnp.linalg.solve

SYMBOL = "symbol"
"""The reason where a function is a free symbol in a field, and the identity needs to know more of it."""


@dataclass(frozen=True)
class Pair:
    """Two functions that are equal.

    Attributes:
        left: one.
        right: the other.
        shapes: of their arguments.
        layer: "exact" where prime fields certify it, "points" where only balls at points find no difference.
        reason: words of the reason why prime fields do not; `SYMBOL` where they see a free symbol.
    """

    left: Callable[..., Any]
    right: Callable[..., Any]
    shapes: str
    layer: str = "exact"
    reason: str = ""


def at_points(left: Callable[..., Any], right: Callable[..., Any], shapes: str, reason: str) -> Pair:
    return Pair(left, right, shapes, "points", reason)


def kernel(x):
    return x @ x.T + jnp.eye(x.shape[0])


def sherman_morrison(a, u, v, b):
    x, y = solve(a, b), solve(a, u)
    return x - y * (v @ x) / (1 + v @ y)


def woodbury(a, u, b):
    x, y = solve(a, b), solve(a, u)
    return x - y @ solve(jnp.eye(2) + u.T @ y, u.T @ x)


def ridge(x, y):
    return solve(x.T @ x + 0.5 * jnp.eye(x.shape[1]), x.T @ y)


def ridge_by_kernel(x, y):
    return x.T @ solve(x @ x.T + 0.5 * jnp.eye(x.shape[0]), y)


def recursive_least_squares(x, y):
    """Rank-one updates of the inverse."""
    inverse, weights = 2.0 * jnp.eye(x.shape[1]), jnp.zeros(x.shape[1])
    for row, target in zip(x, y, strict=True):
        gain = inverse @ row / (1 + row @ inverse @ row)
        weights, inverse = weights + gain * (target - row @ weights), inverse - jnp.outer(gain, row @ inverse)
    return weights


def by_cholesky(x, y):
    return jsl.cho_solve(jsl.cho_factor(kernel(x)), y)


def softmax_attention(q, k, v):
    return jax.nn.softmax(q @ k.T, axis=-1) @ v


def attention_of_parts(q, k, v):
    """Two blocks of keys, merged by their log-sum-exp, as a ring of devices does."""
    parts = []
    for rows in (slice(0, 1), slice(1, None)):
        scores = q @ k[rows].T
        total = jax.nn.logsumexp(scores, axis=-1)
        parts.append((total, jnp.exp(scores - total[:, None]) @ v[rows]))
    (first, one), (second, two) = parts
    both = jax.nn.logsumexp(jnp.stack([first, second]), axis=0)
    return jnp.exp(first - both)[:, None] * one + jnp.exp(second - both)[:, None] * two


def causal_softmax(q, k, v):
    scores = jnp.where(jnp.tri(q.shape[0], dtype=bool), q @ k.T, -jnp.inf)
    return jax.nn.softmax(scores, axis=-1) @ v


def causal_by_rows(q, k, v):
    return jnp.stack([jax.nn.softmax(k[: t + 1] @ q[t]) @ v[: t + 1] for t in range(q.shape[0])])


def causal_state(q, k, v):
    def step(state, token):
        a, b, c = token
        state = state + jnp.outer(b, c)
        return state, a @ state

    return lax.scan(step, jnp.zeros((q.shape[1], v.shape[1])), (q, k, v))[1]


def powers(x, n):
    return jax.vmap(lambda a, m: lax.fori_loop(0, m, lambda _, c: c * a, 1.0))(x, n)


def halvings(x, n):
    """A loop whose condition is its own for each entry."""

    def one(a, m):
        return lax.while_loop(lambda s: s[0] > 0, lambda s: (s[0] - 2, s[1] / 2), (m, a))[1]

    return jax.vmap(one)(x, n)


def explicit_convolution(x, w):
    size = x.shape[0] + w.shape[0] - 1
    return jnp.stack([sum(x[i] * w[k - i] for i in range(4) if 0 <= k - i < 3) for k in range(size)])


def by_fourier(x, w):
    return jnp.fft.ifft(jnp.fft.fft(x, 6) * jnp.fft.fft(w, 6)).real


def by_real_fourier(x, w):
    return jnp.fft.irfft(jnp.fft.rfft(x, 6) * jnp.fft.rfft(w, 6), 6)


def image_convolution(x, w):
    return lax.conv_general_dilated(x[None, None], w[None, None], (1, 1), "VALID")[0, 0]


def image_sums(x, w):
    rows, columns = x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1
    windows = [[x[i : i + w.shape[0], j : j + w.shape[1]] for j in range(columns)] for i in range(rows)]
    return jnp.stack([jnp.stack([(window * w).sum() for window in row]) for row in windows])


def printed(x):
    jax.debug.print("x = {x}", x=x)
    jax.debug.callback(lambda value: None, x)
    return lax.optimization_barrier(2 * x)


def guarded(x):
    return jnp.where(jnp.isnan(x) | ~jnp.isfinite(x), 0.0, x * x)


def product_of_pairs(a, b, c, d):
    z = lax.complex(a, b) * lax.complex(c, d)
    return jnp.stack([z.real, z.imag])


PAIRS: dict[str, Pair] = {
    # booleans and integers beside numbers
    "mask product": Pair(lambda x: jnp.tri(4, dtype=bool) @ x, lambda x: jnp.cumsum(x), "x:n=4"),
    "mask product from the right": Pair(
        lambda x: x @ jnp.tri(4, dtype=bool), lambda x: jnp.cumsum(x[::-1])[::-1], "x:n=4"
    ),
    "integer matrix": Pair(
        lambda x: jnp.arange(6).reshape(2, 3) @ x,
        lambda x: jnp.stack([x[1] + 2 * x[2], 3 * x[0] + 4 * x[1] + 5 * x[2]]),
        "x:n=3",
    ),
    "count by a mask": Pair(lambda x: (x > 0).sum() * 1.0, lambda x: jnp.where(x > 0, 1.0, 0.0).sum(), "x:n=2"),
    "cumulative sums": Pair(lambda x: jnp.cumsum(x, 0), lambda x: jnp.tri(4) @ x, "x:n=4,d=2"),
    # linear algebra
    "solution": Pair(lambda a, b: a @ solve(a, b), lambda a, b: b, "a:n=3,n; b:n=3"),
    "inverse": Pair(lambda a: jnp.linalg.inv(a) @ a, lambda a: jnp.eye(3) + 0 * a, "a:n=3,n"),
    "inverse of a product": Pair(
        lambda a, b: jnp.linalg.inv(a @ b), lambda a, b: jnp.linalg.inv(b) @ jnp.linalg.inv(a), "a:n=2,n; b:n=2,n"
    ),
    "Sherman-Morrison": Pair(
        lambda a, u, v, b: solve(a + jnp.outer(u, v), b), sherman_morrison, "a:n=3,n; u:n=3; v:n=3; b:n=3"
    ),
    "Woodbury": Pair(lambda a, u, b: solve(a + u @ u.T, b), woodbury, "a:n=3,n; u:n=3,k=2; b:n=3"),
    "ridge": Pair(ridge, ridge_by_kernel, "x:n=4,d=2; y:n=4"),
    "recursive least squares": Pair(ridge, recursive_least_squares, "x:n=3,d=2; y:n=3"),
    "ridge prediction": Pair(
        lambda x, y, q: q @ ridge(x, y),
        lambda x, y, q: solve(kernel(1.0 * x) - 0.5 * jnp.eye(3), x @ q) @ y,
        "x:n=3,d=2; y:n=3; q:d=2",
    ),
    "gradient of a solution": Pair(
        lambda a, b: jax.grad(lambda c: (solve(a, c) ** 2).sum())(b),
        lambda a, b: 2 * solve(a.T, solve(a, b)),
        "a:n=2,n; b:n=2",
    ),
    "many solutions": Pair(
        lambda a, b: jax.vmap(solve)(a, b),
        lambda a, b: jnp.stack([solve(a[k], b[k]) for k in range(2)]),
        "a:m=2,n=2,n; b:m=2,n=2",
    ),
    "triangular solution": Pair(
        lambda a, b: jsl.solve_triangular(jnp.tril(a), b, lower=True),
        lambda a, b: solve(jnp.tril(a), b),
        "a:n=3,n; b:n=3",
    ),
    "determinant of a product": Pair(
        lambda a, b: jnp.linalg.det(a @ b),
        lambda a, b: jnp.linalg.det(a) * jnp.linalg.det(b),
        "a:n=2,n; b:n=2,n",
    ),
    "determinant": Pair(lambda a: jnp.linalg.det(a), lambda a: a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0], "a:n=2,n"),
    "log determinant": Pair(
        lambda a: jnp.linalg.slogdet(a)[1], lambda a: jnp.log(jnp.abs(jnp.linalg.det(a))), "a:n=2,n"
    ),
    "posterior mean by Cholesky": at_points(
        by_cholesky, lambda x, y: solve(kernel(x), y), "x:n=2,d=1; y:n=2", "square roots"
    ),
    "Cholesky factor": at_points(
        lambda x: (lambda root: root @ root.T)(jnp.linalg.cholesky(kernel(x))), kernel, "x:n=2,d=2", "square roots"
    ),
    "QR": at_points(lambda a: jnp.matmul(*jnp.linalg.qr(a)), lambda a: a, "a:n=3,m=2", "square roots"),
    # logarithms of sums of exponentials, guards against NaN
    "softplus": Pair(lambda x: jax.nn.softplus(x) - jax.nn.softplus(-x), lambda x: x, "x:n=2"),
    "log sigmoid": Pair(lambda x: jax.nn.log_sigmoid(x), lambda x: -jnp.log(1 + jnp.exp(-x)), "x:n=2"),
    "sigmoid": at_points(lambda x: jax.nn.log_sigmoid(x), lambda x: jnp.log(jax.nn.sigmoid(x)), "x:n=1", SYMBOL),
    "logaddexp": Pair(lambda x, y: jnp.logaddexp(x, y), lambda x, y: jnp.log(jnp.exp(x) + jnp.exp(y)), "x:n=2; y:n=2"),
    "merging a ring by logaddexp": Pair(
        lambda x, y, z: jnp.logaddexp(x, jnp.logaddexp(y, z)),
        lambda x, y, z: jnp.logaddexp(jnp.logaddexp(x, y), z),
        "x:; y:; z:",
        "points",
        SYMBOL,
    ),
    "logsumexp": Pair(lambda x: jax.nn.logsumexp(x), lambda x: jnp.log(jnp.exp(x).sum()), "x:n=4"),
    "logsumexp shifted": Pair(lambda x, c: jax.nn.logsumexp(x + c), lambda x, c: jax.nn.logsumexp(x) + c, "x:n=4; c:"),
    "logsumexp merged": Pair(
        lambda x: jax.nn.logsumexp(jnp.stack([jax.nn.logsumexp(x[:1]), jax.nn.logsumexp(x[1:])])),
        lambda x: jax.nn.logsumexp(x),
        "x:n=3",
        "points",
        SYMBOL,
    ),
    "cumulative logsumexp": Pair(
        lambda x: lax.cumlogsumexp(x),
        lambda x: jnp.stack([jax.nn.logsumexp(x[: k + 1]) for k in range(3)]),
        "x:n=3",
    ),
    "log softmax": Pair(lambda x: jax.nn.log_softmax(x), lambda x: jnp.log(jax.nn.softmax(x)), "x:n=4"),
    "cross entropy": Pair(lambda x: -jax.nn.log_softmax(x)[1], lambda x: jnp.log(jnp.exp(x - x[1]).sum()), "x:n=3"),
    "gradient of logsumexp": Pair(lambda x: jax.grad(jax.nn.logsumexp)(x), lambda x: jax.nn.softmax(x), "x:n=2"),
    "NaN to number": Pair(lambda x: jnp.nan_to_num(x), lambda x: x, "x:n=3"),
    "guards": Pair(guarded, lambda x: x * x, "x:n=3"),
    # attention
    "attention of parts": Pair(softmax_attention, attention_of_parts, "q:t=1,d=1; k:n=2,d; v:n,dv=1"),
    "causal softmax": Pair(causal_softmax, causal_by_rows, "q:n=3,d=2; k:n,d; v:n,dv=1"),
    "causal linear attention": Pair(
        lambda q, k, v: (jnp.tri(3, dtype=bool) * (q @ k.T)) @ v, causal_state, "q:n=3,d=2; k:n,d; v:n,dv=2"
    ),
    # loops, orders, whole numbers
    "mapped for": Pair(powers, lambda x, n: x**n, "x:m=2; n:m=2 below 3"),
    "mapped while": Pair(halvings, lambda x, n: x / 2.0 ** ((n + 1) // 2), "x:m=2; n:m=2 below 4"),
    "top k": Pair(lambda x: lax.top_k(x, 2)[0], lambda x: jnp.sort(x)[::-1][:2], "x:n=3"),
    "places of the top k": Pair(lambda x: x[lax.top_k(x, 2)[1]], lambda x: lax.top_k(x, 2)[0], "x:n=3"),
    "argsort": Pair(lambda x: x[jnp.argsort(x)], lambda x: jnp.sort(x), "x:n=3"),
    "sort by integers": Pair(
        lambda x: x[jnp.argsort(jnp.array([2, 0, 1]))], lambda x: x[jnp.array([1, 2, 0])], "x:n=3"
    ),
    "argmax": Pair(lambda x: x[jnp.argmax(x)], lambda x: x.max(), "x:n=3"),
    "rounding a negative": at_points(lambda x: jnp.round(-x), lambda x: -jnp.round(x), "x:n=2", SYMBOL),
    "floor and ceiling": at_points(lambda x: jnp.floor(-x), lambda x: -jnp.ceil(x), "x:n=2", SYMBOL),
    "cut to integers": at_points(lambda x: x.astype(int), lambda x: jnp.trunc(x), "x:n=2", "cut"),
    "remainder": at_points(lambda x: jnp.mod(x, 2.0), lambda x: x - 2 * jnp.floor(x / 2), "x:n=2", "order"),
    # windows, scatters
    "convolution": Pair(lambda x, w: jnp.convolve(x, w), explicit_convolution, "x:n=4; w:m=3"),
    "image convolution": Pair(image_convolution, image_sums, "x:h=4,w=3; w:a=2,b=2"),
    "window sum": Pair(
        lambda x: lax.reduce_window(x, 0.0, lax.add, (2,), (1,), "VALID"), lambda x: x[1:] + x[:-1], "x:n=4"
    ),
    "window maximum": Pair(
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2,), (1,), "SAME"),
        lambda x: jnp.maximum(x, jnp.concatenate([x[1:], x[-1:]])),
        "x:n=4",
    ),
    "scattered product": Pair(
        lambda x, u: x.at[jnp.array([0, 1, 0])].multiply(u),
        lambda x, u: jnp.stack([x[0] * u[0] * u[2], x[1] * u[1]]),
        "x:n=2; u:m=3",
    ),
    "scattered maximum": Pair(
        lambda x, u: x.at[jnp.array([0, 1, 0])].max(u),
        lambda x, u: jnp.stack([jnp.maximum(x[0], jnp.maximum(u[0], u[2])), jnp.maximum(x[1], u[1])]),
        "x:n=2; u:m=3",
    ),
    # complex numbers, transforms
    "complex product": Pair(
        product_of_pairs,
        lambda a, b, c, d: jnp.stack([a * c - b * d, a * d + b * c]),
        "a:n=2; b:n=2; c:n=2; d:n=2",
    ),
    "complex inner product": Pair(
        lambda a, b: jnp.vdot(lax.complex(a, b), lax.complex(a, b)).real, lambda a, b: a @ a + b @ b, "a:n=3; b:n=3"
    ),
    "complex quotient": Pair(
        lambda a, b: (1 / lax.complex(a, b)).real, lambda a, b: a / (a * a + b * b), "a:n=2; b:n=2"
    ),
    "rotation by complex numbers": at_points(
        lambda x: jnp.abs(jnp.exp(1j * x)), lambda x: jnp.ones_like(x), "x:n=1", SYMBOL
    ),
    "Fourier transform of four": Pair(lambda x: jnp.fft.ifft(jnp.fft.fft(x)).real, lambda x: x, "x:n=4"),
    "Fourier transform": at_points(
        lambda x: jnp.fft.ifft2(jnp.fft.fft2(x)).real, lambda x: x, "x:n=2,m=3", "of a turn"
    ),
    "convolution by Fourier": at_points(by_fourier, lambda x, w: jnp.convolve(x, w), "x:n=4; w:m=3", "of a turn"),
    "convolution by a real transform": at_points(by_real_fourier, explicit_convolution, "x:n=4; w:m=3", "of a turn"),
    "printing": Pair(printed, lambda x: x + x, "x:n=3"),
}

WRONG: dict[str, Pair] = {
    "mask product without the diagonal": Pair(
        lambda x: jnp.tri(3, k=-1, dtype=bool) @ x, lambda x: jnp.cumsum(x), "x:n=3"
    ),
    "transposed solution": Pair(lambda a, b: solve(a.T, b), lambda a, b: solve(a, b), "a:n=2,n; b:n=2"),
    "a pivot is no entry": Pair(lambda a: lax.linalg.lu(a)[0][0, 0], lambda a: a[0, 0], "a:n=2,n"),
    "the order of pivots": Pair(lambda a: lax.linalg.lu(a)[2][0] * 1.0, lambda a: 0 * a[0, 0], "a:n=2,n"),
    "ridge of twice the strength": Pair(lambda x, y: solve(x.T @ x + jnp.eye(2), x.T @ y), ridge, "x:n=3,d=2; y:n=3"),
    "the upper factor": Pair(
        lambda x: (lambda root: root.T @ root)(jnp.linalg.cholesky(kernel(x))), kernel, "x:n=2,d=1"
    ),
    "shifted twice": Pair(lambda x, c: jax.nn.logsumexp(x + c), lambda x, c: jax.nn.logsumexp(x) + 2 * c, "x:n=2; c:"),
    "log of a sum": Pair(lambda x: jnp.log(jnp.exp(x).sum()), lambda x: x.sum(), "x:n=2"),
    "a guard that strikes": Pair(lambda x: jnp.where(x == x, 0.0, x), lambda x: x, "x:n=1"),
    "correlation": Pair(lambda x, w: jnp.convolve(x, w), lambda x, w: jnp.convolve(x, w[::-1]), "x:n=3; w:m=2"),
    "circular convolution": Pair(
        lambda x, w: jnp.fft.ifft(jnp.fft.fft(x) * jnp.fft.fft(w, 3)).real,
        lambda x, w: jnp.convolve(x, w)[:3],
        "x:n=3; w:m=2",
    ),
    "the smallest": Pair(lambda x: lax.top_k(x, 1)[0], lambda x: jnp.sort(x)[:1], "x:n=2"),
    "the last of equal places": Pair(lambda x: jnp.argsort(x), lambda x: 1 - jnp.argsort(x[::-1])[::-1][::-1], "x:n=2"),
    "scattered once": Pair(lambda x, u: x.at[jnp.array([0, 0])].multiply(u), lambda x, u: x * u[0], "x:n=1; u:m=2"),
    "a loop that stops with the first": Pair(powers, lambda x, n: x ** n.min(), "x:m=2; n:m=2 below 3"),
    "conjugate": Pair(product_of_pairs, lambda a, b, c, d: product_of_pairs(a, -b, c, d), "a:n=1; b:n=1; c:n=1; d:n=1"),
    "rounding halves up": Pair(lambda x: jnp.round(x), lambda x: jnp.floor(x + 0.5), "x:n=1"),
}
