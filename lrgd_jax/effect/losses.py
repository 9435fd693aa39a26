"""The test loss as a function of one number a demonstration: what every attribution takes apart."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.model import DecoderParams, apply, check_length
from lrgd_jax.dual.roles import segments_of

__all__ = ["Control", "DualLoss", "FunctionLoss", "GatedLoss", "PromptLoss", "half_squared_error"]

Control: TypeAlias = Literal["rates", "contributions"]
"""What the numbers are in a decoder: learning rates eta, or gates c of the contributions."""


@runtime_checkable
class GatedLoss(Protocol):
    """A pytree that maps one number a demonstration to a loss; all zero is zero-shot, all one is few-shot."""

    @property
    def demonstrations(self) -> int:
        """How many there are."""
        ...

    @property
    def dtype(self) -> Any:
        """Of the numbers and of the loss."""
        ...

    def __call__(self, gates: Float[Array, " N"]) -> Float[Array, ""]:
        """The loss."""
        ...


def half_squared_error(output: Float[Array, " o"], target: Float[Array, " o"]) -> Float[Array, ""]:
    r"""$\tfrac12\|y - o\|^2$."""
    return jnp.sum((target - output) ** 2) / 2


@struct.dataclass
class FunctionLoss:
    """Any function of the gates.

    Attributes:
        function: gates to loss; a plain function or a pytree that can be called.
        demonstrations: how many gates it takes.
        dtype: of the gates.
    """

    function: Callable[[Float[Array, " N"]], Float[Array, ""]]
    demonstrations: int = struct.field(pytree_node=False)
    dtype: Any = struct.field(pytree_node=False, default=jnp.float32)

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
    """

    model: Any
    point: Float[Array, " d"]
    target: Float[Array, " o"]
    loss: Callable = struct.field(pytree_node=False, default=half_squared_error)

    @property
    def demonstrations(self) -> int:
        """How many there are."""
        return self.model.inputs.shape[0]

    @property
    def dtype(self) -> Any:
        """Of the model's targets."""
        return self.model.targets.dtype

    def __call__(self, gates: Float[Array, " N"]) -> Float[Array, ""]:
        """The loss where each demonstration's sample weight is multiplied by its rate."""
        given = self.model.sample_weights
        model = replace(self.model, sample_weights=gates if given is None else gates * given)
        return self.loss(model.predict(model.train(), self.point[None])[0], self.target)


@struct.dataclass
class PromptLoss:
    r"""The mean negative log likelihood of the target tokens of a prompt, in nats.

    $$\ell(\eta) = -\frac1{|A|}\sum_{t\in A}\log p_\eta(x_t \mid x_{<t})$$

    Build it by `PromptLoss.of`, which checks what it is given.

    Attributes:
        params: of the decoder.
        tokens: the whole prompt, target included.
        segments: of each token.
        counted: one at the target's tokens A, else zero.
        config: the decoder.
        control: what the numbers are.
        always_seen: the first so many segments keep the number one, such as the token that begins the text; they
            are no demonstrations.
    """

    params: DecoderParams
    tokens: Int[Array, " n"]
    segments: Int[Array, " n"]
    counted: Float[Array, " n"]
    config: DecoderConfig = struct.field(pytree_node=False)
    demonstrations: int = struct.field(pytree_node=False)
    control: Control = struct.field(pytree_node=False, default="rates")
    always_seen: int = struct.field(pytree_node=False, default=0)

    @classmethod
    def of(
        cls,
        params: DecoderParams,
        config: DecoderConfig,
        tokens: Int[Array, " n"],
        segments: Int[Array, " n"],
        target: tuple[int, int],
        *,
        control: Control = "rates",
        always_seen: int = 0,
    ) -> "PromptLoss":
        """The loss of a prompt.

        Args:
            params: of the decoder.
            config: the decoder.
            tokens: the whole prompt, target included.
            segments: of each token, from `lrgd_jax.decoder.split_tokens` or `split_text`; the last is the query.
            target: (start, end) of the tokens whose likelihood counts, end excluded, within the query.
            control: "rates" or "contributions".
            always_seen: how many segments at the start are no demonstrations.

        Raises:
            ValueError: too many tokens for the context, segments that do not fit, no demonstration, or a target that
                is empty or reaches outside the query.
        """
        n = tokens.shape[0]
        check_length(config, n)
        segments = segments_of(n, segments)
        numbers = np.asarray(segments)
        if sorted(set(numbers.tolist())) != list(range(int(numbers[-1]) + 1)):
            raise ValueError(f"segments must be numbered 0, 1, … without a gap, got {sorted(set(numbers.tolist()))}")
        found = int(numbers[-1]) - always_seen
        if always_seen < 0 or found < 1:
            raise ValueError(
                f"the prompt has {numbers[-1]} segments before its query, of which {always_seen} are always seen: "
                "at least one demonstration is needed"
            )
        if control not in ("rates", "contributions"):
            raise ValueError(f'control must be "rates" or "contributions", got {control!r}')
        start, end = target
        if start >= end:
            raise ValueError(f"the target is empty: it starts at token {start} and ends at {end}; give it one or more")
        query = int(np.searchsorted(numbers, numbers[-1]))
        if not max(query, 1) <= start < end <= n:
            raise ValueError(f"the target (tokens {start} to {end}) must lie within the query (tokens {query} to {n})")
        at = jnp.arange(n)
        counted = ((at >= start) & (at < end)).astype(params.embedding.dtype)
        return cls(params, tokens, segments, counted, config, found, control, always_seen)

    @property
    def dtype(self) -> Any:
        """Of the weights, hence of the loss."""
        return self.params.embedding.dtype

    def __call__(self, gates: Float[Array, " N"]) -> Float[Array, ""]:
        """The loss at given rates or gates."""
        every = jnp.concatenate([jnp.ones(self.always_seen, gates.dtype), gates])
        logits = apply(self.params, self.config, self.tokens, segments=self.segments, **{self.control: every})
        likelihoods = jnp.take_along_axis(jax.nn.log_softmax(logits[:-1]), self.tokens[1:, None], axis=1)[:, 0]
        return -jnp.sum(self.counted[1:] * likelihoods) / jnp.sum(self.counted)
