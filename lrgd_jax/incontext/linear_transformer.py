"""A stack of linear self-attention layers on the residual stream: pure functions over a tuple of head weights."""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.attention import HeadWeights, LinearAttention, MultiHeadAttention

__all__ = ["LinearTransformer", "Projections", "apply", "init", "layer", "predict", "prompt"]


class Projections(NamedTuple):
    """The weights of one layer; a tuple, so that optimisers may keep anything in its shape.

    Attributes:
        query: W_Q, shape [h, m, d].
        key: W_K, shape [h, m, d].
        value: W_V, shape [h, m, dv].
        output: P, shape [h, dv, m].

    Examples:
        >>> import jax
        >>> first, *_ = init(jax.random.key(0), width=3, heads=2)
        >>> first.query.shape, first.output.shape
        ((2, 3, 3), (2, 3, 3))
    """

    query: Float[Array, "h m d"]
    key: Float[Array, "h m d"]
    value: Float[Array, "h m dv"]
    output: Float[Array, "h dv m"]


LinearTransformer: TypeAlias = tuple[Projections, ...]
"""One set of projections a layer, first to last."""


def prompt(
    inputs: Float[Array, "n d"],
    targets: Float[Array, "n dv"],
    query: Float[Array, " d"],
    query_target: Float[Array, " dv"] | None = None,
) -> Float[Array, "n_1 m"]:
    """The tokens e_i = [x_i; y_i] and, last, the query [x_q; 0].

    Args:
        inputs: x_i.
        targets: y_i.
        query: x_q.
        query_target: what the query carries in the place of a target; zero unless given.

    Examples:
        >>> import jax.numpy as jnp
        >>> prompt(jnp.array([[1.0, 2.0]]), jnp.array([[5.0]]), query=jnp.array([3.0, 4.0])).tolist()
        [[1.0, 2.0, 5.0], [3.0, 4.0, 0.0]]
    """
    empty = jnp.zeros_like(targets, shape=targets.shape[1:]) if query_target is None else query_target
    demonstrations = jnp.concatenate([inputs, targets], axis=1)
    return jnp.concatenate([demonstrations, jnp.concatenate([query, empty])[None]])


def init(
    key: PRNGKeyArray,
    width: int,
    *,
    layers: int = 1,
    heads: int = 1,
    scale: float = 0.1,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> LinearTransformer:
    """Random weights: W_Q, W_K, W_V of full width and P, normal with standard deviation `scale` / sqrt(width).

    Args:
        key: of the draw.
        width: m = d + dv of a token.
        layers: how many.
        heads: of each layer.
        scale: of all weights.
        dtype: of the weights.

    Raises:
        ValueError: a size below one.

    Examples:
        >>> import jax
        >>> params = init(jax.random.key(0), width=3, layers=2)
        >>> len(params), params[0].value.shape
        (2, (1, 3, 3))
    """
    if min(width, layers, heads) < 1:
        raise ValueError(f"init: sizes must be at least 1, got width={width}, layers={layers}, heads={heads}")
    deviation = jnp.asarray(scale / width**0.5, dtype)

    def draw(one_key: PRNGKeyArray) -> Float[Array, "h m m"]:
        return deviation * jax.random.normal(one_key, (heads, width, width), dtype)

    return tuple(Projections(*map(draw, jax.random.split(one, 4))) for one in jax.random.split(key, layers))


def layer(weights: Projections, tokens: Float[Array, "n_q m"], *, context: int | None = None) -> Float[Array, "n_q m"]:
    r"""One layer of linear self-attention with its residual connection.

    $$e_j \leftarrow e_j + \sum_h P_h \sum_{i\le N} W_V^h e_i\,\langle W_K^h e_i, W_Q^h e_j\rangle$$

    Args:
        weights: the projections, with P as the output projection.
        tokens: e_j, the demonstrations first.
        context: N, how many tokens are attended to; all but the last unless given.

    Raises:
        ValueError: there are fewer tokens than the context.

    Source: von Oswald et al. 2023, arXiv 2212.07677, section 2, where the query is no key either.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import gradient_step
        >>> tokens = prompt(jnp.array([[1.0, 2.0]]), jnp.array([[5.0]]), query=jnp.array([3.0, 4.0]))
        >>> step = gradient_step(jnp.zeros((1, 2)), rate=1.0, demonstrations=1)
        >>> layer(step, tokens)[:, -1].tolist()  # y - (5 x) x: 5 - 5 * 5, and 0 - 5 * 11
        [-20.0, -55.0]
    """
    context = tokens.shape[0] - 1 if context is None else context
    if not 0 <= context <= tokens.shape[0]:
        raise ValueError(f"layer: the context must be 0 to {tokens.shape[0]} of the tokens, got {context}")
    return tokens + MultiHeadAttention(HeadWeights(*weights), LinearAttention())(tokens, tokens[:context])


def apply(
    params: LinearTransformer, tokens: Float[Array, "n_q m"], *, context: int | None = None, loops: int = 1
) -> Float[Array, "n_q m"]:
    """The residual stream after all layers.

    Args:
        params: the layers.
        tokens: e_j, the demonstrations first.
        context: how many tokens are attended to; all but the last unless given.
        loops: how often the whole stack is run; more than once is a looped (weight-sharing) transformer.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import descent_stack
        >>> tokens = prompt(jnp.array([[1.0]]), jnp.array([[4.0]]), query=jnp.array([1.0]))
        >>> params = descent_stack([0.5], dimension=1, demonstrations=1)
        >>> apply(params, tokens).tolist(), apply(params, tokens, loops=2).tolist()
        ([[1.0, 2.0], [1.0, -2.0]], [[1.0, 1.0], [1.0, -3.0]])
    """
    for _ in range(loops):
        for weights in params:
            tokens = layer(weights, tokens, context=context)
    return tokens


def predict(
    params: LinearTransformer, tokens: Float[Array, "n_1 m"], *, outputs: int = 1, loops: int = 1
) -> Float[Array, " dv"]:
    """The prediction for the query, the last token: minus what stands in the place of its target.

    The layers subtract W x_q from a target of zero, hence the sign.

    Args:
        params: the layers.
        tokens: one prompt.
        outputs: dv, the width of a target.
        loops: how often the stack is run.

    Source: von Oswald et al. 2023, arXiv 2212.07677, section 2 (read-out of the test token).

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import descent_stack
        >>> tokens = prompt(jnp.array([[1.0, 2.0]]), jnp.array([[5.0]]), query=jnp.array([3.0, 4.0]))
        >>> params = descent_stack([1.0], dimension=2, demonstrations=1)
        >>> predict(params, tokens).tolist()  # W x with W = 5 (1, 2)
        [55.0]
    """
    return -apply(params, tokens, loops=loops)[-1, -outputs:]
