"""The dtypes in which claims are checked."""

import jax
import jax.numpy as jnp

__all__ = ["DTYPES", "check_dtype"]

DTYPES = ("float64", "float32", "bfloat16")


def check_dtype(dtype: str) -> None:
    """Raises ValueError where a dtype is unknown, or JAX would silently compute in a narrower one."""
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}; expected one of {', '.join(DTYPES)}")
    if dtype == "float64" and jnp.zeros(0, jax.dtypes.canonicalize_dtype("float64")).dtype != jnp.float64:
        raise ValueError(
            'float64 needs JAX in 64 bits; call jax.config.update("jax_enable_x64", True) before any array is made'
        )
