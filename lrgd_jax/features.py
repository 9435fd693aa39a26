"""Feature maps phi: R^d -> R^r, each for one vector; `jax.vmap` gives the batch.

A feature map turns attention into a finite dual model f_W(x) = W phi(x): its kernel is
kappa(x, y) = <phi(x), phi(y)>. Maps with parameters are frozen pytrees that are called like functions. The features of
a bfloat16 or float16 vector are computed in float32 and rounded once.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = [
    "DPFP",
    "PositiveRandomFeatures",
    "TaylorFeatures",
    "elu_plus_one",
    "feature_count",
    "identity",
    "orthogonal_projection",
    "relu",
]


def identity(x: Float[Array, " d"]) -> Float[Array, " d"]:
    r"""The features are the vector itself: $\phi(x) = x$, $\kappa(x, y) = x^\top y$.

    Args:
        x: the vector.

    Examples:
        >>> import jax.numpy as jnp
        >>> identity(jnp.array([1.0, -2.0])).tolist()
        [1.0, -2.0]
    """
    return x


def elu_plus_one(x: Float[Array, " d"]) -> Float[Array, " d"]:
    r"""Positive features $\phi(x)_j = x_j + 1$ for $x_j > 0$, else $e^{x_j}$.

    Args:
        x: the vector.

    Source: Katharopoulos et al. 2020, arXiv 2006.16236, eq. 7.

    Examples:
        >>> import jax.numpy as jnp
        >>> elu_plus_one(jnp.array([0.0, 2.0])).tolist()
        [1.0, 3.0]
    """
    # exp itself and not 1 + expm1, which is zero below -6.5 in bfloat16 and below -17 in float32; where x is positive
    # its argument is zero, so that neither it nor its derivative can overflow in the branch that is not taken
    return jnp.where(x > 0, x + 1, jnp.exp(jnp.where(x > 0, jnp.zeros_like(x), x)))


def relu(x: Float[Array, " d"]) -> Float[Array, " d"]:
    r"""The positive part, $\phi(x)_j = \max(x_j, 0)$. Source: Kasai et al. 2021, arXiv 2103.13076.

    Args:
        x: the vector.

    Examples:
        >>> import jax.numpy as jnp
        >>> relu(jnp.array([1.0, -2.0])).tolist()
        [1.0, 0.0]
    """
    return jax.nn.relu(x)


@struct.dataclass
class TaylorFeatures:
    r"""Scaled tensor powers whose kernel is the Taylor polynomial of the exponential.

    $$\phi_p(x) = \Big[\tfrac{1}{\sqrt{j!}}\, x^{\otimes j}\Big]_{j=0..p},\qquad
    \phi_p(x)^\top\phi_p(y) = \sum_{j=0}^{p} \frac{(x^\top y)^j}{j!}.$$

    Number of features: $r = \sum_{j \le p} d^j$.

    Attributes:
        degree: p >= 0.

    Source: the expansion is classical; as attention features Keles et al. 2022, arXiv 2209.04881.

    Examples:
        >>> import jax.numpy as jnp
        >>> phi, x, y = TaylorFeatures(2), jnp.array([1.0, 0.0]), jnp.array([1.0, 1.0])
        >>> phi(x).shape
        (7,)
        >>> float(phi(x) @ phi(y))  # 1 + x'y + (x'y)^2 / 2
        2.5
    """

    degree: int = struct.field(pytree_node=False, default=2)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " r"]:
        """The r features of one vector."""
        if self.degree < 0:
            raise ValueError(f"TaylorFeatures: degree must be 0 or more, got {self.degree}")
        (wide,) = widen(x)
        power = jnp.ones((1,), wide.dtype)
        blocks = [power]
        for order in range(1, self.degree + 1):
            power = jnp.outer(power, wide).ravel() / jnp.sqrt(jnp.asarray(order, wide.dtype))
            blocks.append(power)
        return narrow(jnp.concatenate(blocks), x)


@struct.dataclass
class PositiveRandomFeatures:
    r"""Positive random features of the exponential kernel (FAVOR+).

    $$\phi(x)_j = \tfrac{1}{\sqrt r}\exp\!\big(w_j^\top x - \tfrac12\|x\|^2\big),\qquad
    \mathbb E\,\phi(x)^\top\phi(y) = e^{x^\top y},\qquad
    \operatorname{Var} = \tfrac1r e^{2 x^\top y}\big(e^{\|x+y\|^2} - 1\big)$$

    for i.i.d. rows $w_j \sim N(0, I)$; orthogonal rows have the same mean and no larger variance.

    Attributes:
        projection: the rows w_j, shape [r, d]; see `PositiveRandomFeatures.draw`.

    Source: Choromanski et al. 2021, arXiv 2009.14794, lemmas 1 and 2, theorem 2.

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> phi = PositiveRandomFeatures.draw(jax.random.key(0), features=8, width=3)
        >>> features = phi(jnp.ones(3))
        >>> features.shape, bool((features > 0).all())
        ((8,), True)
    """

    projection: Float[Array | np.ndarray, "r d"]

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " r"]:
        """The r features of one vector."""
        (wide,) = widen(x)
        exponent = jnp.asarray(self.projection, wide.dtype) @ wide - jnp.sum(wide * wide) / 2
        return narrow(jnp.exp(exponent) / jnp.sqrt(jnp.asarray(self.projection.shape[0], wide.dtype)), x)

    @classmethod
    def draw(
        cls,
        key: PRNGKeyArray,
        features: int,
        width: int,
        *,
        orthogonal: bool = False,
        dtype: jax.typing.DTypeLike = float,
    ) -> "PositiveRandomFeatures":
        """Draws the projection: `features` rows of `width` normal numbers, i.i.d. or orthogonal in blocks.

        Args:
            key: the source of randomness.
            features: r.
            width: d.
            orthogonal: rows within each block of d are orthogonal, with the norms of normal vectors.
            dtype: of the projection.
        """
        if orthogonal:
            return cls(orthogonal_projection(key, features, width, dtype=dtype))
        return cls(jax.random.normal(key, (features, width), dtype))


def orthogonal_projection(
    key: PRNGKeyArray, features: int, width: int, *, dtype: jax.typing.DTypeLike = float
) -> Float[Array, "r d"]:
    """Rows that are orthogonal in blocks of `width`, each row distributed as a normal vector.

    Args:
        key: of the draw.
        features: r, how many rows.
        width: d, of a row.
        dtype: of the rows.

    Source: Choromanski et al. 2021, arXiv 2009.14794, section 2.4.

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> rows = orthogonal_projection(jax.random.key(0), features=3, width=3)
        >>> bool(jnp.abs(jnp.triu(rows @ rows.T, 1)).max() < jnp.finfo(rows.dtype).eps * 100)
        True
    """
    blocks = -(-features // width)
    direction_key, norm_key = jax.random.split(key)
    # there is no QR decomposition in the narrow formats
    wide = jnp.float32 if jnp.finfo(dtype).bits < 32 else dtype
    directions = jax.random.orthogonal(direction_key, width, (blocks,), wide).reshape(blocks * width, width)
    norms = jnp.linalg.norm(jax.random.normal(norm_key, (blocks * width, width), wide), axis=1, keepdims=True)
    return (norms * directions)[:features].astype(dtype)


@struct.dataclass
class DPFP:
    r"""Deterministic parameter-free projection: products of rectified coordinates.

    With $z = [\mathrm{relu}(x); \mathrm{relu}(-x)] \in \mathbb R^{2d}$,
    $\phi(x) = [\, z \odot \mathrm{roll}(z, s)\,]_{s=1..\nu}$, so $r = 2 d \nu$.

    Attributes:
        nu: number of shifts, 1 <= nu < 2 d.

    Source: Schlag et al. 2021, arXiv 2102.11174, eq. 37 and 38.

    Examples:
        >>> import jax.numpy as jnp
        >>> DPFP(1)(jnp.array([1.0, 2.0])).tolist()
        [0.0, 2.0, 0.0, 0.0]
    """

    nu: int = struct.field(pytree_node=False, default=1)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " r"]:
        """The r features of one vector."""
        if not 1 <= self.nu < 2 * x.shape[-1]:
            raise ValueError(f"DPFP: nu must be at least 1 and less than 2 d = {2 * x.shape[-1]}, got {self.nu}")
        z = jax.nn.relu(jnp.concatenate([x, -x]))
        return jnp.concatenate([z * jnp.roll(z, shift) for shift in range(1, self.nu + 1)])


def feature_count(feature_map: FeatureMap, rows: Float[Array, "n d"]) -> int:
    """The number r of features that a map has for vectors of the width of `rows`; nothing is computed.

    Args:
        feature_map: phi.
        rows: vectors of width d, of which only shape and dtype matter.

    Examples:
        >>> import jax.numpy as jnp
        >>> feature_count(DPFP(2), jnp.zeros((5, 3)))
        12
    """
    return jax.eval_shape(feature_map, jax.ShapeDtypeStruct(rows.shape[1:], rows.dtype)).shape[0]
