"""A dual model that takes a number of full-batch steps on a least-squares objective, and its Newton step."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.dual.base import Dual, TrainingSet, weights_or_ones
from lrgd_jax.dual.descent import preconditioned, step
from lrgd_jax.dual.finite import DualModel, OnlineState
from lrgd_jax.dual.objectives import ridge_penalty
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import Kernel

__all__ = ["FullBatchDescent", "inverse_moment"]


@struct.dataclass(repr=False)
class FullBatchDescent(Dual[Float[Array, "dv r"]]):
    r"""Steps of preconditioned descent with momentum on $L(W) = \ell(W) + \frac\lambda2\|W\|^2$, all tokens at once.

    $$W_{j+1} = W_j - \eta\,\nabla L(W_j)\,P,\qquad j = 0, \dots, T-1$$

    With one step, $\eta = 1$ and P the inverse moment (`inverse_moment`) it is Newton's step, which ends in the ridge
    solution wherever it starts.

    Attributes:
        model: W_0, the tokens, the objective (a squared error).
        ridge: lambda; zero unless given.
        preconditioner: P, shape [r, r]; the identity unless given.
        steps: T.
        learning_rate: eta.
        momentum: mu; none unless given.
        nesterov: Nesterov's momentum in place of the heavy ball.
        context: weights of the samples for the zero-shot weights: those of the query's own tokens.

    Source: von Oswald et al. 2023, arXiv 2212.07677; Ahn et al. 2023, arXiv 2306.00297.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel, squared_error
        >>> model = DualModel.untrained(jnp.ones((1, 1)), jnp.array([[8.0]]), objective=squared_error)
        >>> FullBatchDescent(model, steps=3, learning_rate=0.5).train().tolist()
        [[7.0]]
    """

    model: DualModel
    ridge: float | Float[Array, ""] | None = None
    preconditioner: Float[Array, "r r"] | None = None
    steps: int = struct.field(pytree_node=False, default=1)
    learning_rate: float | Float[Array, ""] = 1.0
    momentum: float | Float[Array, ""] | None = None
    nesterov: bool = struct.field(pytree_node=False, default=False)
    context: Float[Array, " n"] | None = None

    @property
    def initial_weights(self) -> Float[Array, "dv r"]:
        """W_0."""
        return self.model.initial_weights

    @property
    def data(self) -> TrainingSet:
        """The tokens and how much each counts."""
        return self.model.data

    @property
    def kernel(self) -> Kernel:
        """The kernel of the features."""
        return self.model.kernel

    @property
    def initial(self) -> Float[Array, "dv r"]:
        """W_0."""
        return self.model.initial_weights

    def loss(self, weights: Float[Array, "dv r"]) -> Float[Array, ""]:
        """The objective on the whole training set, with the ridge."""
        return self._loss(weights, *self.data)

    def gradient(
        self,
        weights: Float[Array, "dv r"],
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n dv"],
        sample_weights: Float[Array, " n"],
    ) -> Float[Array, "dv r"]:
        """The gradient of the objective on a batch, with the ridge."""
        wide, *batch = widen(weights, inputs, targets, sample_weights)
        return narrow(jax.grad(self._loss)(wide, *batch), weights)

    def _loss(
        self,
        weights: Float[Array, "dv r"],
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n dv"],
        sample_weights: Float[Array, " n"],
    ) -> Float[Array, ""]:
        error = self.model.loss(weights, inputs, targets, sample_weights)
        return error if self.ridge is None else error + ridge_penalty(weights, self.ridge)

    def optimiser(self) -> optax.GradientTransformation:
        """Gradient descent, preconditioned and with momentum where there are any."""
        sgd = optax.sgd(self.learning_rate, self.momentum, self.nesterov)  # pyright: ignore[reportArgumentType]
        return sgd if self.preconditioner is None else optax.chain(preconditioned(self.preconditioner), sgd)

    def train(self) -> Float[Array, "dv r"]:
        """The weights after T steps, in the format of W_0."""
        optimiser = self.optimiser()
        (initial,) = widen(self.initial_weights)

        def one(carry: OnlineState, _: None) -> tuple[OnlineState, None]:
            return step(self.loss, carry[0], optimiser, carry[1]), None

        carry, _ = jax.lax.scan(one, (initial, optimiser.init(initial)), None, length=self.steps)
        return narrow(jnp.asarray(carry[0]), self.initial_weights)

    def train_zero_shot(self) -> Float[Array, "dv r"]:
        """The weights after T steps on the query's own tokens alone."""
        return replace(self, model=replace(self.model, sample_weights=self.context)).train()

    def predict(self, weights: Float[Array, "dv r"], x: Float[Array, "t d"]) -> Float[Array, "t _"]:
        """The test outputs f_W(x) of the test points x."""
        return self.model.predict(weights, x)


def inverse_moment(
    features: Float[Array, "n r"], ridge: Float[Array, ""] | float, weights: Float[Array, " n"] | None = None
) -> Float[Array, "r r"]:
    r"""$(\lambda I + \sum_i s_i\,x_ix_i^\top)^{-1}$, one Sherman-Morrison update a row.

    Args:
        features: x_i.
        ridge: lambda > 0.
        weights: s_i; ones unless given.

    Examples:
        >>> import jax.numpy as jnp
        >>> inverse_moment(jnp.eye(2), 1.0).tolist()
        [[0.5, 0.0], [0.0, 0.5]]
    """
    rows, counted = widen(features, weights)

    def row(
        inverse: Float[Array, "r r"], sample: tuple[Float[Array, " r"], Float[Array, ""]]
    ) -> tuple[Float[Array, "r r"], None]:
        x, weight = sample
        image = inverse @ x
        return inverse - jnp.outer(weight * image, image) / (1 + weight * jnp.vdot(x, image)), None

    start = jnp.eye(rows.shape[1], dtype=rows.dtype) / ridge
    return narrow(jax.lax.scan(row, start, (rows, weights_or_ones(counted, rows)))[0], features)
