"""The finite dual model f_W(x) = W phi(x): initial weights, a training set, training and prediction."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import inspect
from collections.abc import Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax  # pyright: ignore[reportMissingTypeStubs]
from flax import struct
from jax.core import Tracer
from jaxtyping import Array, Float

from lrgd_jax.dual.base import Coordinates, OneStepDual
from lrgd_jax.dual.descent import decayed_sgd, step
from lrgd_jax.dual.objectives import Objective, alignment
from lrgd_jax.features import feature_count, identity
from lrgd_jax.kernels import kernel_of
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap, Kernel

__all__ = ["DualModel", "check_rows", "online_batches"]

OnlineState: TypeAlias = tuple[Float[Array, "dv r"], optax.OptState]
"""Weights and the optimiser's state between two tokens."""


@struct.dataclass(repr=False)
class DualModel(OneStepDual[Float[Array, "dv r"]]):
    r"""A linear model on features with its training set; attention is its prediction after one step.

    $$f_W(x) = W\phi(x),\qquad W_1 = W_0 - \eta\nabla L(W_0),\qquad
    L(W) = \ell\big([W\phi(x_i)]_i,\, [y_i]_i,\, [s_i]_i\big)$$

    Attributes:
        initial_weights: W_0, shape [dv, r].
        inputs: x_i, the keys of the demonstrations, shape [n, d].
        targets: y_i, their values, shape [n, dv] (with a last column of ones for a projective dual).
        sample_weights: s_i, shape [n]; ones unless given. Zero leaves a demonstration out, minus one unlearns it.
        feature_map: phi.
        learning_rate: eta.
        objective: the loss; `alignment(learning_rate)` unless given.
        projective: predictions (a; b) are read as a / b.

    Source: Irie et al. 2022, arXiv 2202.05798, section 3; Dai et al. 2023, arXiv 2212.10559, section 3.1.

    Examples:
        >>> import jax.numpy as jnp
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> model = DualModel.untrained(keys, values)
        >>> model.train().tolist()  # W_1 = sum v_i k_i'
        [[8.0, 5.0]]
        >>> model.predict(model.train(), jnp.array([[1.0, 2.0]])).tolist()  # linear attention
        [[18.0]]
    """

    initial_weights: Float[Array, "dv r"]
    inputs: Float[Array, "n d"]
    targets: Float[Array, "n dv"]
    sample_weights: Float[Array, " n"] | None = None
    feature_map: FeatureMap = identity
    learning_rate: float = struct.field(pytree_node=False, default=1.0)
    objective: Objective | None = struct.field(pytree_node=False, default=None)
    projective: bool = struct.field(pytree_node=False, default=False)

    def __post_init__(self) -> None:
        check_rows("DualModel", self.inputs, self.targets, self.sample_weights)
        if inspect.isfunction(self.feature_map):
            # a plain function is no pytree; so wrapped, a model passes through jit and vmap
            object.__setattr__(self, "feature_map", jax.tree_util.Partial(self.feature_map))

    @classmethod
    def untrained(
        cls,
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n dv"],
        *,
        feature_map: FeatureMap = identity,
        sample_weights: Float[Array, " n"] | None = None,
        learning_rate: float = 1.0,
        objective: Objective | None = None,
        projective: bool = False,
    ) -> "DualModel":
        """A model that starts from W_0 = 0; the arguments are the attributes."""
        zero = jnp.zeros((targets.shape[1], feature_count(feature_map, inputs)), targets.dtype)
        return cls(zero, inputs, targets, sample_weights, feature_map, learning_rate, objective, projective)

    def loss(
        self,
        weights: Float[Array, "dv r"],
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n dv"],
        sample_weights: Float[Array, " n"],
    ) -> Float[Array, ""]:
        """The objective of `weights` on a batch."""
        objective = alignment(self.learning_rate) if self.objective is None else self.objective
        predictions = jax.vmap(self.feature_map)(inputs) @ weights.T
        return objective(predictions, targets, sample_weights)

    def train(
        self,
        weights: Float[Array, "dv r"] | None = None,
        *,
        batches: Sequence[Sequence[int]] | None = None,
        optimiser: optax.GradientTransformation | None = None,
    ) -> Float[Array, "dv r"]:
        """One gradient step on the whole training set, or one on each batch in turn.

        Args:
            weights: where to start; the initial weights unless given.
            batches: indices of the demonstrations in each minibatch; one batch of all unless given.
            optimiser: any optax transformation; plain gradient descent at the learning rate unless given.

        Returns:
            The trained weights W_1, in the format of those from which they start.

        Raises:
            IndexError: a batch names a demonstration that there is not.
        """
        start = self.initial_weights if weights is None else weights
        (weights,) = widen(start)
        optimiser = optax.sgd(self.learning_rate) if optimiser is None else optimiser
        state = optimiser.init(weights)
        n = self.inputs.shape[0]
        for batch in [range(n)] if batches is None else batches:
            chosen = np.asarray(batch)
            if chosen.size and chosen.dtype.kind not in "iu":
                raise ValueError(
                    f"DualModel.train: a batch holds whole numbers, indices of demonstrations; got {batch}"
                )
            chosen = chosen.astype(int)
            outside = chosen[(chosen < -n) | (chosen >= n)]
            if outside.size:
                raise IndexError(f"DualModel.train: a batch names demonstration {outside[0]}, but there are {n}")
            data = (x[chosen] for x in self.data)
            weights, state = step(self.loss, weights, optimiser, state, *data)
        return narrow(weights, start)

    def train_online(
        self, *, retention: float | Float[Array, ""] | None = None, window: int | None = None
    ) -> Float[Array, "n dv r"]:
        r"""One step on each demonstration in turn; returns the weights after each of them.

        $$W_t = \rho\,W_{t-1} - \eta\nabla L_t(W_{t-1})\;[\,+ \rho^{w}\,\eta\nabla L_{t-w}\,]$$

        Args:
            retention: rho = 1 - eta lambda, the weight decay of each step; no decay unless given.
            window: w; the step of the demonstration that leaves the window is subtracted.
        """
        optimiser = decayed_sgd(self.learning_rate, retention)

        def token(carry: OnlineState, batch: tuple[Array, ...]) -> tuple[OnlineState, Array]:
            carry = step(self.loss, carry[0], optimiser, carry[1], *batch)
            return carry, carry[0]

        batches = online_batches(self.data, retention, window)
        (weights,) = widen(self.initial_weights)
        trajectory = jax.lax.scan(token, (weights, optimiser.init(weights)), batches)[1]
        return narrow(trajectory, self.initial_weights)

    @property
    def kernel(self) -> Kernel:
        """The kernel of the features."""
        return kernel_of(self.feature_map)

    @property
    def initial(self) -> Float[Array, "dv r"]:
        """W_0."""
        return self.initial_weights

    def gradient(
        self,
        weights: Float[Array, "dv r"],
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n dv"],
        sample_weights: Float[Array, " n"],
    ) -> Float[Array, "dv r"]:
        """The gradient of the loss on a batch."""
        wide, *batch = widen(weights, inputs, targets, sample_weights)
        return narrow(jax.grad(self.loss)(wide, *batch), weights)

    def predict(self, weights: Float[Array, "dv r"], x: Float[Array, "t d"]) -> Float[Array, "t _"]:
        """The test outputs f_W(x) of the test points x; with `projective`, read as a / b."""
        points, wide = widen(x, weights)
        return narrow(self.readout(jax.vmap(self.feature_map)(points) @ wide.T), x)

    @property
    def initial_coordinates(self) -> Coordinates:
        """W_0, which is its own coordinates."""
        return self.initial_weights

    def coordinate_gradient(self, coordinates: Coordinates, sample_weights: Float[Array, " n"]) -> Coordinates:
        """The gradient of the loss on the training set with other sample weights."""
        return self.gradient(coordinates, self.inputs, self.targets, sample_weights)

    def gradient_norms(self, gradients: Float[Array, "n _ _"]) -> Float[Array, " n"]:
        """The Frobenius norm of each demonstration's own gradient."""
        return jnp.sqrt(jnp.sum(gradients**2, axis=(1, 2)))

    def raw_output(self, coordinates: Coordinates, point: Float[Array, " d"]) -> Float[Array, " dv"]:
        """W phi(x) at one test point, before any ratio is taken."""
        wide, x = widen(coordinates, point)
        return narrow(wide @ self.feature_map(x), point)

    def distance(self, one: Float[Array, "dv r"], other: Float[Array, "dv r"]) -> Float[Array, ""]:
        """The Frobenius norm of the difference."""
        return jnp.linalg.norm(one - other)

    def context(self) -> tuple[Float[Array, "c d"], Float[Array, "c dv"]]:
        """No tokens where W_0 is zero (or traced).

        Raises:
            ValueError: W_0 is not zero: its tokens cannot be read off a matrix.
        """
        start = self.initial_weights
        if not isinstance(start, Tracer) and np.any(np.asarray(start)):
            raise ValueError(
                "DualModel: the values in W_0 are not known; give the context's tokens as demonstrations and W_0 = 0"
            )
        return self.inputs[:0], self.targets[:0]

    def in_range(self, point: Float[Array, " d"]) -> "DualModel":
        """The model itself: no feature of it overflows where the attention's does not."""
        return self


