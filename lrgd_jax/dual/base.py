"""What every dual model is: a training set, weights to start from, a gradient, training and prediction.

`Dual` is the interface, which tells nothing of how a model is represented. `OneStepDual` is a dual whose attention is
one gradient step on a written loss: `DualModel`, a matrix on features, and `FunctionalDual`, a function of an RKHS.
Both have coordinates in which sums, differences and multiples are those of the models they stand for, so that
regularisers and perturbations can be written once.

Whatever the format of the tokens, a model is trained in float32 at least. The weights come in the format of those that
training starts from, float32 at least where `dual_of` builds the model; predictions in that of the test points.
"""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.display import HtmlDisplay, short_repr
from lrgd_jax.dual.objectives import Objective
from lrgd_jax.dual.projective import projective_readout
from lrgd_jax.kernels import gram
from lrgd_jax.precision import widen
from lrgd_jax.types import Kernel

__all__ = [
    "Coordinates",
    "Dual",
    "OneStepDual",
    "OneStepModel",
    "TrainingSet",
    "weights_or_ones",
]

Weights = TypeVar("Weights")
"""What training changes: W of a finite model, f of a functional one."""

OneStep = TypeVar("OneStep", bound="OneStepDual[Any]")
"""A kind of one-step dual. `Self` says the same, but beartype takes it in classes that it decorates whole only."""

Coordinates: TypeAlias = Float[Array, "_ _"]
"""W of a `DualModel`, shape [u, r]; coefficients of a `FunctionalDual`, shape [c + n, u]."""


class TrainingSet(NamedTuple):
    """The demonstrations as a dual model reads them.

    Attributes:
        inputs: x_i, shape [n, d].
        targets: y_i, shape [n, u].
        sample_weights: s_i, shape [n].

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> DualModel.untrained(jnp.eye(2), jnp.ones((2, 1))).data.sample_weights.tolist()
        [1.0, 1.0]
    """

    inputs: Float[Array, "n d"]
    targets: Float[Array, "n u"]
    sample_weights: Float[Array, " n"]


class Dual(HtmlDisplay, ABC, Generic[Weights]):
    """A dual model: attention's output for a query is its test prediction after training.

    Implementations are final: `DualModel`, `FunctionalDual`, `OnlineDescent`, `FullBatchDescent`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> model = DualModel.untrained(jnp.eye(2), jnp.array([[3.0], [5.0]]))
        >>> isinstance(model, Dual), model.predict(model.train(), jnp.ones((1, 2))).tolist()
        (True, [[8.0]])
    """

    def __repr__(self) -> str:
        return short_repr(self)

    @property
    @abstractmethod
    def data(self) -> TrainingSet:
        """The training set; sample weights are ones unless the model has others."""

    @property
    @abstractmethod
    def kernel(self) -> Kernel:
        """The kernel of the model's features or of its space of functions."""

    @property
    @abstractmethod
    def initial(self) -> Weights:
        """W_0 or f_0, where training starts."""

    @abstractmethod
    def gradient(
        self,
        weights: Weights,
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n u"],
        sample_weights: Float[Array, " n"],
    ) -> Weights:
        """The gradient of the loss on a batch, taken by `jax.grad` at `weights`."""

    @abstractmethod
    def train(self) -> Weights:
        """The weights after the model's own steps on its training set."""

    def train_zero_shot(self) -> Weights:
        """The weights that know the query's own tokens alone; those that training starts from unless said otherwise."""
        return self.initial

    @abstractmethod
    def predict(self, weights: Weights, x: Float[Array, "t d"]) -> Float[Array, "t _"]:
        """The test outputs of the test points x."""

    def zero_shot(self, x: Float[Array, "t d"]) -> Float[Array, "t _"]:
        """The test outputs without the demonstrations."""
        return self.predict(self.train_zero_shot(), x)


class OneStepDual(Dual[Weights]):
    """A dual whose attention is one gradient step on a written loss, of weights that have linear coordinates.

    Attributes:
        inputs: x_i, shape [n, d].
        targets: y_i, shape [n, u].
        sample_weights: s_i, shape [n]; ones unless given.
        learning_rate: eta.
        objective: the loss; `alignment(learning_rate)` unless given.
        projective: predictions (a; b) are read as a / b.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel, FunctionalDual
        >>> finite = DualModel.untrained(jnp.eye(2), jnp.ones((2, 1)))
        >>> functional = FunctionalDual.untrained(jnp.eye(2), jnp.ones((2, 1)), projective=False)
        >>> [model.initial_coordinates.shape for model in (finite, functional)]
        [(1, 2), (2, 1)]
    """

    inputs: Float[Array, "n d"]
    targets: Float[Array, "n u"]
    sample_weights: Float[Array, " n"] | None
    learning_rate: float
    objective: Objective | None
    projective: bool

    @property
    def data(self) -> TrainingSet:
        """The training set, in float32 at least; sample weights are ones unless the model has others."""
        inputs, targets, sample_weights = widen(self.inputs, self.targets, self.sample_weights)
        return TrainingSet(inputs, targets, weights_or_ones(sample_weights, targets))

    def replace(self: OneStep, **changes: object) -> OneStep:
        """The model with other attributes."""
        return replace(self, **changes)  # pyright: ignore[reportArgumentType, reportType] (both are dataclasses)

    @property
    @abstractmethod
    def initial_coordinates(self) -> Coordinates:
        """The coordinates of W_0 or f_0."""

    @abstractmethod
    def coordinate_gradient(self, coordinates: Coordinates, sample_weights: Float[Array, " n"]) -> Coordinates:
        """The gradient of the loss on the training set with other sample weights, in coordinates."""

    @abstractmethod
    def gradient_norms(self, gradients: Float[Array, "n _ _"]) -> Float[Array, " n"]:
        """The norm of each demonstration's own gradient, given in coordinates: Frobenius, or that of the RKHS."""

    @abstractmethod
    def raw_output(self, coordinates: Coordinates, point: Float[Array, " d"]) -> Float[Array, " u"]:
        """The prediction at one test point before any ratio is taken."""

    @abstractmethod
    def distance(self, one: Weights, other: Weights) -> Float[Array, ""]:
        """How far two models lie apart, in the Frobenius norm or that of the RKHS."""

    @abstractmethod
    def context(self) -> tuple[Float[Array, "c d"], Float[Array, "c u"]]:
        """The tokens that W_0 or f_0 is a kernel sum of, and their coefficients; none where it is zero.

        Raises:
            ValueError: the model does not know them.
        """

    @abstractmethod
    def in_range(self, point: Float[Array, " d"]) -> "OneStepDual[Weights]":
        """The same model, its kernel shifted where it could overflow at a test point, which no ratio sees."""

    def similarities(self, point: Float[Array, " d"]) -> Float[Array, " n"]:
        """The kernel between a test point and every training input."""
        return gram(self.kernel, point[None], self.inputs)[0]

    def readout(self, outputs: Float[Array, "*t u"]) -> Float[Array, "*t _"]:
        """The predictions as the model reads them: (a; b) -> a / b where it is projective."""
        return projective_readout(outputs) if self.projective else outputs


OneStepModel: TypeAlias = OneStepDual[Any]
"""A `DualModel` or a `FunctionalDual`."""


def weights_or_ones(weights: Float[Array, " n"] | None, rows: Float[Array, "n _"]) -> Float[Array, " n"]:
    """The weights, or where there are none a one for each row, in the dtype of the rows."""
    return jnp.ones(rows.shape[:1], rows.dtype) if weights is None else weights
