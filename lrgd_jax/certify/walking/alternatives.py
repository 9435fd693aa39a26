"""What to write in place of a primitive that has no rule, or why it can have none."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["SPELLINGS", "advice"]

_UNIQUE = "vectors are unique up to signs and, where values are equal, not even so"
_CALLS_PYTHON = "it calls Python, which cannot be traced; write the function with JAX's own"
_DEVICES = "it speaks to other devices; state the claim for what one device computes"
_RANDOM = "draw the numbers outside and pass them as an argument"
_FORMAT = "it speaks of the numbers of a format and has no meaning for real ones"
_WINDOWS = "it is the gradient of a maximum over windows; write the maximum by jnp.stack and jnp.max"
_BITS = "it speaks of the bits of a format, which real numbers do not have"

SPELLINGS: Mapping[str, str] = {
    "eigh": f"{_UNIQUE}: state the claim with jnp.linalg.solve, a power or a trace",
    "eig": f"{_UNIQUE}: state the claim with jnp.linalg.solve, a power or a trace",
    "svd": f"{_UNIQUE}: for a pseudo-inverse or a least squares solution write jnp.linalg.solve(x.T @ x, x.T @ y)",
    "qr": "balls have a rule; a least squares solution is also jnp.linalg.solve(x.T @ x, x.T @ y)",
    "schur": f"{_UNIQUE}: state the claim with jnp.linalg.solve, a power or a trace",
    "hessenberg": f"{_UNIQUE}: state the claim with jnp.linalg.solve",
    "tridiagonal": f"{_UNIQUE}: state the claim with jnp.linalg.solve",
    "geqrf": "write jnp.linalg.qr, for which balls have a rule",
    "geqp3": "write jnp.linalg.qr, for which balls have a rule",
    "householder_product": "write jnp.linalg.qr, for which balls have a rule",
    "ormqr": "write jnp.linalg.qr, for which balls have a rule",
    "tridiagonal_solve": "write jnp.linalg.solve with the whole matrix",
    "cholesky_update": "write jnp.linalg.cholesky(l @ l.T + jnp.outer(w, w))",
    "fft": "balls have a rule; in which order a fast transform adds is the library's choice, so rounding has no bound",
    "approx_top_k": "which entries it leaves out is the platform's choice; write jax.lax.top_k",
    "nextafter": _FORMAT,
    "select_and_scatter_add": _WINDOWS,
    "select_and_gather_add": _WINDOWS,
    "select_and_scatter": "write the windows by jnp.stack",
    "ragged_dot": "write one matrix product for each group",
    "ragged_dot_general": "write one matrix product for each group",
    "pallas_call": "what a kernel becomes is its compiler's choice; call it with interpret=True",
    "pure_callback": _CALLS_PYTHON,
    "io_callback": _CALLS_PYTHON,
    "bitcast_convert_type": _BITS,
    "rng_bit_generator": _RANDOM,
    "rng_uniform": _RANDOM,
    "random_gamma": _RANDOM,
    "psum": _DEVICES,
    "all_gather": _DEVICES,
    "ppermute": _DEVICES,
    "all_to_all": _DEVICES,
}
"""From a primitive to what is said of it where a number system has no rule."""


def advice(name: str) -> str:
    """What to do about a primitive without a rule."""
    known = "write the function with primitives that it knows (docs/primitives.md lists them, and `coverage()` does)"
    return f"{SPELLINGS[name]}; or add a rule" if name in SPELLINGS else f"{known} or add a rule"
