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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> kernels = kernels_of(model, jnp.array([1.0, 2.0]))
        >>> kernels.near.tolist(), kernels.gram.tolist()
        ([1.0, 3.0], [[1.0, 1.0], [1.0, 2.0]])
        >>> kernels.weighted(0.5)().tolist()  # 0.5 (1 * 3 + 3 * 5)
        [9.0]
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

    Examples:
        >>> import jax.numpy as jnp
        >>> values = jnp.array([[3.0], [5.0]])
        >>> ModifiedAttention(jnp.array(0.5), jnp.array([1.0, 3.0]), values, start=jnp.array([4.0]))().tolist()
        [20.0]
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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import fraction
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> halved = fraction(0.5)
        >>> halved.name, halved.attention
        ('step size', "the demonstrations' weights times gamma")
        >>> halved.train(model).tolist(), model.train().tolist()
        ([[4.0, 2.5]], [[8.0, 5.0]])
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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import weight_decay
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> both = regularise(model, jnp.array([1.0, 2.0]), weight_decay(0.5))
        >>> both.predicted.tolist(), both.measured.tolist()  # 0.5 * 1 * 3 + 3 * 5
        ([16.5], [16.5])
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
    """g_i, the derivative of the modified attention's first component by its i-th target.

    Args:
        model: the dual.
        point: the test point.
        regulariser: the switch.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import fraction
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> regularised_influences(model, jnp.array([1.0, 2.0]), fraction(0.5)).tolist()
        [0.5, 1.5]
    """
    kernels = kernels_of(model, point)
    return jax.grad(lambda targets: regulariser.modify(replace(kernels, targets=targets))()[0])(kernels.targets)[:, 0]


def kernels_of(model: OneStepModel, point: Float[Array, " d"]) -> Kernels:
    """What attention sees of a model at a test point.

    Args:
        model: the dual.
        point: the test point q.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> kernels_of(model, jnp.array([1.0, 2.0])).near.tolist()
        [1.0, 3.0]
    """
    near, among = model.similarities(point), gram(model.kernel, model.inputs, model.inputs)
    inputs, targets, weights = model.data
    start = model.initial_coordinates
    at_keys = jax.vmap(lambda x: model.raw_output(start, x))(inputs)
    return Kernels(near, among, targets, weights, model.raw_output(start, point), at_keys, model.projective)
