"""The dtypes in which claims are checked."""

import jax
import jax.numpy as jnp

__all__ = ["DTYPES", "check_dtype"]

DTYPES = ("float64", "float32", "bfloat16")
"""The dtypes that floating arguments may have."""


def check_dtype(dtype: str) -> None:
    """Refuses a dtype that is unknown, or that JAX would silently replace by a narrower one.

    Args:
        dtype: the name of a dtype of floating arguments.

    Raises:
        ValueError: the dtype is none of `DTYPES`, or it is float64 and JAX is in 32 bits.

    Examples:
        >>> check_dtype("float32")
        >>> check_dtype("float16")
        Traceback (most recent call last):
        ValueError: unknown dtype 'float16'; expected one of float64, float32, bfloat16
    """
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}; expected one of {', '.join(DTYPES)}")
    if dtype == "float64" and jnp.zeros(0, jax.dtypes.canonicalize_dtype("float64")).dtype != jnp.float64:
        raise ValueError(
            'float64 needs JAX in 64 bits; call jax.config.update("jax_enable_x64", True) before any array is made'
        )
