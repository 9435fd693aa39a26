"""Which tokens are a query's zero-shot context, from which W_0 is built, and which its demonstrations.

A segment is one demonstration or the query's own text. Of the tokens that a query sees, those of earlier segments
are demonstrations, on which the dual takes its step; the rest, its own segment, are the zero-shot context.
"""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

__all__ = ["Segments", "TokenRoles", "segments_of", "token_roles"]

Segments = int | Int[Array, " n"] | Int[np.ndarray, " n"]
"""How many of the first tokens are demonstrations, or one segment number a token, not decreasing."""


class TokenRoles(NamedTuple):
    """How much each token counts for each query, in which role; both [t, n], or [n] for one query.

    Attributes:
        context: weight in the query's zero-shot context, from which W_0 comes.
        demonstrations: weight in the training set of the step.

    Examples:
        >>> import jax.numpy as jnp
        >>> TokenRoles(context=jnp.array([0.0, 1.0]), demonstrations=jnp.array([1.0, 0.0])).demonstrations.tolist()
        [1.0, 0.0]
    """

    context: Float[Array, "*t n"]
    demonstrations: Float[Array, "*t n"]


def segments_of(tokens: int, demonstrations: Segments) -> Int[Array, " n"]:
    """One segment number a token.

    Args:
        tokens: n.
        demonstrations: how many of the first tokens are demonstrations, or the segment numbers themselves.

    Raises:
        ValueError: more demonstrations than tokens, or a wrong number of segment numbers.

    Examples:
        >>> segments_of(4, 3).tolist()  # three demonstrations, then the query's own token
        [0, 0, 0, 1]
    """
    if isinstance(demonstrations, int | np.integer):
        if not 0 <= demonstrations <= tokens:
            raise ValueError(f"demonstrations must lie between 0 and the {tokens} tokens, got {demonstrations}")
        return (jnp.arange(tokens) >= demonstrations).astype(jnp.int32)
    segments = jnp.asarray(demonstrations)
    if segments.shape != (tokens,) or not jnp.issubdtype(segments.dtype, jnp.integer):
        raise ValueError(
            f"demonstrations are a whole number of tokens or one whole segment number for each of the {tokens} tokens; "
            f"got {segments.dtype} of shape {segments.shape}"
        )
    # under a trace the numbers are not known yet
    if not isinstance(segments, Tracer) and np.any(np.diff(np.asarray(segments)) < 0):
        raise ValueError(f"segment numbers must not decrease from token to token, got {np.asarray(segments).tolist()}")
    return segments


def token_roles(seen: Bool[Array, "t n"], segments: Int[Array, " n"], *, ordered: bool, dtype: jnp.dtype) -> TokenRoles:
    """The roles of the tokens that each query sees.

    Args:
        seen: which tokens each query sees.
        segments: one number a token.
        ordered: the queries are the last t tokens; otherwise each stands after all tokens.
        dtype: of the weights, one or zero.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.positions import visible
        >>> segments = jnp.array([0, 0, 1, 1])
        >>> role = token_roles(visible(4, 4, causal=True), segments, ordered=True, dtype=jnp.dtype("float32"))
        >>> role.context[3].tolist(), role.demonstrations[3].tolist()
        ([0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0])
    """
    t, n = seen.shape
    own = segments[n - t :] if ordered else jnp.full((t,), jnp.max(segments, initial=0))
    earlier = segments[None, :] < own[:, None]
    return TokenRoles((seen & ~earlier).astype(dtype), (seen & earlier).astype(dtype))
