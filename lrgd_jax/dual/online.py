"""A dual model that learns its tokens one after another: the fast weights of the delta rule, retention and the like."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import replace
from typing import TypeAlias

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from flax import struct
from jaxtyping import Array, Bool, Float

from lrgd_jax.dual.base import Dual, TrainingSet
from lrgd_jax.dual.descent import step
from lrgd_jax.dual.finite import DualModel, OnlineState
from lrgd_jax.dual.objectives import ridge_penalty
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import Kernel

__all__ = ["OnlineDescent"]

_Carry: TypeAlias = tuple[Float[Array, "dv r"], Float[Array, "dv r"], optax.OptState]
"""The weights, those at the start of the minibatch, and the optimiser's state."""

_Token: TypeAlias = tuple[
    tuple[Float[Array, "1 ..."], ...], Float[Array, "..."] | None, Float[Array, ""] | None, Bool[Array, ""]
]
"""A training set of one, what is kept before it, whether it is learnt, and whether it starts a minibatch."""


@struct.dataclass(repr=False)
class OnlineDescent(Dual[Float[Array, "dv r"]]):
    r"""Online descent on the training set of a model, token by token in its order.

    $$\tilde W_t = W_{t-1} - \nabla R_t(W_{t-1}),\qquad W_t = \tilde W_t - \eta\nabla L_t(A_t),\qquad
    R_t(W) = \tfrac12\|W\,\mathrm{diag}(1-a_t)^{1/2}\|^2$$

    Both gradients are taken by `jax.grad`. The gradient of token t is taken at $A_t = \tilde W_t$, the decayed weights,
    or with minibatches at the weights before the first token of its batch.

    Attributes:
        model: W_0, the tokens, the objective (alignment, squared error); its sample weights are the write strengths.
        retention: a_t, what is kept before each step, shape [n], [n, 1] or [n, r]; all unless given.
        momentum: mu of the steps; none unless given.
        nesterov: Nesterov's momentum in place of the heavy ball.
        batch: tokens of an inner minibatch, whose gradients are all taken at its start; not with `retention`.
        seen: one where a token is learnt, zero where it is passed over; all unless given.
        context: the same for the zero-shot weights, which learn the query's own tokens alone.

    Source: Schlag et al. 2021, arXiv 2102.11174, section 4.2; Yang et al. 2024, arXiv 2412.06464, section 3.1;
    minibatches: Sun et al. 2024, arXiv 2407.04620, section 2.4.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel, squared_error
        >>> key, values = jnp.ones((2, 1)), jnp.array([[3.0], [7.0]])
        >>> online = OnlineDescent(DualModel.untrained(key, values, objective=squared_error))
        >>> online.trajectory().ravel().tolist()  # the delta rule: the second value replaces the first
        [3.0, 7.0]
    """

    model: DualModel
    retention: Float[Array, " n"] | Float[Array, "n _"] | None = None
    momentum: float | Float[Array, ""] | None = None
    nesterov: bool = struct.field(pytree_node=False, default=False)
    batch: int = struct.field(pytree_node=False, default=1)
    seen: Float[Array, " n"] | None = None
    context: Float[Array, " n"] | None = None

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"OnlineDescent: a minibatch holds at least one token, got batch={self.batch}")
        if self.batch > 1 and self.retention is not None:
            raise ValueError("OnlineDescent: minibatches together with retention are not defined; choose one of them")

    @property
    def data(self) -> TrainingSet:
        """The tokens in their order and their write strengths."""
        return self.model.data

    @property
    def kernel(self) -> Kernel:
        """The kernel of the features."""
        return self.model.kernel

    @property
    def initial(self) -> Float[Array, "dv r"]:
        """W_0."""
        return self.model.initial_weights

    def gradient(
        self,
        weights: Float[Array, "dv r"],
        inputs: Float[Array, "n d"],
        targets: Float[Array, "n dv"],
        sample_weights: Float[Array, " n"],
    ) -> Float[Array, "dv r"]:
        """The gradient of the objective on a batch, without the decay."""
        return self.model.gradient(weights, inputs, targets, sample_weights)

    def trajectory(self) -> Float[Array, "n dv r"]:
        """The weights after each token, in the format of W_0."""
        return self._scan()[1]

    def train(self) -> Float[Array, "dv r"]:
        """The weights after the last token."""
        return self._scan()[0]

    def train_zero_shot(self) -> Float[Array, "dv r"]:
        """The weights that have learnt the query's own tokens alone: what they would be without demonstrations.

        Steps on a squared error do not commute, so these are not where the training on the demonstrations starts.
        """
        return replace(self, seen=self.context).train()

    def predict(self, weights: Float[Array, "dv r"], x: Float[Array, "t d"]) -> Float[Array, "t _"]:
        """The test outputs f_W(x) of the test points x."""
        return self.model.predict(weights, x)

    def _scan(self) -> tuple[Float[Array, "dv r"], Float[Array, "n dv r"]]:
        model, n = self.model, self.model.inputs.shape[0]
        samples = tuple(x[:, None] for x in self.data)
        starts = jnp.arange(n) % self.batch == 0

        def token(carry: _Carry, data: _Token) -> tuple[_Carry, Float[Array, "dv r"]]:
            weights, anchor, state = carry
            sample, kept, seen, starts = data
            anchor = weights if self.batch == 1 else jnp.where(starts, weights, anchor)
            learnt = self._token((weights, state), anchor, sample, kept)
            if seen is not None:
                learnt = jax.tree.map(lambda new, old: jnp.where(seen > 0, new, old), learnt, (weights, state))
            weights, state = learnt
            return (weights, anchor, state), weights

        w, retention = widen(model.initial_weights, self.retention)
        tokens = (samples, retention, self.seen, starts)
        carry, trajectory = jax.lax.scan(token, (w, w, self._optimiser().init(w)), tokens)
        start = model.initial_weights
        return narrow(carry[0], start), narrow(jnp.asarray(trajectory), start)

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.sgd(self.model.learning_rate, self.momentum, self.nesterov)  # pyright: ignore[reportArgumentType]

    def _token(
        self,
        before: OnlineState,
        anchor: Float[Array, "dv r"],
        sample: tuple[Float[Array, "1 ..."], ...],
        kept: Float[Array, "..."] | None,
    ) -> OnlineState:
        """The weights and the optimiser's state after one token."""
        (weights, state), loss, optimiser = before, self.model.loss, self._optimiser()
        if self.batch > 1:
            moved, state = step(loss, anchor, optimiser, state, *sample)
            return weights + (moved - anchor), state
        if kept is not None:
            shrink = optax.sgd(1.0)
            weights, _ = step(ridge_penalty, weights, shrink, shrink.init(weights), 1 - kept)
        return step(loss, weights, optimiser, state, *sample)
