"""The meta-parameters as numbers without bounds, among which an optimiser may step freely."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.recommend.forms.meta_parameters import Meta

__all__ = ["UnboundedMeta"]

SMALLEST = 1e-9
"""Stands for zero where a logarithm is taken."""


class UnboundedMeta(NamedTuple):
    """The meta-parameters without bounds: logits of decays, logarithms of weights; each a scalar."""

    decay: Float[Array, ""]
    query_decay: Float[Array, ""]
    key_scaling: Float[Array, ""]
    target_scaling: Float[Array, ""]
    feature_scaling: Float[Array, ""]
    popularity: Float[Array, ""]
    similarity: Float[Array, ""]

    @classmethod
    def of(cls, meta: Meta, dtype: jax.typing.DTypeLike = float) -> "UnboundedMeta":
        """From meta-parameters; a weight of zero becomes a very small one."""
        decay, query_decay = (_logit(x) for x in (meta.decay, meta.query_decay))
        popularity, similarity = (np.log(max(x, SMALLEST)) for x in (meta.popularity, meta.similarity))
        powers = meta.key_scaling, meta.target_scaling, meta.feature_scaling
        return cls(*(jnp.asarray(x, dtype) for x in (decay, query_decay, *powers, popularity, similarity)))

    def meta(self, window: int) -> Meta:
        """Back to meta-parameters."""
        return Meta(
            decay=float(jax.nn.sigmoid(self.decay)),
            query_decay=float(jax.nn.sigmoid(self.query_decay)),
            key_scaling=float(self.key_scaling),
            target_scaling=float(self.target_scaling),
            feature_scaling=float(self.feature_scaling),
            popularity=float(jnp.exp(self.popularity)),
            similarity=float(jnp.exp(self.similarity)),
            window=window,
        )


def _logit(x: float) -> float:
    kept = min(x, 1 - SMALLEST)
    return float(np.log(kept / (1 - kept)))
