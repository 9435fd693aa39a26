"""The dual of a softmax head with explicit features: a real weight matrix, which one gradient step changes.

Softmax does not see a shift of all keys: it multiplies every kernel entry of a query by one factor. Features do see it,
so keys are centred first where it is asked for.
"""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownMemberType=false

import math
from collections.abc import Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.linear import linear_attention
from lrgd_jax.decoder.attention import Heads
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.forward import Attention
from lrgd_jax.dual.finite import DualModel
from lrgd_jax.dual.projective import projective_readout, projective_targets
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.positions import visible
from lrgd_jax.types import FeatureMap

__all__ = ["centre_keys", "feature_attention", "finite_outputs", "taylor_dimension", "taylor_outputs"]


def centre_keys(keys: Float[Array, "n d"], counted: Bool[Array, " n"] | Float[Array, " n"]) -> Float[Array, "n d"]:
    """The keys less the mean of those that count, which changes no softmax."""
    weights = counted.astype(keys.dtype)
    return keys - ((weights @ keys) / jnp.sum(weights))[None, :]


def finite_outputs(
    feature_map: FeatureMap,
    scale: float,
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    role: TokenRoles,
    points: Float[Array, "share d"],
) -> Float[Array, "share dv"]:
    r"""The test outputs of the finite dual $f_W(x) = W\phi(\sqrt s\,x)$ after one step on the demonstrations.

    Args:
        feature_map: phi, whose kernel is (nearly) $e^{x^\top y}$.
        scale: s of the logits $s\,q^\top k$.
        keys: at their positions.
        values: of the same tokens.
        role: of each token; W_0 is one step on the context.
        points: queries at their position.
    """
    root = jnp.asarray(math.sqrt(scale), keys.dtype)
    targets = projective_targets(values)
    untrained = DualModel.untrained(root * keys, targets, feature_map=feature_map, projective=True)
    start = replace(untrained, sample_weights=role.context).train()
    model = replace(untrained, initial_weights=start, sample_weights=role.demonstrations)
    return model.predict(model.train(), root * points)


def taylor_outputs(
    degree: int,
    scale: float,
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    role: TokenRoles,
    points: Float[Array, "share d"],
) -> Float[Array, "degrees share dv"]:
    r"""`finite_outputs` with Taylor features of every degree p from 0 to `degree`, by their kernel.

    $\phi_p(x)^\top\phi_p(y) = \sum_{j\le p}(x^\top y)^j/j!$, so the outputs need no features of dimension
    `taylor_dimension`. A truncated series may be negative, and then the ratio is no average.
    """
    logits = (points @ keys.T) * jnp.asarray(scale, keys.dtype)
    powers = [jnp.ones_like(logits)]
    for order in range(1, degree + 1):
        powers.append(powers[-1] * logits / jnp.asarray(order, logits.dtype))
    entries = jnp.cumsum(jnp.stack(powers), axis=0) * (role.context + role.demonstrations)[None, None, :]
    return projective_readout(entries @ projective_targets(values))


def taylor_dimension(width: int, degree: int) -> int:
    r"""$\binom{d+p}{p}$: the monomials of degree p or less in d coordinates, the fewest features of that kernel."""
    return math.comb(width + degree, degree)


def feature_attention(
    feature_maps: Sequence[FeatureMap],
    *,
    counted: Bool[Array, " n"] | None = None,
    share: Float[Array, ""] | float = 1.0,
) -> Attention:
    """Every head's attention by the finite dual on features, for `lrgd_jax.decoder.apply_with`.

    Normalised linear attention is that dual's output (claim `normalised-linear-attention`).

    Args:
        feature_maps: one a layer.
        counted: whose mean key is subtracted from the keys of a head; they stay as they are unless given.
        share: how much of that mean is subtracted, from nothing (0) to all of it (1).
    """

    def attention(i: int, config: DecoderConfig, heads: Heads) -> Float[Array, "h n dv"]:
        queries, keys, values = heads
        n, d = keys.shape[1:]
        scale = config.logit_scale(d)
        root = jnp.asarray(math.sqrt(scale), keys.dtype)
        mask = visible(n, n, causal=True, window=config.window)
        if counted is not None:
            whole = jax.vmap(centre_keys, in_axes=(0, None))(keys, counted)
            keys = keys + jnp.asarray(share, keys.dtype) * (whole - keys)

        def one(q: Float[Array, "n d"], k: Float[Array, "n d"], v: Float[Array, "n dv"]) -> Float[Array, "n dv"]:
            return linear_attention(root * q, root * k, v, feature_map=feature_maps[i], mask=mask, normalised=True)

        grouped = queries.reshape(keys.shape[0], -1, n, d)
        outputs = jax.vmap(jax.vmap(one, in_axes=(0, None, None)))(grouped, keys, values)
        return outputs.reshape(queries.shape[0], n, -1)

    return attention
