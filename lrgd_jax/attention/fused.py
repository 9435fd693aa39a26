r"""Causal linear attention as one kernel for GPUs, in which a head's state never leaves the processor.

`causal_linear_attention` leaves to XLA where the state of a chunk lies between two products; here each head is one
program that reads its tokens chunk by chunk and holds the state in registers. Away from a GPU the same kernel is
interpreted, which is slow and serves to check it.
"""

# the stubs of jax leave what kernels, custom derivatives and lambdas return without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.causal import causal_linear_attention
from lrgd_jax.attention.checks import check_sizes
from lrgd_jax.attention.head_arguments import align_heads
from lrgd_jax.features import identity
from lrgd_jax.precision import narrow
from lrgd_jax.types import FeatureMap

__all__ = ["fused_causal_linear_attention"]


_Rows: TypeAlias = jax.Ref
"""A reference to rows in the memory of a device."""

_Tokens: TypeAlias = tuple[Float[Array, "h n _"], ...]


class _How(NamedTuple):
    """What does not change from call to call."""

    feature_map: FeatureMap
    normalised: bool
    chunk: int
    interpret: bool


def fused_causal_linear_attention(
    queries: Float[Array, "h n d"],
    keys: Float[Array, "g n d"],
    values: Float[Array, "g n dv"],
    *,
    feature_map: FeatureMap = identity,
    normalised: bool = False,
    chunk: int = 64,
    interpret: bool | None = None,
) -> Float[Array, "h n dv"]:
    r"""The outputs of `causal_linear_attention` without decays, by a kernel.

    $$o_t = \sum_{i\le t}\phi(q_t)^\top\phi(k_i)\,v_i\;\big[/\,\sum_{i\le t}\phi(q_t)^\top\phi(k_i)\big]$$

    Reverse derivatives are those of `causal_linear_attention`, which they compute anew; there are no forward ones.

    Args:
        queries: q_t of each head.
        keys: k_t of each group of heads; h is a multiple of g.
        values: v_t likewise.
        feature_map: phi; on a GPU it must be elementwise.
        normalised: divide by the sum of the weights.
        chunk: tokens that are read together; on a GPU this, d and dv must be powers of two, at least 16.
        interpret: evaluate the kernel step by step; unless given, where there is no GPU.

    Raises:
        ValueError: numbers of heads or tokens do not fit, a head has no width, or the chunk is empty.

    Source: Katharopoulos et al. 2020, arXiv 2006.16236, eq. 16 to 20; one program a head that keeps its state at hand:
    Yang et al. 2023, arXiv 2312.06635, section 3.3.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones, values = jnp.ones((1, 3, 1)), jnp.array([[[1.0], [2.0], [4.0]]])
        >>> fused_causal_linear_attention(ones, ones, values, chunk=2).ravel().tolist()
        [1.0, 3.0, 7.0]
    """
    check_sizes("fused_causal_linear_attention", chunk=chunk)
    (q, k, v), _, _ = align_heads(
        "fused_causal_linear_attention", (queries, keys, values), None, None, None, feature_map
    )
    if interpret is None:
        interpret = jax.default_backend() != "gpu"
    return narrow(_fused(_How(feature_map, normalised, chunk, interpret), q, k, v), queries, keys, values)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _fused(
    how: _How, queries: Float[Array, "h n d"], keys: Float[Array, "h n d"], values: Float[Array, "h n dv"]
) -> Float[Array, "h n dv"]:
    # takes as long to import as all of the package
    from jax.experimental import pallas as pl

    (h, n, d), dv = queries.shape, values.shape[2]
    missing = -n % how.chunk
    padded = [jnp.pad(x, ((0, 0), (0, missing), (0, 0))) for x in (queries, keys, values)]

    *read, written = (pl.BlockSpec((None, n + missing, width), lambda head: (head, 0, 0)) for width in (d, d, dv, dv))
    outputs = pl.pallas_call(
        partial(_one_head, how, n),
        grid=(h,),
        in_specs=read,
        out_specs=written,
        out_shape=jax.ShapeDtypeStruct((h, n + missing, dv), values.dtype),
        interpret=how.interpret,
    )(*padded)
    return outputs[:, :n]


def _one_head(how: _How, tokens: int, queries: _Rows, keys: _Rows, values: _Rows, outputs: _Rows) -> None:
    """The kernel: references to the rows of one head, of which the first `tokens` are not there to fill up a chunk."""
    from jax.experimental import pallas as pl

    (rows_there, _), dv = keys.shape, values.shape[1]
    phi = jax.vmap(how.feature_map)
    features = jax.eval_shape(phi, jax.ShapeDtypeStruct((how.chunk, keys.shape[1]), keys.dtype))
    earlier = jnp.tril(jnp.ones((how.chunk, how.chunk), bool))
    zero = jnp.zeros((), features.dtype)

    def one_chunk(
        number: Array, state: tuple[Float[Array, "r dv"], Float[Array, " r"]]
    ) -> tuple[Float[Array, "r dv"], Float[Array, " r"]]:
        sums, normaliser = state
        rows = pl.ds(number * how.chunk, how.chunk)
        q, k, v = phi(queries[rows, :]), phi(keys[rows, :]), values[rows, :]
        weights = jnp.where(earlier, q @ k.T, zero)
        read = q @ sums + weights @ v
        if how.normalised:
            # a row that only fills up the last chunk has no weight, and is dropped
            there = number * how.chunk + jnp.arange(how.chunk) < tokens
            sums_of_weights = jnp.where(there, jnp.sum(weights, axis=1) + q @ normaliser, jnp.ones((), q.dtype))
            read = read / sums_of_weights[:, None]
        outputs[rows, :] = read
        return sums + k.T @ v, normaliser + jnp.sum(k, axis=0)

    r = features.shape[1]
    start = jnp.zeros((r, dv), features.dtype), jnp.zeros(r, features.dtype)
    jax.lax.fori_loop(0, rows_there // how.chunk, one_chunk, start)


def _plain(
    how: _How, queries: Float[Array, "h n d"], keys: Float[Array, "h n d"], values: Float[Array, "h n dv"]
) -> Float[Array, "h n dv"]:
    outputs, _ = causal_linear_attention(
        queries, keys, values, feature_map=how.feature_map, normalised=how.normalised, chunk=how.chunk
    )
    return outputs


def _forward(how: _How, *tokens: Float[Array, "h n _"]) -> tuple[Float[Array, "h n dv"], _Tokens]:
    return _fused(how, *tokens), tokens


def _backward(how: _How, tokens: _Tokens, cotangents: Float[Array, "h n dv"]) -> _Tokens:
    _, pull = jax.vjp(partial(_plain, how), *tokens)
    return pull(cotangents)


_fused.defvjp(_forward, _backward)
