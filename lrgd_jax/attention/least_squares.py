"""Forms that solve a least-squares problem over the tokens: at once (ridge), or by a number of descent steps."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from dataclasses import dataclass, field
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.checks import check_choice, check_decay, check_not_negative, check_positive, check_sizes
from lrgd_jax.attention.descent import descent_attention
from lrgd_jax.attention.per_token import tokens_before
from lrgd_jax.attention.ridge import conjugate_gradient_attention, recursive_least_squares, ridge_attention
from lrgd_jax.attention.stability import largest_curvature, warn_beyond_limit
from lrgd_jax.features import feature_count, identity
from lrgd_jax.positions import visible
from lrgd_jax.precision import wide_format
from lrgd_jax.types import FeatureMap

__all__ = ["DescentAttention", "RidgeAttention"]


@dataclass(frozen=True, eq=False)
class RidgeAttention:
    r"""Ridge attention, $o = V^\top(KK^\top + \lambda I)^{-1}K\phi(q)$.

    Attributes:
        ridge: lambda > 0.
        feature_map: phi.
        causal: a query sees no later token.
        algorithm: "kernel" (n by n), "streaming" (recursive least squares, causal), "conjugate gradients".
        iterations: of conjugate gradients; min(n, r) + 1 unless given, which is exact but for rounding.

    Examples:
        >>> import jax.numpy as jnp
        >>> key = jnp.ones((1, 1))
        >>> RidgeAttention(ridge=1.0)(key, key, jnp.array([[8.0]])).tolist()
        [[4.0]]
    """

    ridge: float | Float[Array, ""] = 1.0
    feature_map: FeatureMap = field(default=identity)
    causal: bool = False
    algorithm: Literal["kernel", "streaming", "conjugate gradients"] = "kernel"
    iterations: int | None = None

    def __post_init__(self) -> None:
        check_choice("RidgeAttention", "algorithm", self.algorithm, ("kernel", "streaming", "conjugate gradients"))
        check_sizes("RidgeAttention", iterations=self.iterations)
        check_positive("RidgeAttention", ridge=self.ridge)
        if self.algorithm == "streaming" and not self.causal:
            raise ValueError('RidgeAttention: the streaming algorithm is causal; set causal=True or "kernel"')

    @property
    def is_causal(self) -> bool:
        """Whether order matters."""
        return self.causal

    def mask(self, queries: int, keys: int) -> Bool[Array, "t n"]:
        """Which keys each query sees."""
        return visible(queries, keys, causal=self.causal)

    def __call__(
        self, queries: Float[Array, "t d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "t dv"]:
        """The outputs of the queries."""
        t, n = queries.shape[0], keys.shape[0]
        if self.algorithm == "streaming":
            before = tokens_before("RidgeAttention", t, n)
            queries = jnp.concatenate([jnp.zeros_like(keys[:before]), queries])
            return recursive_least_squares(queries, keys, values, self.ridge, feature_map=self.feature_map)[before:]
        mask = self.mask(t, n) if self.causal else None
        if self.algorithm == "kernel":
            return ridge_attention(queries, keys, values, self.ridge, feature_map=self.feature_map, mask=mask)
        iterations = min(n, feature_count(self.feature_map, keys)) + 1 if self.iterations is None else self.iterations
        return conjugate_gradient_attention(
            queries, keys, values, self.ridge, iterations=iterations, feature_map=self.feature_map, mask=mask
        )


@dataclass(frozen=True, eq=False)
class DescentAttention:
    r"""T steps of full-batch descent on $\frac12\sum_i\|W\phi(k_i)-v_i\|^2 + \frac\lambda2\|W\|^2$ from W = 0.

    Attributes:
        steps: T.
        learning_rate: eta > 0; errors shrink below 2 / lambda_max (see `stability_limit`).
        ridge: lambda, not negative.
        momentum: mu in [0, 1]; none unless given.
        nesterov: Nesterov's momentum in place of the heavy ball.
        preconditioner: P, symmetric, shape [r, r]; the identity unless given.
        feature_map: phi.
        causal: a query sees no later token.

    Examples:
        >>> import jax.numpy as jnp
        >>> key = jnp.ones((1, 1))
        >>> DescentAttention(steps=3, learning_rate=0.5)(key, key, jnp.array([[8.0]])).tolist()
        [[7.0]]
    """

    steps: int = 1
    learning_rate: float | Float[Array, ""] = 0.125
    ridge: float | Float[Array, ""] = 0.0
    momentum: float | Float[Array, ""] | None = None
    nesterov: bool = False
    preconditioner: Float[Array, "r r"] | Float[np.ndarray, "r r"] | None = None
    feature_map: FeatureMap = field(default=identity)
    causal: bool = False

    def __post_init__(self) -> None:
        check_sizes("DescentAttention", steps=self.steps)
        check_positive("DescentAttention", learning_rate=self.learning_rate)
        check_not_negative("DescentAttention", ridge=self.ridge)
        check_decay("DescentAttention", self.momentum, name="momentum")

    @property
    def is_causal(self) -> bool:
        """Whether order matters."""
        return self.causal

    def mask(self, queries: int, keys: int) -> Bool[Array, "t n"]:
        """Which keys each query sees."""
        return visible(queries, keys, causal=self.causal)

    def warn(self, keys: Float[Array, "n d"]) -> None:
        """Warns where more than one step is taken beyond the stability limit."""
        if self.steps == 1 or isinstance(keys, Tracer) or isinstance(self.ridge, Tracer):
            return
        features = jax.vmap(self.feature_map)(keys)
        curvature = largest_curvature(features, ridge=float(self.ridge), preconditioner=self.preconditioner)
        warn_beyond_limit("DescentAttention", self.learning_rate, curvature, self.momentum, nesterov=self.nesterov)

    def __call__(
        self, queries: Float[Array, "t d"], keys: Float[Array, "n d"], values: Float[Array, "n dv"]
    ) -> Float[Array, "t dv"]:
        """The outputs of the queries."""
        self.warn(keys)
        return descent_attention(
            queries,
            keys,
            values,
            steps=self.steps,
            learning_rate=self.learning_rate,
            ridge=self.ridge,
            momentum=self.momentum,
            nesterov=self.nesterov,
            preconditioner=None if self.preconditioner is None else jnp.asarray(self.preconditioner, wide_format(keys)),
            feature_map=self.feature_map,
            mask=self.mask(queries.shape[0], keys.shape[0]) if self.causal else None,
        )
