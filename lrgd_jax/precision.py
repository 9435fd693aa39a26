"""In which format numbers are computed: float32 at least, whatever the tensors are stored in.

bfloat16 holds eight binary digits and float16 ends at 65,504. That is enough to store a key, and too little for what is
computed from it: a position beyond 256, a sum over a prompt, a state that every token changes, an exponent. So every
function of attention and of its duals widens its arguments first and rounds its result once. In float32 and float64
nothing is converted, and the traced programs are as if this module did not exist.
"""

from typing import TypeVarTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

__all__ = ["at_least_float32", "narrow", "wide_format", "widen"]

Arrays = TypeVarTuple("Arrays")

_ARRAYS = (jax.Array, np.ndarray)
"""What has a format of its own. A bare number, Python's or numpy's, takes that of whatever it is combined with."""


def wide_format(*formats: object) -> np.dtype:
    """The widest format of several arrays or dtypes, float32 where all of them are narrower.

    Args:
        *formats: arrays or dtypes; anything without a floating format, such as None or a Python number, counts for
            nothing.

    Examples:
        >>> import jax.numpy as jnp
        >>> wide_format(jnp.ones(2, jnp.bfloat16), jnp.ones(2, jnp.float16)).name
        'float32'
    """
    known = [dtype for dtype in map(_floating, formats) if dtype is not None]
    return max((np.dtype(np.float32), *known), key=lambda dtype: jnp.finfo(dtype).bits)


def widen(*arrays: *Arrays) -> tuple[*Arrays]:
    """The arrays in one format, the widest among them, float32 at least; None and bare numbers have no format.

    Args:
        *arrays: of any floating formats, which need not be the same.

    Examples:
        >>> import jax.numpy as jnp
        >>> key, state, decay = widen(jnp.ones(2, jnp.bfloat16), None, 0.5)
        >>> key.dtype.name, state, decay
        ('float32', None, 0.5)
    """
    dtype = wide_format(*(x for x in arrays if isinstance(x, _ARRAYS)))
    return tuple(_cast(x, dtype) for x in arrays)  # pyright: ignore[reportReturnType] (each keeps its kind)


def narrow(result: Float[Array, "..."], *arrays: object) -> Float[Array, "..."]:
    """A result in the format of the arrays that it was computed from, where that is one format below float32.

    Args:
        result: computed in a wide format.
        *arrays: whose format decides.

    Examples:
        >>> import jax.numpy as jnp
        >>> half = jnp.ones(2, jnp.float16)
        >>> narrow(jnp.ones(2), half, half).dtype.name, narrow(jnp.ones(2), half, jnp.ones(2)).dtype.name
        ('float16', 'float32')
    """
    formats = {dtype for dtype in map(_floating, arrays) if dtype is not None}
    if len(formats) != 1 or jnp.finfo(next(iter(formats))).bits >= 32:
        return result
    return result.astype(formats.pop())


def at_least_float32(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """One array, widened where it is narrower than float32.

    Examples:
        >>> import jax.numpy as jnp
        >>> at_least_float32(jnp.ones(2, jnp.bfloat16)).dtype.name
        'float32'
    """
    return widen(x)[0]


def _floating(x: object) -> np.dtype | None:
    """The floating format of an array or a dtype; None where it has none."""
    try:
        dtype = jax.dtypes.canonicalize_dtype(getattr(x, "dtype", x))
    except TypeError:
        return None
    return dtype if x is not None and jnp.issubdtype(dtype, jnp.floating) else None


def _cast(x: object, dtype: np.dtype) -> object:
    if isinstance(x, np.floating):
        return float(x)
    if not isinstance(x, _ARRAYS) or not jnp.issubdtype(x.dtype, jnp.floating) or x.dtype == dtype:
        return x
    return jnp.asarray(x).astype(dtype)
