r"""What each demonstration adds to the output of one head: $C_i = \eta\,v_i\,\kappa(k_i, q)$."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.features import identity
from lrgd_jax.kernels import ExponentialKernel, gram, kernel_of
from lrgd_jax.types import FeatureMap, Kernel

__all__ = [
    "contribution_norms",
    "contributions",
    "linear_contributions",
    "normalised_contributions",
    "softmax_contributions",
]


def contributions(
    kernel: Kernel,
    query: Float[Array, " d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    rates: Float[Array, " n"] | None = None,
) -> Float[Array, "n dv"]:
    r"""The contributions to a sum over kernel entries.

    $$C_i = \eta_i\,v_i\,\kappa(k_i, q),\qquad f_{W_1}(q) - f_{W_0}(q) = \sum_i C_i$$

    With values $[v_i; 1]$ (`lrgd_jax.dual.projective_targets`) they are the contributions to the projective output
    $(a; b)$ of normalised attention, whose ratio is not a sum of them: see `normalised_contributions`.

    Args:
        kernel: kappa.
        query: q.
        keys: k_i of the demonstrations.
        values: v_i.
        rates: eta_i; all one unless given.

    Source: Irie et al. 2022, arXiv 2202.05798, section 3 (the sum); the claim `effect-decomposition`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import contributions
        >>> from lrgd_jax.features import identity
        >>> from lrgd_jax.kernels import kernel_of
        >>> keys, values = jnp.eye(2), jnp.array([[1.0], [3.0]])
        >>> contributions(kernel_of(identity), jnp.array([2.0, 1.0]), keys, values).tolist()
        [[2.0], [3.0]]
    """
    entries = gram(kernel, query[None], keys)[0]
    if rates is not None:
        entries = rates * entries
    return entries[:, None] * values


def linear_contributions(
    query: Float[Array, " d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    feature_map: FeatureMap = identity,
    rates: Float[Array, " n"] | None = None,
) -> Float[Array, "n dv"]:
    r"""`contributions` of linear attention without a normaliser, $C_i = \eta_i\,v_i\,\phi(k_i)^\top\phi(q)$.

    Args:
        query: q.
        keys: k_i of the demonstrations.
        values: v_i.
        feature_map: phi.
        rates: eta_i; all one unless given.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import linear_contributions
        >>> keys, values = jnp.eye(2), jnp.array([[1.0], [3.0]])
        >>> linear_contributions(jnp.array([2.0, 1.0]), keys, values, rates=jnp.array([1.0, 0.0])).tolist()
        [[2.0], [0.0]]
    """
    return contributions(kernel_of(feature_map), query, keys, values, rates)


def softmax_contributions(
    query: Float[Array, " d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    context_keys: Float[Array, "c d"],
    context_values: Float[Array, "c dv"],
    scale: float | None = None,
    rates: Float[Array, " n"] | None = None,
) -> Float[Array, "n dv"]:
    r"""`normalised_contributions` of softmax attention; the kernel is shifted so that none of its entries overflows.

    Args:
        query: q.
        keys: k_i of the demonstrations.
        values: v_i.
        context_keys: of the query's own tokens, at least one.
        context_values: likewise.
        scale: s of the logits $s\,q^\top k$, 1/sqrt(d) unless given.
        rates: eta_i; all one unless given.

    Raises:
        ValueError: the zero-shot context is empty.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import softmax_contributions
        >>> keys, values, context = jnp.zeros((1, 2)), jnp.array([[4.0]]), jnp.zeros((1, 2))
        >>> softmax_contributions(
        ...     jnp.ones(2), keys, values, context_keys=context, context_values=jnp.array([[2.0]])
        ... ).tolist()
        [[1.0]]
    """
    kernel = ExponentialKernel(scale)
    everything = jnp.concatenate([keys, context_keys])

    def exponent(key: Float[Array, " d"]) -> Float[Array, ""]:
        return kernel.exponent(key, query)

    shift = jax.lax.stop_gradient(jnp.max(jax.vmap(exponent)(everything)))
    shifted = ExponentialKernel(scale, shift)
    return normalised_contributions(shifted, query, keys, values, context_keys, context_values, rates)


def normalised_contributions(
    kernel: Kernel,
    query: Float[Array, " d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    context_keys: Float[Array, "c d"],
    context_values: Float[Array, "c dv"],
    rates: Float[Array, " n"] | None = None,
) -> Float[Array, "n dv"]:
    r"""The contributions to the output of normalised attention, read as a ratio.

    $$C_i = a_i\,(v_i - o_0),\qquad o_1 - o_0 = \sum_i C_i,$$

    with the few-shot weights $a_i$, which sum to one together with the context's, and the zero-shot output $o_0$ of
    the context.

    Args:
        kernel: kappa, positive.
        query: q.
        keys: k_i of the demonstrations.
        values: v_i.
        context_keys: of the query's own tokens, at least one.
        context_values: likewise.
        rates: eta_i; all one unless given.

    Raises:
        ValueError: the context is empty, so that there is no zero-shot output.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import normalised_contributions
        >>> from lrgd_jax.kernels import ExponentialKernel
        >>> keys, values, context = jnp.zeros((1, 2)), jnp.array([[4.0]]), jnp.zeros((1, 2))
        >>> normalised_contributions(
        ...     ExponentialKernel(), jnp.ones(2), keys, values, context, jnp.array([[2.0]])
        ... ).tolist()
        [[1.0]]
    """
    if context_keys.shape[0] == 0:
        raise ValueError("the zero-shot context is empty: give at least one token of the query itself")
    entries = gram(kernel, query[None], keys)[0]
    own = gram(kernel, query[None], context_keys)[0]
    entries = entries if rates is None else rates * entries
    zero_shot = (own @ context_values) / jnp.sum(own)
    weights = entries / (jnp.sum(entries) + jnp.sum(own))
    return weights[:, None] * (values - zero_shot[None, :])


def contribution_norms(contributions: Float[Array, "n o"]) -> Float[Array, " n"]:
    r"""$\|C_i\|$: how much a demonstration moves the output, whether it helps or not. It has no sign.

    Args:
        contributions: C_i, from `contributions` or `normalised_contributions`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import contribution_norms
        >>> contribution_norms(jnp.array([[3.0, -4.0], [0.0, 0.0]])).tolist()
        [5.0, 0.0]
    """
    return jnp.sqrt(jnp.sum(contributions * contributions, axis=1))
