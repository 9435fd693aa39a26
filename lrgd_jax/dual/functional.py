"""The functional dual: a model that is a function in a reproducing kernel Hilbert space, trained by its gradient.

Softmax attention needs no approximation of its kernel by features: its dual lives in the space of
kappa(x, y) = exp(s x'y), as an expansion over the keys.
"""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.display import HtmlDisplay, short_repr
from lrgd_jax.dual.base import Coordinates, OneStepDual
from lrgd_jax.dual.descent import decayed_sgd
from lrgd_jax.dual.finite import OnlineState, check_rows, online_batches
from lrgd_jax.dual.objectives import Objective, alignment
from lrgd_jax.kernels import ExponentialKernel, expansion_norm, gram, shift_in_range
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import Kernel

__all__ = ["FunctionalDual", "KernelExpansion"]


@struct.dataclass(repr=False)
class KernelExpansion(HtmlDisplay):
    r"""A function in the RKHS, $f(x) = \sum_j c_j\,\kappa(z_j, x)$.

    Attributes:
        centres: z_j, shape [c, d].
        coefficients: c_j, shape [c, u].
        kernel: kappa.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.features import identity
        >>> from lrgd_jax.kernels import kernel_of
        >>> f = KernelExpansion(jnp.eye(2), jnp.array([[3.0], [5.0]]), kernel_of(identity))
        >>> f(jnp.array([[1.0, 2.0]])).tolist()
        [[13.0]]
    """

    centres: Float[Array, "c d"]
    coefficients: Float[Array, "c u"]
    kernel: Kernel = ExponentialKernel()

    def __repr__(self) -> str:
        return short_repr(self)

    def __call__(self, x: Float[Array, "t d"]) -> Float[Array, "t u"]:
        """The values of f at the points x."""
        points, centres, coefficients = widen(x, self.centres, self.coefficients)
        return narrow(gram(self.kernel, points, centres) @ coefficients, x)

    def __add__(self, other: "KernelExpansion") -> "KernelExpansion":
        """The sum of two functions of the same space; over the same centres if they share them, else over both."""
        own, others = widen(self.coefficients, other.coefficients)
        if self.centres is other.centres:
            total = narrow(own + others, self.coefficients, other.coefficients)
            return KernelExpansion(self.centres, total, self.kernel)
        if self.centres.shape[0] == 0:
            return other
        centres = jnp.concatenate(widen(self.centres, other.centres))
        return KernelExpansion(
            narrow(centres, self.centres, other.centres),
            narrow(jnp.concatenate([own, others]), self.coefficients, other.coefficients),
            self.kernel,
        )


