"""The delta rule and the gated delta rule: attention that writes what its memory does not know yet."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.checks import check_decay
from lrgd_jax.attention.chunks import cut, join
from lrgd_jax.attention.gated import decay_products
from lrgd_jax.features import feature_count, identity
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = ["chunked_delta_rule", "delta_rule_from_state", "recurrent_delta_rule", "unit_lower_inverse"]

_Token: TypeAlias = tuple[
    Float[Array, " r"], Float[Array, " r"], Float[Array, " dv"], Float[Array, ""], Float[Array, ""]
]
"""Query, key, value, write strength and decay of one token."""

_Chunk: TypeAlias = tuple[
    Float[Array, "c r"],
    Float[Array, "c c"],
    Float[Array, "c dv"],
    Float[Array, "c r"],
    Float[Array, "c r"],
    Float[Array, ""],
]
"""Of a chunk: queries times what is left since its start, weights within it, writes, reads, keys times what is left at
its end, and what is kept of the state."""


def recurrent_delta_rule(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    strengths: Float[Array, " n"],
    decays: Float[Array, " n"] | None = None,
    *,
    feature_map: FeatureMap = identity,
    state: Float[Array, "dv r"] | None = None,
) -> tuple[Float[Array, "n dv"], Float[Array, "dv r"]]:
    r"""The (gated) delta rule, token by token in constant memory.

    $$S_t = a_t S_{t-1}\big(I - b_t\phi(k_t)\phi(k_t)^\top\big) + b_t v_t\phi(k_t)^\top,\qquad o_t = S_t\phi(q_t)$$

    Args:
        queries: one a token.
        keys: k_t.
        values: v_t.
        strengths: b_t, the write strengths.
        decays: a_t in [0, 1], what is kept of the memory before each write; all of it unless given.
        feature_map: phi.
        state: from an earlier call, to go on from.

    Returns:
        The outputs, and the state after the last token in float32 at least.

    Raises:
        ValueError: a decay lies outside [0, 1], as its logarithm does.

    Source: Schlag et al. 2021, arXiv 2102.11174, section 4.2; gated: Yang et al. 2024, arXiv 2412.06464, section 3.1.

    Examples:
        >>> import jax.numpy as jnp
        >>> key = jnp.ones((2, 1))  # the same key twice: the second value replaces the first
        >>> outputs, state = recurrent_delta_rule(key, key, jnp.array([[3.0], [7.0]]), jnp.ones(2))
        >>> outputs.ravel().tolist(), state.tolist()
        ([3.0, 7.0], [[7.0]])
    """
    check_decay("recurrent_delta_rule", decays)
    phi, (q, k, v, b, a, state) = jax.vmap(feature_map), widen(queries, keys, values, strengths, decays, state)
    key_features = phi(k)
    a = jnp.ones_like(b) if a is None else a
    state = jnp.zeros((v.shape[1], key_features.shape[1]), v.dtype) if state is None else state

    def token(memory: Float[Array, "dv r"], step: _Token) -> tuple[Float[Array, "dv r"], Float[Array, " dv"]]:
        query, key, value, strength, decay = step
        kept = decay * memory
        memory = kept + jnp.outer(strength * (value - kept @ key), key)
        return memory, memory @ query

    state, outputs = jax.lax.scan(token, state, (phi(q), key_features, v, b, a))
    return narrow(outputs, queries, keys, values), state


def unit_lower_inverse(below: Float[Array, "c c"]) -> Float[Array, "c c"]:
    r"""$(I + A)^{-1}$ for a strictly lower triangular A, by forward substitution.

    Row t of the inverse is $e_t - \sum_{i<t} A_{ti}\,T_i$. Written as a scan over rows, which every checker of this
    package can follow; a chunk has few of them.
    """

    def row(
        inverse: Float[Array, "c c"], step: tuple[Float[Array, " c"], Float[Array, " c"]]
    ) -> tuple[Float[Array, "c c"], None]:
        unit, coefficients = step
        return inverse + jnp.outer(unit, unit - coefficients @ inverse), None

    units = jnp.eye(below.shape[0], dtype=below.dtype)
    return jax.lax.scan(row, jnp.zeros_like(below), (units, below))[0]


def chunked_delta_rule(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    strengths: Float[Array, " n"],
    decays: Float[Array, " n"] | None = None,
    *,
    feature_map: FeatureMap = identity,
    chunk: int = 16,
) -> Float[Array, "n dv"]:
    r"""The (gated) delta rule, chunk by chunk in WY form: one triangular inverse a chunk, a state between chunks.

    With $D_{ti} = \prod_{i<s\le t} a_s$ and $c_t = \prod_{s\le t} a_s$ over the tokens of a chunk that starts from S,
    what each token writes is $U = T\,\mathrm{diag}(b)\,(V - \mathrm{diag}(c) K S^\top)$ with

    $$T = \big(I + \mathrm{diag}(b)\,\mathrm{tril}_{-1}(D\odot KK^\top)\big)^{-1},\qquad
    O = \mathrm{diag}(c)\,Q S^\top + (D\odot QK^\top)\,U,\qquad
    S \leftarrow c_C S + U^\top \mathrm{diag}(D_{C\cdot}) K$$

    Args:
        queries: one a token.
        keys: k_t.
        values: v_t.
        strengths: b_t.
        decays: a_t in [0, 1]; ones unless given.
        feature_map: phi.
        chunk: tokens in a chunk; the last one may be shorter.

    Raises:
        ValueError: the chunk is empty, or a decay lies outside [0, 1], as its logarithm does.

    Source: Yang et al. 2024, arXiv 2406.06484, section 3 (WY form and UT transform); gated: arXiv 2412.06464,
    section 3.3.

    Examples:
        >>> import jax.numpy as jnp
        >>> key = jnp.ones((3, 1))
        >>> chunked_delta_rule(key, key, jnp.array([[3.0], [7.0], [5.0]]), jnp.ones(3), chunk=2).ravel().tolist()
        [3.0, 7.0, 5.0]
    """
    (v,) = widen(values)
    empty = jnp.zeros((v.shape[1], feature_count(feature_map, keys)), v.dtype)
    given = queries, keys, values, strengths, decays
    return delta_rule_from_state(*given, state=empty, feature_map=feature_map, chunk=chunk)[0]


def delta_rule_from_state(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    strengths: Float[Array, " n"],
    decays: Float[Array, " n"] | None = None,
    *,
    state: Float[Array, "dv r"],
    feature_map: FeatureMap = identity,
    chunk: int = 16,
) -> tuple[Float[Array, "n dv"], Float[Array, "dv r"]]:
    """`chunked_delta_rule` that goes on from a state and hands one on.

    Args:
        queries: one a token.
        keys: k_t.
        values: v_t.
        strengths: b_t.
        decays: a_t in [0, 1]; ones unless given.
        state: S before the first token, of `recurrent_delta_rule` or of an earlier call.
        feature_map: phi.
        chunk: tokens in a chunk; the last one may be shorter.

    Returns:
        The outputs, and the state after the last token in float32 at least.

    Raises:
        ValueError: the chunk is empty, or a decay lies outside [0, 1], as its logarithm does.

    Source: as `chunked_delta_rule`.

    Examples:
        >>> import jax.numpy as jnp
        >>> key, old = jnp.ones((2, 1)), jnp.array([[4.0]])
        >>> outputs, state = delta_rule_from_state(key, key, jnp.array([[2.0], [8.0]]), jnp.full(2, 0.5), state=old)
        >>> outputs.ravel().tolist(), state.tolist()
        ([3.0, 5.5], [[5.5]])
    """
    check_decay("chunked_delta_rule", decays)
    phi, (q, k, v, b, a, state) = jax.vmap(feature_map), widen(queries, keys, values, strengths, decays, state)
    a = jnp.ones_like(b) if a is None else a
    key_features = phi(k)
    query_chunks, key_chunks, value_chunks, strength_chunks = (cut(x, chunk) for x in (phi(q), key_features, v, b))

    def prepare(
        q: Float[Array, "c r"],
        k: Float[Array, "c r"],
        v: Float[Array, "c dv"],
        b: Float[Array, " c"],
        a: Float[Array, " c"],
    ) -> _Chunk:
        left = decay_products(a)
        since_start = left[:, 0] * a[0]
        inverse = unit_lower_inverse(b[:, None] * jnp.tril(left * (k @ k.T), -1))
        writes, reads = inverse @ (b[:, None] * v), inverse @ ((b * since_start)[:, None] * k)
        return q * since_start[:, None], left * (q @ k.T), writes, reads, k * left[-1][:, None], since_start[-1]

    def one_chunk(state: Float[Array, "dv r"], block: _Chunk) -> tuple[Float[Array, "dv r"], Float[Array, "c dv"]]:
        queries, weights, writes, reads, keys, kept = block
        written = writes - reads @ state.T
        return kept * state + written.T @ keys, queries @ state.T + weights @ written

    # everything that does not need the state is done for all chunks at once
    blocks = jax.vmap(prepare)(query_chunks, key_chunks, value_chunks, strength_chunks, cut(a, chunk, fill=1.0))
    state, outputs = jax.lax.scan(one_chunk, state, blocks)
    return narrow(join(outputs, queries.shape[0]), queries, keys, values), state
