"""The loss of a real decoder at the target of a prompt, as a function of one number a demonstration."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import replace
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates
from lrgd_jax.decoder.forward import check_length, hidden_states, read_logits
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.dual.token_roles import segments_of

__all__ = ["Control", "PromptLoss"]

Control: TypeAlias = Literal["rates", "contributions"]
"""What the numbers are in a decoder: learning rates eta, or gates c of the contributions."""


@struct.dataclass
class GatesAfterPreamble(DemonstrationGates):
    """Gates of which the first segments count as every query's own, such as the token that begins the text."""

    always_seen: int = struct.field(pytree_node=False, default=0)

    def own(self, queries: int) -> Bool[Array, "t n"]:
        """Which tokens belong to the segment of each query, come after it, or are always seen."""
        return super().own(queries) | (self.segments < self.always_seen)[None, :]


@struct.dataclass
class PromptLoss:
    r"""The mean negative log likelihood of the target tokens of a prompt, in nats.

    $$\ell(\eta) = -\frac1{|A|}\sum_{t\in A}\log p_\eta(x_t \mid x_{<t})$$

    Build it by `PromptLoss.of`, which checks what it is given. Logits are computed at the target alone.

    Attributes:
        params: of the decoder.
        tokens: the whole prompt, target included, and padding where there is some.
        segments: of each token; padding belongs to the query.
        places: of the tokens whose likelihood counts, A, and of as many more as were asked for.
        shares: 1 / |A| for each of A, else zero.
        config: the decoder.
        demonstrations: how many there are.
        control: what the numbers are.
        always_seen: the first so many segments are no demonstrations: they belong to the zero-shot prompt.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> from lrgd_jax.effect import few_shot
        >>> config, params, tokenizer = tiny_decoder()
        >>> prompt = few_shot(tokenizer, config, ["a 1", "b 2"], "c", " 3")
        >>> loss = prompt.loss(params, config)
        >>> float(loss(jnp.zeros(2))) > 0 and float(loss(jnp.ones(2))) > 0
        True
    """

    params: DecoderParams
    tokens: Int[Array, " n"]
    segments: Int[Array, " n"]
    places: Int[Array, " a"]
    shares: Float[Array, " a"]
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
        length: int | None = None,
        target_length: int | None = None,
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
            length: to which the prompt is padded at its end, where nothing sees the padding: prompts of one length
                share one compilation. No padding unless given.
            target_length: likewise, how many tokens the target has room for.

        Raises:
            ValueError: too many tokens for the context, the length or the room, segments that do not fit, no
                demonstration, or a target that is empty or reaches outside the query.
        """
        n = tokens.shape[0]
        check_length(config, n)
        segments = segments_of(n, segments)
        demonstrations = _count_demonstrations(np.asarray(segments), always_seen)
        if control not in ("rates", "contributions"):
            raise ValueError(f'control must be "rates" or "contributions", got {control!r}')
        places, shares = _places_and_shares(np.asarray(segments), target, target_length)
        length = n if length is None else length
        if length < n:
            raise ValueError(f"the prompt has {n} tokens, more than the length {length} to which it is to be padded")
        check_length(config, length)
        # by NumPy, which compiles nothing for a new length
        tokens = jnp.asarray(np.pad(np.asarray(tokens), (0, length - n)))
        segments = jnp.asarray(np.pad(np.asarray(segments), (0, length - n), mode="edge"))
        return cls(
            params=params,
            tokens=tokens,
            segments=segments,
            places=jnp.asarray(places),
            shares=jnp.asarray(shares, params.embedding.dtype),
            config=config,
            demonstrations=demonstrations,
            control=control,
            always_seen=always_seen,
        )

    @property
    def dtype(self) -> DTypeLike:
        """Of the weights, hence of the loss."""
        return self.params.embedding.dtype

    @property
    def parts(self) -> tuple[int, int]:
        """Layers and heads, in each of which a demonstration can have a number of its own."""
        return self.config.layers, self.config.heads

    def with_control(self, control: Control) -> "PromptLoss":
        """The same loss as a function of other numbers."""
        return replace(self, control=control)

    def demonstration_gates(self, gates: Float[Array, "*parts N"]) -> DemonstrationGates:
        """The gates as a decoder takes them, behind those of what is always seen."""
        ones = jnp.ones((*gates.shape[:-1], self.always_seen), gates.dtype)
        every = jnp.concatenate([ones, gates], axis=-1)
        return GatesAfterPreamble(self.segments, **{self.control: every}, always_seen=self.always_seen)

    def at_target(self, hidden: Float[Array, "n m"]) -> Float[Array, ""]:
        """The loss by final hidden states."""
        logits = read_logits(self.params, self.config, hidden[self.places - 1])
        likelihoods = jnp.take_along_axis(jax.nn.log_softmax(logits), self.tokens[self.places][:, None], axis=1)[:, 0]
        return -jnp.sum(self.shares * likelihoods)

    def __call__(self, gates: Float[Array, "*parts N"]) -> Float[Array, ""]:
        """The loss at given rates or gates."""
        return self.at_target(hidden_states(self.params, self.config, self.tokens, self.demonstration_gates(gates)))


def _count_demonstrations(numbers: Int[np.ndarray, " n"], always_seen: int) -> int:
    """How many there are."""
    if sorted(set(numbers.tolist())) != list(range(int(numbers[-1]) + 1)):
        raise ValueError(f"segments must be numbered 0, 1, … without a gap, got {sorted(set(numbers.tolist()))}")
    demonstrations = int(numbers[-1]) - always_seen
    if always_seen < 0 or demonstrations < 1:
        raise ValueError(
            f"the prompt has {numbers[-1]} segments before its query, of which {always_seen} are always seen: "
            "at least one demonstration is needed"
        )
    return demonstrations


def _places_and_shares(
    numbers: Int[np.ndarray, " n"], target: tuple[int, int], room: int | None
) -> tuple[Int[np.ndarray, " a"], Float[np.ndarray, " a"]]:
    """Places of the target's tokens and their shares in the loss; the rest of the room repeats the last place."""
    start, end = target
    if start >= end:
        raise ValueError(f"the target is empty: it starts at token {start} and ends at {end}; give it one or more")
    query, n = int(np.searchsorted(numbers, numbers[-1])), len(numbers)
    if not max(query, 1) <= start < end <= n:
        raise ValueError(f"the target (tokens {start} to {end}) must lie within the query (tokens {query} to {n})")
    count = end - start
    room = count if room is None else room
    if room < count:
        raise ValueError(f"the target has {count} tokens, but there is room for {room} only")
    slots = np.arange(room)
    return np.minimum(start + slots, end - 1).astype(np.int32), (slots < count) / count
