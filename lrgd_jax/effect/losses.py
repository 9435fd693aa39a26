"""The test loss as a function of one number a demonstration: what every attribution takes apart."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from flax import struct
from jax.typing import DTypeLike
from jaxtyping import Array, Float

__all__ = ["DualLoss", "FunctionLoss", "GatedLoss", "half_squared_error"]


@runtime_checkable
class GatedLoss(Protocol):
    """A pytree that maps one number a demonstration to a loss; all zero is zero-shot, all one is few-shot.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, GatedLoss
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> isinstance(loss, GatedLoss), loss.demonstrations
        (True, 2)
    """

    @property
    def demonstrations(self) -> int:
        """How many there are."""
        ...

    @property
    def dtype(self) -> DTypeLike:
        """Of the numbers and of the loss."""
        ...

    def __call__(self, gates: Float[Array, " N"]) -> Float[Array, ""]:
        """The loss."""
        ...


def half_squared_error(output: Float[Array, " o"], target: Float[Array, " o"]) -> Float[Array, ""]:
    r"""Half the squared distance, $\tfrac12\|y - o\|^2$.

    Args:
        output: o.
        target: y.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import half_squared_error
        >>> float(half_squared_error(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])))
        2.0
    """
    return jnp.sum((target - output) ** 2) / 2


@struct.dataclass
class FunctionLoss:
    """Any function of the gates.

    Attributes:
        function: gates to loss; a plain function or a pytree that can be called.
        demonstrations: how many gates it takes.
        dtype: of the gates.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> float(loss(jnp.ones(2)))
        1.0
    """

    function: Callable[[Float[Array, " N"]], Float[Array, ""]]
    demonstrations: int = struct.field(pytree_node=False)
    dtype: DTypeLike = struct.field(pytree_node=False, default=jnp.float32)

    def __post_init__(self) -> None:
        if self.demonstrations < 1:
            raise ValueError(f"FunctionLoss: at least one demonstration is needed, got {self.demonstrations}")
        if not isinstance(self.function, jax.tree_util.Partial) and callable(self.function):
            object.__setattr__(self, "function", jax.tree_util.Partial(self.function))

    def __call__(self, gates: Float[Array, " N"]) -> Float[Array, ""]:
        """The function's value."""
        return self.function(gates)


@struct.dataclass
class DualLoss:
    """The loss of a dual model at a test point, after the step that the demonstrations induce at given rates.

    Attributes:
        model: a `DualModel` or a `FunctionalDual`: where it starts, and the demonstrations, its training set.
        point: the test point.
        target: y.
        loss: (output, y) -> loss.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.effect import DualLoss
        >>> model = DualModel.untrained(jnp.eye(2), jnp.array([[1.0], [3.0]]))
        >>> loss = DualLoss(model, point=jnp.array([1.0, 1.0]), target=jnp.array([4.0]))
        >>> float(loss(jnp.zeros(2))), float(loss(jnp.ones(2)))  # before and after the step
        (8.0, 0.0)
    """

    model: Any
    point: Float[Array, " d"]
    target: Float[Array, " o"]
    loss: Callable[[Float[Array, " o"], Float[Array, " o"]], Float[Array, ""]] = struct.field(
        pytree_node=False, default=half_squared_error
    )

    @property
    def demonstrations(self) -> int:
        """How many there are."""
        return self.model.inputs.shape[0]

    @property
    def dtype(self) -> DTypeLike:
        """Of the model's targets."""
        return self.model.targets.dtype

    def __call__(self, gates: Float[Array, " N"]) -> Float[Array, ""]:
        """The loss where each demonstration's sample weight is multiplied by its rate."""
        weights = self.model.sample_weights
        model = replace(self.model, sample_weights=gates if weights is None else gates * weights)
        return self.loss(model.predict(model.train(), self.point[None])[0], self.target)