@struct.dataclass(repr=False)
class FunctionalDual(OneStepDual[KernelExpansion]):
    r"""A function f_0 with its training set; softmax attention is its prediction after one functional step.

    $$f_1 = f_0 - \eta\,\nabla L(f_0),\qquad L(f) = \ell\big([f(x_i)]_i, [y_i]_i, [s_i]_i\big),\qquad
    \nabla L(f) = \sum_i \frac{\partial\ell}{\partial f(x_i)}\,\kappa(x_i, \cdot)$$

    The last formula is Riesz's: L sees f only through its values at the training inputs, and
    f(x_i) = <f, kappa(x_i, .)>. So `jax.grad` of the written loss with respect to those values gives the
    coefficients of the gradient, whether or not the Gram matrix is singular.

    Attributes:
        initial_function: f_0.
        inputs: x_i, the keys of the demonstrations, shape [n, d].
        targets: y_i, shape [n, u]; [v_i; 1] for softmax attention.
        sample_weights: s_i, shape [n]; ones unless given.
        learning_rate: eta.
        objective: the loss; `alignment(learning_rate)` unless given.
        projective: predictions (a; b) are read as a / b.

    Source: functional gradients: Mason et al. 1999, "Boosting algorithms as gradient descent in function space";
    attention as a kernel smoother: Tsai et al. 2019, arXiv 1908.11775.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import projective_targets
        >>> keys, values = jnp.zeros((2, 3)), jnp.array([[1.0], [5.0]])
        >>> model = FunctionalDual.untrained(keys, projective_targets(values))
        >>> model.predict(model.train(), jnp.ones((1, 3))).tolist()  # softmax attention: equal logits, the mean
        [[3.0]]
    """

    initial_function: KernelExpansion
    inputs: Float[Array, "n d"]
    targets: Float[Array, "n u"]
    sample_weights: Float[Array, " n"] | None = None
    learning_rate: float = struct.field(pytree_node=False, default=1.0)
    objective: Objective | None = struct.field(pytree_node=False, default=None)
    projective: bool = struct.field(pytree_node=False, default=True)

    def __post_init__(self) -> None:
        check_rows("FunctionalDual", self.inputs, self.targets, self.sample_weights)

    @classmethod
    def untrained(
        cls,
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n u"],
        *,
        kernel: Kernel | None = None,
        sample_weights: Float[Array, " n"] | None = None,
        learning_rate: float = 1.0,
        objective: Objective | None = None,
        projective: bool = True,
    ) -> "FunctionalDual":
        """A model that starts from f_0 = 0, an expansion over no centres; the arguments are the attributes."""
        kernel = ExponentialKernel() if kernel is None else kernel
        nowhere = KernelExpansion(inputs[:0], targets[:0], kernel)
        return cls(nowhere, inputs, targets, sample_weights, learning_rate, objective, projective)

    def gradient(
        self,
        weights: KernelExpansion,
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n u"],
        sample_weights: Float[Array, " n"],
    ) -> KernelExpansion:
        """The gradient of L at a function: an expansion over the training inputs."""
        objective = alignment(self.learning_rate) if self.objective is None else self.objective
        coefficients = jax.grad(objective)(weights(inputs), targets, sample_weights)
        return KernelExpansion(inputs, coefficients, weights.kernel)

    def train(self) -> KernelExpansion:
        """One functional gradient step on the whole training set: f_1."""
        optimiser = optax.sgd(self.learning_rate)
        gradient = self.gradient(self.initial_function, *self.data)
        update, _ = optimiser.update(gradient.coefficients, optimiser.init(gradient.coefficients))
        step = narrow(update, self.targets)  # pyright: ignore[reportArgumentType]
        return self.initial_function + KernelExpansion(self.inputs, step, self.initial_function.kernel)

    def train_online(
        self, *, retention: float | Float[Array, ""] | None = None, window: int | None = None
    ) -> Float[Array, "n n u"]:
        r"""One functional step on each demonstration in turn, from f = 0.

        $$f_t = \rho f_{t-1} - \eta\nabla L_t(f_{t-1})\;[\,+ \rho^{w}\,\eta\nabla L_{t-w}\,]$$

        Args:
            retention: rho = 1 - eta lambda, the weight decay of each step; no decay unless given.
            window: w; the step of the demonstration that leaves the window is subtracted.

        Returns:
            The coefficients over the training inputs after each step: [t, j] belongs to input j after t + 1 steps.
        """
        optimiser = decayed_sgd(self.learning_rate, retention)
        n = self.inputs.shape[0]
        tokens = self.data
        rows = jnp.eye(n, dtype=tokens.targets.dtype)
        batches = online_batches((tokens.inputs, tokens.targets, rows, tokens.sample_weights), retention, window)

        def token(carry: OnlineState, batch: tuple[Array, ...]) -> tuple[OnlineState, Array]:
            coefficients, state = carry
            inputs, targets, positions, sample_weights = batch
            function = KernelExpansion(tokens.inputs, coefficients, self.initial_function.kernel)
            gradient = self.gradient(function, inputs, targets, sample_weights).coefficients
            # the batch's centres are training inputs, so its coefficients go to their rows
            update, state = optimiser.update(positions.T @ gradient, state, coefficients)
            coefficients = jnp.asarray(optax.apply_updates(coefficients, update))
            return (coefficients, state), coefficients

        start = jnp.zeros_like(tokens.targets)
        _, trajectory = jax.lax.scan(token, (start, optimiser.init(start)), batches)
        return narrow(jnp.asarray(trajectory), self.targets)

    @property
    def kernel(self) -> Kernel:
        """The kernel of the space that f_0 lives in."""
        return self.initial_function.kernel

    @property
    def initial(self) -> KernelExpansion:
        """f_0."""
        return self.initial_function

    def predict(self, weights: KernelExpansion, x: Float[Array, "t d"]) -> Float[Array, "t _"]:
        """The test outputs f(x) of the test points x; with `projective`, read as a / b."""
        return self.readout(weights(x))

    @property
    def initial_coordinates(self) -> Coordinates:
        """The coefficients of f_0, then zeros: one row a centre of f_0, one a training input."""
        return jnp.concatenate([self.initial_function.coefficients, jnp.zeros_like(self.targets)])

    def coordinate_gradient(self, coordinates: Coordinates, sample_weights: Float[Array, " n"]) -> Coordinates:
        """The coefficients of the gradient of the loss with other sample weights; zeros over the centres of f_0."""
        gradient = self.gradient(self._function(coordinates), self.inputs, self.targets, sample_weights)
        return jnp.concatenate([jnp.zeros_like(self.initial_function.coefficients), gradient.coefficients])

    def gradient_norms(self, gradients: Float[Array, "n _ _"]) -> Float[Array, " n"]:
        """The norm in the RKHS of each demonstration's own gradient, whose one centre is the demonstration."""
        squares = jnp.sum(gradients**2, axis=(1, 2))
        return jnp.sqrt(squares * jax.vmap(lambda x: self.kernel(x, x))(self.inputs))

    def raw_output(self, coordinates: Coordinates, point: Float[Array, " d"]) -> Float[Array, " u"]:
        """f(x) at one test point, before any ratio is taken."""
        return self._function(coordinates)(point[None])[0]

    def distance(self, one: KernelExpansion, other: KernelExpansion) -> Float[Array, ""]:
        """The norm of the difference in the RKHS."""
        centres = jnp.concatenate([one.centres, other.centres])
        return expansion_norm(self.kernel, centres, jnp.concatenate([one.coefficients, -other.coefficients]))

    def context(self) -> tuple[Float[Array, "c d"], Float[Array, "c u"]]:
        """The centres and coefficients of f_0."""
        return self.initial_function.centres, self.initial_function.coefficients

    def in_range(self, point: Float[Array, " d"]) -> "FunctionalDual":
        """The same model, its kernel shifted so that no value at the test point exceeds one."""
        kernel = shift_in_range(self.kernel, self.inputs, point)
        return replace(self, initial_function=replace(self.initial_function, kernel=kernel))

    def _function(self, coordinates: Coordinates) -> KernelExpansion:
        start = self.initial_function
        return KernelExpansion(jnp.concatenate([start.centres, self.inputs]), coordinates, start.kernel)
