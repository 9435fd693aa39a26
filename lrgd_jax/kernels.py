"""Kernels kappa(x, y): the similarity under which attention compares a query with a key."""

import math
from dataclasses import replace
from functools import singledispatch

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap, Kernel

__all__ = [
    "ExponentialKernel",
    "default_scale",
    "expansion_norm",
    "gram",
    "kernel_of",
    "log_gram",
    "shift_in_range",
    "unshifted",
]


def default_scale(width: int) -> float:
    r"""The factor of softmax attention's logits unless another is chosen, $s = 1/\sqrt d$.

    Args:
        width: d, of a query or key.

    Raises:
        ValueError: there is no coordinate.

    Source: Vaswani et al. 2017, arXiv 1706.03762, eq. 1.

    Examples:
        >>> default_scale(64)
        0.125
    """
    if width < 1:
        raise ValueError(f"1/sqrt(d) needs keys of at least one coordinate, got d = {width}; give a scale")
    return 1 / math.sqrt(width)


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

    Examples:
        >>> import jax.numpy as jnp
        >>> kernel = ExponentialKernel(scale=0.0)
        >>> float(kernel(jnp.ones(3), jnp.arange(3.0)))
        1.0
    """

    scale: float | None = struct.field(pytree_node=False, default=None)
    shift: Float[Array, ""] | float = 0.0
    capped: bool = struct.field(pytree_node=False, default=False)

    def exponent(self, x: Float[Array, " d"], y: Float[Array, " d"]) -> Float[Array, ""]:
        """The logit s x'y, before the shift, in float32 at least: what is lost of an exponent is lost as a factor."""
        x, y = widen(x, y)
        s = default_scale(x.shape[-1]) if self.scale is None else self.scale
        return jnp.vdot(x, y) * jnp.asarray(s, x.dtype)

    def __call__(self, x: Float[Array, " d"], y: Float[Array, " d"]) -> Float[Array, ""]:
        """The kernel of one pair."""
        logit = self.exponent(x, y)
        exponent = logit - jnp.asarray(self.shift, logit.dtype)
        return narrow(jnp.exp(jnp.minimum(exponent, jnp.zeros_like(exponent)) if self.capped else exponent), x, y)


def kernel_of(feature_map: FeatureMap) -> Kernel:
    r"""The kernel of a feature map, $\kappa(x, y) = \langle\phi(x), \phi(y)\rangle$.

    Args:
        feature_map: phi, one vector of width d to its r features.

    Source: Tsai et al. 2019, arXiv 1908.11775, section 3.1.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.features import relu
        >>> float(kernel_of(relu)(jnp.array([1.0, -1.0]), jnp.array([2.0, -2.0])))
        2.0
    """

    def kernel(x: Float[Array, " d"], y: Float[Array, " d"]) -> Float[Array, ""]:
        features, others = (feature_map(z) for z in widen(x, y))
        return narrow(jnp.vdot(features, others), x, y)

    return kernel


def gram(kernel: Kernel, x: Float[Array, "t d"], y: Float[Array, "n d"]) -> Float[Array, "t n"]:
    r"""The kernel of all pairs, $G_{ij} = \kappa(x_i, y_j)$.

    Args:
        kernel: kappa.
        x: rows x_i.
        y: rows y_j.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.features import identity
        >>> gram(kernel_of(identity), jnp.eye(2), jnp.array([[3.0, 4.0]])).tolist()
        [[3.0], [4.0]]
    """
    return jax.vmap(lambda a: jax.vmap(lambda b: kernel(a, b))(y))(x)


def expansion_norm(kernel: Kernel, centres: Float[Array, "c d"], coefficients: Float[Array, "c u"]) -> Float[Array, ""]:
    r"""The norm of $f = \sum_j c_j\,\kappa(z_j, \cdot)$ in the space of the kernel.

    $$\|f\| = \sqrt{\textstyle\sum_{ij}\langle c_i, c_j\rangle\,\kappa(z_i, z_j)}$$

    A shift of the kernel, which rescales functions, is left out.

    Args:
        kernel: kappa.
        centres: z_j.
        coefficients: c_j, one row a centre.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.features import identity
        >>> float(expansion_norm(kernel_of(identity), jnp.eye(2), jnp.array([[3.0], [4.0]])))
        5.0
    """
    z, c = widen(centres, coefficients)
    square = jnp.sum(c * (gram(unshifted(kernel), z, z) @ c))
    return narrow(jnp.sqrt(jnp.maximum(square, jnp.zeros_like(square))), centres, coefficients)


@singledispatch
def unshifted(kernel: Kernel) -> Kernel:
    """The kernel without the shift that keeps ratios in range; any kernel that has none is returned as it is.

    Args:
        kernel: kappa.

    Examples:
        >>> unshifted(ExponentialKernel(shift=3.0)).shift
        0.0
    """
    return kernel


@unshifted.register
def _(kernel: ExponentialKernel) -> Kernel:
    return replace(kernel, shift=0.0)


@singledispatch
def shift_in_range(kernel: Kernel, inputs: Float[Array, "n d"], point: Float[Array, " d"]) -> Kernel:
    """The kernel, shifted so that no value at a point exceeds one; a ratio of two functions does not see it.

    Args:
        kernel: kappa.
        inputs: with which the point is compared.
        point: the point.

    Raises:
        TypeError: the kernel has no shift.

    Examples:
        >>> import jax.numpy as jnp
        >>> inputs, point = 1000 * jnp.eye(2), jnp.ones(2)
        >>> float(gram(shift_in_range(ExponentialKernel(), inputs, point), point[None], inputs).max())
        1.0
    """
    raise TypeError(f"shift_in_range: known for the exponential kernel, got {type(kernel).__name__}")


@shift_in_range.register
def _(kernel: ExponentialKernel, inputs: Float[Array, "n d"], point: Float[Array, " d"]) -> Kernel:
    exponents = jax.vmap(lambda x: kernel.exponent(x, point))(inputs)
    return replace(kernel, shift=jax.lax.stop_gradient(jnp.max(exponents)))


@singledispatch
def log_gram(kernel: Kernel, point: Float[Array, " d"], y: Float[Array, "n d"]) -> Float[Array, " n"]:
    r"""The logarithms $\log\kappa(x, y_j)$ of a positive kernel, in float32 at least.

    Args:
        kernel: kappa.
        point: x.
        y: rows y_j.

    Examples:
        >>> import jax.numpy as jnp
        >>> log_gram(ExponentialKernel(scale=1.0), jnp.ones(2), 1000 * jnp.eye(2)).tolist()  # exp would overflow
        [1000.0, 1000.0]
    """
    point, y = widen(point, y)
    return jnp.log(gram(kernel, point[None], y)[0])


@log_gram.register
def _(kernel: ExponentialKernel, point: Float[Array, " d"], y: Float[Array, "n d"]) -> Float[Array, " n"]:
    # exactly linear in the keys; the logarithm of an exponential that underflows would not be
    return jax.vmap(lambda x: kernel.exponent(x, point))(y)
