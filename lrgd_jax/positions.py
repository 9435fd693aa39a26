"""Where a token stands: rotary embeddings (RoPE), linear biases (ALiBi), and who sees whom.

Angles and distances are computed in float32 at least: bfloat16 knows no whole number between 256 and 258.
"""

import math
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.precision import narrow, wide_format, widen
from lrgd_jax.rotary_scaling import Llama3Scaling, LongRopeScaling, RotaryScaling, YarnScaling

__all__ = [
    "Llama3Scaling",
    "LongRopeScaling",
    "RotaryLayout",
    "RotaryScaling",
    "YarnScaling",
    "alibi_bias",
    "alibi_slopes",
    "rotary_frequencies",
    "rotate",
    "visible",
]

RotaryLayout: TypeAlias = Literal["half", "interleaved"]
"""Which coordinates form a rotated pair: (j, j + d/2) in "half", (2j, 2j + 1) in "interleaved"."""


def rotary_frequencies(
    width: int, theta: float = 10_000.0, scaling: RotaryScaling | None = None
) -> Float[np.ndarray, " half"]:
    r"""Angles per position, $\omega_j = \theta^{-2j/d}$, j = 0..d/2-1, in radians (float64).

    Args:
        width: d, even.
        theta: the base.
        scaling: a stretch of the slow ones; None leaves the frequencies as they are.

    Raises:
        ValueError: the width is odd.

    Source: Su et al. 2021, arXiv 2104.09864, eq. 15.

    Examples:
        >>> rotary_frequencies(4, theta=10_000.0).tolist()
        [1.0, 0.01]
    """
    if width % 2:
        raise ValueError(f"rotary_frequencies: the head width must be even to form pairs, got {width}")
    frequencies = theta ** (-np.arange(0, width, 2, dtype=np.float64) / width)
    return frequencies if scaling is None else scaling.stretch(frequencies, theta)


def rotate(
    x: Float[Array, "n d"],
    positions: Int[Array, " n"],
    frequencies: Float[np.ndarray, " half"],
    layout: RotaryLayout = "half",
) -> Float[Array, "n d"]:
    r"""Rotary position embedding: each coordinate pair is turned by $p\,\omega_j$, $x_p \mapsto R_p x_p$.

    $R_a^\top R_b = R_{b-a}$: inner products depend on the difference of positions alone.

    Args:
        x: keys or queries of one head, one row a token.
        positions: of the rows.
        frequencies: from `rotary_frequencies`.
        layout: which coordinates form a pair.

    Source: Su et al. 2021, arXiv 2104.09864, eq. 34.

    Examples:
        >>> import jax.numpy as jnp
        >>> quarter = rotary_frequencies(2) * jnp.pi / 2  # a quarter turn a position
        >>> rows = rotate(jnp.array([[1.0, 0.0], [1.0, 0.0]]), jnp.array([0, 2]), quarter)
        >>> float(rows[0, 0]), float(rows[1, 0].round(4))  # as it is, and turned around
        (1.0, -1.0)
    """
    (wide,) = widen(x)
    angles = positions[:, None].astype(wide.dtype) * jnp.asarray(frequencies, wide.dtype)[None, :]
    cosine, sine = jnp.cos(angles), jnp.sin(angles)
    if layout == "half":
        first, second = jnp.split(wide, 2, axis=-1)
    elif layout == "interleaved":
        first, second = wide[:, 0::2], wide[:, 1::2]
    else:
        raise ValueError(f'rotate: layout must be "half" or "interleaved", got {layout!r}')
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    if layout == "half":
        return narrow(jnp.concatenate(turned, axis=-1), x)
    return narrow(jnp.stack(turned, axis=-1).reshape(x.shape), x)


def alibi_slopes(heads: int) -> tuple[float, ...]:
    r"""One slope a head: the geometric sequence $2^{-8/h}, 2^{-16/h}, …$ for h a power of two.

    For other head counts, the sequence of the next lower power of two, continued with every other slope
    of twice as many heads. Source: Press et al. 2022, arXiv 2108.12409, section 3 and its published code.

    Args:
        heads: h.

    Raises:
        ValueError: there is no head.

    Examples:
        >>> alibi_slopes(4)
        (0.25, 0.0625, 0.015625, 0.00390625)
        >>> alibi_slopes(3)
        (0.0625, 0.00390625, 0.25)
    """
    if heads < 1:
        raise ValueError(f"alibi_slopes: at least one head is needed, got {heads}")
    base = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * (j + 1) / base) for j in range(base)]
    finer = [2 ** (-4 * (j + 1) / base) for j in range(0, 2 * base, 2)]
    return tuple(slopes + finer[: heads - base])


def alibi_bias(
    queries: int, keys: int, slope: Float[Array, ""] | float, dtype: np.dtype | type = float
) -> Float[Array, "t n"]:
    r"""The bias $-m\,(p_t - p_i)$ on the logits; the queries are the last tokens.

    Args:
        queries: t.
        keys: n.
        slope: m.
        dtype: of the bias.

    Source: Press et al. 2022, arXiv 2108.12409, section 3.

    Examples:
        >>> alibi_bias(1, 3, 0.5).tolist()
        [[-1.0, -0.5, -0.0]]
    """
    distance = (keys - queries + jnp.arange(queries))[:, None] - jnp.arange(keys)[None, :]
    wide = wide_format(dtype)
    return (-jnp.asarray(slope, wide) * distance.astype(wide)).astype(dtype)


def visible(queries: int, keys: int, *, causal: bool = False, window: int | None = None) -> Bool[Array, "t n"]:
    """Which keys each query sees; the queries are the last tokens.

    Args:
        queries: t.
        keys: n >= t where causal.
        causal: a query sees no later token.
        window: a query sees its own and the window - 1 tokens before it; implies causal.

    Raises:
        ValueError: more queries than keys in a causal form, or an empty window.

    Examples:
        >>> visible(2, 3, causal=True).tolist()
        [[True, True, False], [True, True, True]]
        >>> visible(2, 3, window=1).tolist()
        [[False, True, False], [False, False, True]]
    """
    if window is not None and window < 1:
        raise ValueError(f"visible: a window holds at least the token itself, so window >= 1; got {window}")
    if not causal and window is None:
        return jnp.ones((queries, keys), bool)
    if queries > keys:
        raise ValueError(f"visible: a causal form needs a key for every query; got {queries} queries, {keys} keys")
    age = (keys - queries + jnp.arange(queries))[:, None] - jnp.arange(keys)[None, :]
    mask = age >= 0
    return mask if window is None else mask & (age < window)
