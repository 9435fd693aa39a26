"""A learning rate or a gate for each demonstration: in all layers and heads alike, by layer, or by layer and head."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.dual.token_roles import segments_of

__all__ = ["DemonstrationGates", "gate_demonstrations"]


@struct.dataclass
class DemonstrationGates:
    """Numbers that say what each demonstration counts for the tokens after it: learning rates, gates, or both.

    In a whole decoder rates and gates have shape [N], [layers, N] or [layers, heads, N]; in one layer, after
    `of_layer`, [N] or [heads, N]; in one head [N].

    Attributes:
        segments: of each token, not decreasing; N is the query's.
        rates: eta; all one unless given.
        contributions: c; the ordinary sum unless given.
        reading: segments of the tokens that attend; those of the last tokens unless given.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import DemonstrationGates
        >>> gates = DemonstrationGates(jnp.array([0, 0, 1, 2]), rates=jnp.array([0.5, 2.0]))
        >>> gates.each(gates.rates, queries=1).tolist()  # what the last token, the query, sees
        [[0.5, 0.5, 2.0, 1.0]]
    """

    segments: Int[Array, " n"]
    rates: Float[Array, "*of N"] | None = None
    contributions: Float[Array, "*of N"] | None = None
    reading: Int[Array, " t"] | None = None

    def of_layer(self, index: int) -> "DemonstrationGates":
        """What the demonstrations count in one layer of a decoder."""

        def row(gates: Float[Array, "*of N"] | None) -> Float[Array, "*of N"] | None:
            return gates if gates is None or gates.ndim == 1 else gates[index]

        return replace(self, rates=row(self.rates), contributions=row(self.contributions))

    def followed_by(self, tokens: int) -> "DemonstrationGates":
        """The same demonstrations, with more tokens in the query's segment."""
        more = jnp.broadcast_to(self.segments[-1], (tokens,))
        return replace(self, segments=jnp.concatenate([self.segments, more]))

    def with_own_token(self, queries: int) -> "DemonstrationGates":
        """The same for so many queries, with one token more, which belongs to the segment of each of them."""
        reading = self.segments[-queries:] if self.reading is None else self.reading
        return replace(self.followed_by(1), reading=reading)

    def by_head(self, groups: int, heads: int) -> tuple[Float[Array, "*gh N"] | None, Float[Array, "*gh N"] | None]:
        """Rates and gates of one layer, [groups, heads of a group, N] where the heads differ.

        Raises:
            ValueError: they are neither [N] nor [heads, N].
        """
        return (
            _by_group("rates", self.rates, groups, heads),
            _by_group("contributions", self.contributions, groups, heads),
        )

    def own(self, queries: int) -> Bool[Array, "t n"]:
        """Which tokens belong to the segment of each query, or come after it."""
        reading = self.segments[-queries:] if self.reading is None else self.reading
        return self.segments[None, :] >= reading[:, None]

    def each(self, gates: Float[Array, " N"], queries: int) -> Float[Array, "t n"]:
        """The gate of every token for every query, one in the query's own segment."""
        of_token = jnp.concatenate([gates, jnp.ones(1, gates.dtype)])[self.segments]
        return jnp.where(self.own(queries), jnp.ones((), gates.dtype), of_token[None, :])


def _by_group(name: str, gates: Float[Array, "*of N"] | None, groups: int, heads: int) -> Float[Array, "*gh N"] | None:
    if gates is None or gates.ndim == 1:
        return gates
    if gates.ndim != 2 or gates.shape[0] != heads:
        raise ValueError(
            f"{name} of one layer must have shape [N] or [{heads}, N], one row a query head; got {gates.shape}. "
            "Those of a whole decoder are taken apart by DemonstrationGates.of_layer"
        )
    return gates.reshape(groups, heads // groups, gates.shape[1])


def gate_demonstrations(
    config: DecoderConfig,
    tokens: int,
    segments: Int[Array, " n"] | None,
    rates: Float[Array, "*of N"] | None = None,
    contributions: Float[Array, "*of N"] | None = None,
) -> DemonstrationGates | None:
    """The gates of a prompt's demonstrations; None where neither rates nor contributions are given.

    Args:
        config: the decoder.
        tokens: in the prompt.
        segments: of each token, from `split_tokens` or `split_text`.
        rates: learning rates, zero or more, of shape [N], [layers, N] or [layers, heads, N].
        contributions: gates, of any sign and of the same shapes.

    Raises:
        ValueError: no segments, segments that do not fit the tokens, or rates or gates that do not fit the
            segments or the decoder; a negative rate (known only outside a trace).

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import gate_demonstrations, tiny_decoder
        >>> config, segments = tiny_decoder().config, jnp.array([0, 0, 1, 1])
        >>> gate_demonstrations(config, 4, segments, rates=jnp.array([0.5])).rates.tolist()
        [0.5]
        >>> gate_demonstrations(config, 4, None) is None
        True
    """
    if rates is None and contributions is None:
        if segments is not None:
            raise ValueError("segments were given without rates or contributions; give one of them, or no segments")
        return None
    if segments is None:
        raise ValueError(
            "rates and contributions belong to demonstrations: give the segment of each token, from split_tokens"
        )
    segments = segments_of(tokens, segments)
    for name, gates in (("rates", rates), ("contributions", contributions)):
        if gates is not None:
            _check_shape(name, jnp.shape(gates), config)
            _check_number(name, jnp.shape(gates)[-1], segments)
    if rates is not None and not isinstance(rates, Tracer) and not (np.asarray(rates) >= 0).all():
        numbers = np.asarray(rates)
        shown = numbers.tolist() if numbers.ndim == 1 else f"{numbers.min()} among them"
        raise ValueError(f"rates must be zero or more, got {shown}; a gate may be negative")
    return DemonstrationGates(segments, rates, contributions)


def _check_shape(name: str, shape: tuple[int, ...], config: DecoderConfig) -> None:
    """Raises ValueError unless there is one number a demonstration, alike for all layers and heads or not."""
    layers, heads = config.layers, config.heads
    if len(shape) not in (1, 2, 3) or shape[:-1] != (layers, heads)[: len(shape) - 1]:
        raise ValueError(
            f"{name} must be a vector with one number a demonstration, [N], or one vector a layer, [{layers}, N], or "
            f"one a layer and query head, [{layers}, {heads}, N]; got shape {list(shape)}. This decoder has {layers} "
            f"layers and {heads} heads"
        )


def _check_number(name: str, given: int, segments: Int[Array, " n"]) -> None:
    """Raises ValueError unless there is one number for each demonstration."""
    # under a trace the segments are not known
    if isinstance(segments, Tracer):
        return
    numbers = np.asarray(segments)
    if numbers.min() < 0 or numbers.max() != given:
        raise ValueError(
            f"{given} {name} were given, but the segments run from {numbers.min()} to {numbers.max()}: the last "
            f"is the query, so {numbers.max()} {name} are needed, one for each demonstration"
        )
