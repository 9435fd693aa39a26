"""TracIn in one dual model: how well a demonstration's gradient agrees with that of the test loss."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.dual.finite import DualModel
from lrgd_jax.effect.losses import DualLoss

__all__ = ["gradient_alignment"]


def gradient_alignment(loss: DualLoss) -> Float[Array, " n"]:
    r"""TracIn in a dual model: $\eta\,\langle\nabla L_i(W_0), \nabla\ell(W_0)\rangle$; positive helps.

    The fall of the test loss, to first order, by the demonstration's own step from the initial weights. Summed over
    the demonstrations it is the first-order effect of all of them (claim `gradient-alignment`).

    Args:
        loss: the dual model, its test point and target.

    Raises:
        ValueError: the model is a `FunctionalDual`, which has no finite weights; take `rate_gradient` at rate zero.

    Source: Pruthi et al. 2020, arXiv 2002.08484, eq. 1.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.effect import DualLoss, gradient_alignment
        >>> model = DualModel.untrained(jnp.eye(2), jnp.array([[1.0], [3.0]]))
        >>> loss = DualLoss(model, point=jnp.array([1.0, 1.0]), target=jnp.array([4.0]))
        >>> gradient_alignment(loss).tolist()
        [4.0, 12.0]
    """
    model = loss.model
    if not isinstance(model, DualModel):
        raise ValueError(f"gradient_alignment needs a DualModel with finite weights, got a {type(model).__name__}")
    weights = jnp.ones(loss.demonstrations, loss.dtype) if model.sample_weights is None else model.sample_weights

    def test(w: Float[Array, "dv r"]) -> Float[Array, ""]:
        return loss.loss(model.predict(w, loss.point[None])[0], loss.target)

    towards: Float[Array, "dv r"] = jax.grad(test)(model.initial_weights)

    def one(x: Float[Array, " d"], y: Float[Array, " dv"], s: Float[Array, ""]) -> Float[Array, ""]:
        gradient: Float[Array, "dv r"] = jax.grad(model.loss)(model.initial_weights, x[None], y[None], s[None])
        return model.learning_rate * jnp.vdot(gradient, towards)

    return jax.vmap(one)(model.inputs, model.targets, weights)
