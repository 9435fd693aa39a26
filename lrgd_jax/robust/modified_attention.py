"""A regulariser is a record of two functions: how the dual trains with it, and which modified attention that is."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.dual.base import Coordinates, OneStepModel
from lrgd_jax.kernels import gram
from lrgd_jax.robust.prediction import Prediction

__all__ = ["Kernels", "ModifiedAttention", "Regulariser", "kernels_of", "regularise", "regularised_influences"]


@struct.dataclass
class Kernels:
    """What attention sees of a dual model at a test point.

    Attributes:
        near: kappa(k_i, q), shape [n].
        gram: kappa(k_i, k_j), shape [n, n].
        targets: y_i, shape [n, u].
        sample_weights: s_i, shape [n].
        start: f_0(q), shape [u].
        start_at_keys: f_0(k_i), shape [n, u].
        projective: the last component is the normaliser.
    """

    near: Float[Array, " n"]
    gram: Float[Array, "n n"]
    targets: Float[Array, "n u"]
    sample_weights: Float[Array, " n"]
    start: Float[Array, " u"]
    start_at_keys: Float[Array, "n u"]
    projective: bool = struct.field(pytree_node=False, default=False)

    def weighted(self, factor: Float[Array, " n"] | float, zero_shot: float = 1.0) -> "ModifiedAttention":
        """Attention whose weights s_i kappa_i are multiplied by a factor, the zero-shot part by another."""
        weights = self.sample_weights * self.near * jnp.asarray(factor, self.near.dtype)
        return ModifiedAttention(jnp.asarray(zero_shot, self.near.dtype), weights, self.targets, self.start)


@struct.dataclass
class ModifiedAttention:
    r"""Attention with other weights and values, $c_0\,f_0(q) + \sum_i w_i\,\tilde y_i$.

    Attributes:
        zero_shot: c_0, what is left of the zero-shot part.
        weights: w_i, shape [n]; s_i kappa(k_i, q) without regularisation.
        targets: the modified targets, shape [n, u].
        start: f_0(q), shape [u].
    """

    zero_shot: Float[Array, ""]
    weights: Float[Array, " n"]
    targets: Float[Array, "n u"]
    start: Float[Array, " u"]

    def __call__(self) -> Float[Array, " u"]:
        """The output before a ratio is taken."""
        return self.zero_shot * self.start + self.weights @ self.targets


@dataclass(frozen=True)
class Regulariser:
    """One switch.

    Attributes:
        name: of the switch.
        train: the parameters of the regularised dual, by `jax.grad` and optax.
        modify: the attention that it equals.
        attention: what it does to attention, in words.
    """

    name: str
    train: Callable[[OneStepModel], Coordinates]
    modify: Callable[[Kernels], ModifiedAttention]
    attention: str


def regularise(model: OneStepModel, point: Float[Array, " d"], regulariser: Regulariser) -> Prediction:
    """The output of the modified attention (predicted) beside that of the regularised dual (measured).

    Args:
        model: the dual, its objective the alignment that attention descends.
        point: the test point.
        regulariser: the switch.

    Raises:
        ValueError: the model descends another objective, which the regularisers would replace.
    """
    if model.objective is not None:
        raise ValueError(
            f"regularise: {regulariser.name} states its own objective; give a dual without one (objective=None)"
        )
    predicted = regulariser.modify(kernels_of(model, point))()
    measured = model.raw_output(regulariser.train(model), point)
    return Prediction(model.readout(predicted), model.readout(measured), "exact")


def regularised_influences(
    model: OneStepModel, point: Float[Array, " d"], regulariser: Regulariser
) -> Float[Array, " n"]:
    """g_i, the derivative of the modified attention's first component by its i-th target."""
    kernels = kernels_of(model, point)
    return jax.grad(lambda targets: regulariser.modify(replace(kernels, targets=targets))()[0])(kernels.targets)[:, 0]


def kernels_of(model: OneStepModel, point: Float[Array, " d"]) -> Kernels:
    """What attention sees of a model at a test point."""
    near, among = model.similarities(point), gram(model.kernel, model.inputs, model.inputs)
    inputs, targets, weights = model.data
    start = model.initial_coordinates
    at_keys = jax.vmap(lambda x: model.raw_output(start, x))(inputs)
    return Kernels(near, among, targets, weights, model.raw_output(start, point), at_keys, model.projective)
