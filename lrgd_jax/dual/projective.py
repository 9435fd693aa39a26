"""Ratios as points of a projective space: how a normalised attention has a dual that is linear until it is read."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = ["projective_readout", "projective_targets"]


def projective_targets(values: Float[Array, "n dv"]) -> Float[Array, "n dv_1"]:
    r"""The targets $[v_i; 1]$ of a projective dual, whose last output is the sum of the weights.

    Args:
        values: v_i.

    Examples:
        >>> import jax.numpy as jnp
        >>> projective_targets(jnp.array([[3.0, 4.0]])).tolist()
        [[3.0, 4.0, 1.0]]
    """
    return jnp.concatenate([values, jnp.ones((values.shape[0], 1), values.dtype)], axis=1)


def projective_readout(outputs: Float[Array, "*t dv_1"]) -> Float[Array, "*t dv"]:
    r"""The ratio $(a; b) \mapsto a / b$: a point of projective space read in its last chart.

    Args:
        outputs: (a; b), the last component the normaliser.

    Examples:
        >>> import jax.numpy as jnp
        >>> projective_readout(jnp.array([6.0, 8.0, 2.0])).tolist()
        [3.0, 4.0]
    """
    return outputs[..., :-1] / outputs[..., -1:]
