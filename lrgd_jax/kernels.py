"""Kernels kappa(x, y): the similarity under which attention compares a query with a key."""

import math

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.types import FeatureMap, Kernel

__all__ = ["ExponentialKernel", "gram", "kernel_of"]


@struct.dataclass
class ExponentialKernel:
    r"""The softmax kernel $\kappa(x, y) = \exp(s\, x^\top y - c)$.

    Its reproducing kernel Hilbert space is where softmax attention takes its gradient step. The shift c rescales
    every function in that space by one factor, which a ratio of two of them does not see.

    Attributes:
        scale: s; 1/sqrt(d) unless given.
        shift: c; zero unless given.
        capped: values stop at one. With the largest exponent of the points that count as shift, this touches only
            points whose coefficients are zero; without it they could overflow, and zero times infinity is not zero.

    Source: Tsai et al. 2019, arXiv 1908.11775, section 3.
    """

    scale: float | None = struct.field(pytree_node=False, default=None)
    shift: Float[Array, ""] | float = 0.0
    capped: bool = struct.field(pytree_node=False, default=False)

    def exponent(self, x: Float[Array, " d"], y: Float[Array, " d"]) -> Float[Array, ""]:
        """The logit s x'y, before the shift."""
        s = 1 / math.sqrt(x.shape[-1]) if self.scale is None else self.scale
        return jnp.vdot(x, y) * jnp.asarray(s, x.dtype)

    def __call__(self, x: Float[Array, " d"], y: Float[Array, " d"]) -> Float[Array, ""]:
        """The kernel of one pair."""
        exponent = self.exponent(x, y) - jnp.asarray(self.shift, x.dtype)
        return jnp.exp(jnp.minimum(exponent, jnp.zeros_like(exponent)) if self.capped else exponent)


def kernel_of(feature_map: FeatureMap) -> Kernel:
    r"""The kernel of a feature map, $\kappa(x, y) = \langle\phi(x), \phi(y)\rangle$."""

    def kernel(x: Float[Array, " d"], y: Float[Array, " d"]) -> Float[Array, ""]:
        return jnp.vdot(feature_map(x), feature_map(y))

    return kernel


def gram(kernel: Kernel, x: Float[Array, "t d"], y: Float[Array, "n d"]) -> Float[Array, "t n"]:
    r"""All pairs, $G_{ij} = \kappa(x_i, y_j)$."""
    return jax.vmap(lambda a: jax.vmap(lambda b: kernel(a, b))(y))(x)
