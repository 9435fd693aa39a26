r"""Causal linear attention of a sequence that is spread over devices.

Every device holds the same number of consecutive tokens. What its queries need of the tokens before them is one matrix
a head, the weights of the dual after those tokens. So each device sums its own step, the steps are gathered, which is
all that is communicated and as much for a million tokens as for a thousand, and each adds up those before its own.
"""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int

from lrgd_jax.attention.causal import causal_linear_attention
from lrgd_jax.attention.checks import check_sizes
from lrgd_jax.attention.head_arguments import Decays, Heads, align_heads
from lrgd_jax.attention.linear import LinearState
from lrgd_jax.features import identity
from lrgd_jax.precision import narrow
from lrgd_jax.types import FeatureMap

__all__ = ["attend_shard", "sequence_parallel_linear_attention"]

_Step: TypeAlias = tuple[LinearState, Float[Array, "*parts h r"]]
"""What the tokens of a device add to the state, and what they keep of the state before them."""


def sequence_parallel_linear_attention(
    queries: Float[Array, "h n d"],
    keys: Float[Array, "g n d"],
    values: Float[Array, "g n dv"],
    mesh: Mesh,
    *,
    axis: str | None = None,
    feature_map: FeatureMap = identity,
    normalised: bool = False,
    decays: Decays | None = None,
    segments: Int[Array, " n"] | None = None,
    state: LinearState | None = None,
    chunk: int = 64,
) -> tuple[Float[Array, "h n dv"], LinearState]:
    r"""`causal_linear_attention` of tokens that are spread over the devices of a mesh.

    Device j, whose tokens make the step $(A_j, \Delta_j)$ of the state, $S \leftarrow S A_j + \Delta_j$, starts from

    $$S_{<j} = \big((S_0 A_0 + \Delta_0) A_1 + \dots\big) A_{j-1} + \Delta_{j-1}.$$

    Arguments may lie anywhere; those that are spread over the axis already are not moved. Derivatives pass through.

    Args:
        queries: one a token and head.
        keys: of each group of heads; h is a multiple of g.
        values: likewise.
        mesh: of devices, which may belong to several processes (`jax.distributed`).
        axis: the one of its axes over which tokens are spread; the only one unless given.
        feature_map: phi.
        normalised: divide by the sum of the weights.
        decays: as of `causal_linear_attention`.
        segments: as of `causal_linear_attention`.
        state: before the first token, the same on every device.
        chunk: tokens in a chunk.

    Returns:
        The outputs, spread as the queries, and the state after the last token, on every device.

    Raises:
        ValueError: the devices of the axis do not divide the tokens, the mesh has no such axis, or the arguments do not
            fit each other.

    Source: Sun et al. 2024, arXiv 2404.02882, section 3 (LASP).

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> mesh = jax.make_mesh((1,), ("tokens",))
        >>> ones, values = jnp.ones((1, 3, 1)), jnp.array([[[1.0], [2.0], [4.0]]])
        >>> sequence_parallel_linear_attention(ones, ones, values, mesh)[0].ravel().tolist()
        [1.0, 3.0, 7.0]
    """
    name = "sequence_parallel_linear_attention"
    check_sizes(name, chunk=chunk)
    axis = _axis_of(mesh, axis)
    heads, every, before = align_heads(name, (queries, keys, values), decays, segments, state, feature_map)
    tokens, devices = queries.shape[1], mesh.shape[axis]
    if tokens % devices:
        raise ValueError(
            f"{name}: {tokens} tokens cannot be divided among the {devices} devices of axis {axis!r}; take a mesh "
            "whose axis divides them, or fill up the sequence and drop the outputs of what was added"
        )
    spread, whole = PartitionSpec(None, axis), PartitionSpec()
    attend = partial(attend_shard, axis=axis, feature_map=feature_map, normalised=normalised, chunk=chunk)
    sharded = jax.shard_map(
        attend,
        # the same devices without types of axes, which would refuse arguments that lie elsewhere
        mesh=Mesh(mesh.devices, mesh.axis_names),
        in_specs=(spread, spread, whole),
        out_specs=(spread, whole),
        # the last state is the same on all devices because all sum the same steps, which JAX cannot know
        check_vma=False,
    )
    outputs, after = sharded(heads, every, before)
    return narrow(outputs, queries, keys, values), after


def attend_shard(
    heads: Heads,
    decays: Float[Array, "h n *r"] | None,
    state: LinearState,
    *,
    axis: str,
    feature_map: FeatureMap,
    normalised: bool,
    chunk: int,
) -> tuple[Float[Array, "h n dv"], LinearState]:
    """The outputs of one device's tokens and the state after those of all: what every device does.

    Args:
        heads: queries, keys and values of this device's tokens.
        decays: of these tokens.
        state: before the first token of all.
        axis: the mapped axis that the devices are on.
        feature_map: phi.
        normalised: divide by the sum of the weights.
        chunk: tokens in a chunk.
    """
    steps = jax.lax.all_gather(_step_of(heads, decays, feature_map), axis)

    def one_device(before: LinearState, step: _Step) -> tuple[LinearState, LinearState]:
        added, kept = step
        after = LinearState(
            before.values * kept[:, None] + added.values,
            before.normaliser * kept + added.normaliser,
        )
        return after, before

    last, befores = jax.lax.scan(one_device, state, steps)
    here = jax.tree.map(lambda x: x[jax.lax.axis_index(axis)], befores)
    outputs, _ = causal_linear_attention(
        *heads, feature_map=feature_map, normalised=normalised, decays=decays, state=here, chunk=chunk
    )
    return outputs, last


def _step_of(heads: Heads, decays: Float[Array, "h n *r"] | None, feature_map: FeatureMap) -> _Step:
    """Sums over values and keys, faded to the last token, and what is kept of any feature of the state before."""
    _, keys, values = heads
    k = jax.vmap(jax.vmap(feature_map))(keys)
    kept = jnp.ones_like(k[:, 0])
    if decays is not None:
        # what is left of a token at the end is the product of the decays after it
        since = jax.lax.cumprod(decays, axis=1, reverse=True)
        left = jnp.concatenate([since[:, 1:], jnp.ones_like(since[:, :1])], axis=1)
        k = k * left.reshape(*left.shape[:2], -1)
        kept = kept * since[:, 0].reshape(k.shape[0], -1)
    return LinearState(jnp.einsum("hnv,hnr->hvr", values, k), jnp.sum(k, axis=1)), kept


def _axis_of(mesh: Mesh, axis: str | None) -> str:
    names = tuple(map(str, mesh.axis_names))
    if axis is None and len(names) == 1:
        return names[0]
    if axis not in names:
        raise ValueError(
            f"sequence_parallel_linear_attention: axis must be one of the mesh's, {', '.join(names)}; got {axis!r}"
        )
    return axis
