"""The weights between two linear transformers, once both are in one canonical form."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.incontext.linear_transformer import LinearTransformer, Projections

__all__ = ["canonical", "interpolate"]


def canonical(weights: Projections, outputs: int = 1) -> Projections:
    r"""The same layer in a form in which two layers can be mixed: $W_K = P = I$, the rest in $W_Q$ and $W_V$.

    Only $W_Q W_K^\top$ and $W_V P$ act, and of these only the product of their scales. The first is scaled so that its
    block on the inputs has the Frobenius norm of the identity and a trace that is not negative.

    Args:
        weights: a layer of one head.
        outputs: dv, the width of a target.

    Raises:
        ValueError: there are several heads, whose order is arbitrary.

    Source: von Oswald et al. 2023, arXiv 2212.07677, section 3 (interpolation after a rescaling of the products).

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import gradient_step
        >>> step = canonical(gradient_step(jnp.zeros((1, 1)), rate=2.0, demonstrations=1))
        >>> step.key[0].tolist(), step.value[0].tolist()  # what W_V P is
        ([[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, -2.0]])
    """
    heads = weights.query.shape[0]
    if heads != 1:
        raise ValueError(f"canonical: expected one head, got {heads}, whose order is arbitrary; compare head by head")
    scores, moves = weights.query[0] @ weights.key[0].T, weights.value[0] @ weights.output[0]
    m = scores.shape[0]
    on_inputs = scores[: m - outputs, : m - outputs]
    sign = jnp.where(jnp.trace(on_inputs) < 0, -1, 1).astype(scores.dtype)
    size = sign * jnp.linalg.norm(on_inputs) / jnp.sqrt(jnp.asarray(m - outputs, scores.dtype))
    identity = jnp.eye(m, dtype=scores.dtype)[None]
    return Projections((scores / size)[None], identity, (moves * size)[None], identity)


def interpolate(
    first: LinearTransformer, second: LinearTransformer, share: float | Float[Array, ""], outputs: int = 1
) -> LinearTransformer:
    """The weights (1 - share) first + share second, both in canonical form.

    Args:
        first: the layers at share 0.
        second: the layers at share 1.
        share: of the second.
        outputs: dv, the width of a target.

    Raises:
        ValueError: stacks of different depth.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import descent_stack, predict, prompt
        >>> tokens = prompt(jnp.array([[1.0]]), jnp.array([[4.0]]), query=jnp.array([1.0]))
        >>> slow, fast = (descent_stack([rate], dimension=1, demonstrations=1) for rate in (0.25, 0.75))
        >>> predict(interpolate(slow, fast, share=0.5), tokens).tolist()  # a step of rate 0.5
        [2.0]
    """
    if len(first) != len(second):
        raise ValueError(f"interpolate: the stacks must have the same depth, got {len(first)} and {len(second)} layers")

    def mix(x: Float[Array, "*a"], y: Float[Array, "*a"]) -> Float[Array, "*a"]:
        t = jnp.asarray(share, x.dtype)
        return (1 - t) * x + t * y

    pairs = zip(first, second, strict=True)
    return tuple(jax.tree.map(mix, canonical(a, outputs), canonical(b, outputs)) for a, b in pairs)