def check_rows(model: str, inputs: object, targets: object, sample_weights: object) -> None:
    """Raises ValueError where a training set has not one target and one weight an input."""
    # while a pytree is rebuilt, leaves may be any object
    shapes = [getattr(x, "shape", ()) for x in (inputs, targets, sample_weights)]
    rows = [shape[0] for shape in shapes if shape]
    if len(set(rows)) > 1:
        raise ValueError(
            f"{model}: every input needs one target and one sample weight, got {rows} rows of inputs, targets, weights"
        )


def online_batches(
    data: tuple[Float[Array, "n ..."], ...], retention: float | Float[Array, ""] | None, window: int | None
) -> tuple[Float[Array, "n _ ..."], ...]:
    """Batches for online descent: the token that enters and, with a minus sign, the one that leaves the window.

    Args:
        data: arrays with one row a token, the sample weights last.
        retention: what one step keeps of the weights, hence retention**window of the leaving token's step.
        window: w, or None: nothing leaves.

    Returns:
        The arrays with a batch axis of one (no window) or two rows.
    """
    if window is None:
        return tuple(x[:, None] for x in data)
    if window < 1:
        raise ValueError(f"a window holds at least the token itself, so window >= 1; got {window}")

    def pair(x: Float[Array, " n *c"], factor: float | Float[Array, ""]) -> Float[Array, "n 2 *c"]:
        kept = max(x.shape[0] - window, 0)
        delayed = jnp.concatenate([jnp.zeros_like(x[: x.shape[0] - kept]), x[:kept]])
        return jnp.stack([x, delayed * jnp.asarray(factor, x.dtype)], axis=1)

    *arrays, sample_weights = data
    left_of_its_step = 1.0 if retention is None else retention**window
    return (*(pair(x, 1.0) for x in arrays), pair(sample_weights, -left_of_its_step))
