r"""Weights that make a layer of linear self-attention one step of gradient descent on the demonstrations.

The loss is $L(W) = \frac{1}{2N}\sum_{i\le N}\|W x_i - y_i\|^2$, the tokens are $e_i = [x_i; y_i]$, and the query is
attended to by nobody. Weights act on rows, so each is the transpose of the paper's matrix.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.incontext.linear_transformer import LinearTransformer, Projections

__all__ = ["Scalar", "descent_stack", "gd_plus_plus_stack", "gd_plus_plus_step", "gradient_step", "preconditioned_step"]

Scalar = float | Float[Array, ""]


def gradient_step(initial: Float[Array, "dv d"], rate: Scalar, demonstrations: int) -> Projections:
    r"""One step from $W_0$: every token's target loses what the step adds to its prediction.

    $$W_K = W_Q = \begin{pmatrix}I&0\\0&0\end{pmatrix},\quad W_V = \begin{pmatrix}0&0\\W_0&-I\end{pmatrix},\quad
    P = \tfrac{\eta}{N} I:\qquad (x_j, y_j) \leftarrow (x_j,\ y_j - \Delta W x_j),\quad
    \Delta W = -\eta\nabla L(W_0)$$

    A query that starts with target 0 ends with $-\Delta W x_q$. If the targets are already residuals,
    $y_j - W_0 x_j$ (of the query $-W_0 x_q$), the same step is `initial = 0`, and it leaves the residuals of $W_1$.

    Args:
        initial: W_0; its dtype is that of the weights.
        rate: eta.
        demonstrations: N.

    Raises:
        ValueError: there is no demonstration.

    Source: von Oswald et al. 2023, arXiv 2212.07677, proposition 1.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import predict, prompt
        >>> tokens = prompt(jnp.array([[1.0, 2.0]]), jnp.array([[5.0]]), query=jnp.array([3.0, 4.0]))
        >>> step = gradient_step(jnp.zeros((1, 2)), rate=0.5, demonstrations=1)
        >>> predict((step,), tokens).tolist()  # W_1 = 0.5 * 5 (1, 2)
        [27.5]
    """
    dv, d = initial.shape
    dtype = initial.dtype
    reads_input = _blocks(jnp.eye(d, dtype=dtype), jnp.zeros((dv, dv), dtype))
    error = jnp.concatenate([initial.T, -jnp.eye(dv, dtype=dtype)])
    value = jnp.concatenate([jnp.zeros((d + dv, d), dtype), error], axis=1)
    return _head(
        reads_input, reads_input, value, _per_sample(rate, demonstrations, dtype) * jnp.eye(d + dv, dtype=dtype)
    )


def gd_plus_plus_step(
    dimension: int,
    outputs: int,
    rate: Scalar,
    correction: Scalar,
    demonstrations: int,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> Projections:
    r"""One step of GD++: a gradient step on residual targets and, at once, a step that shrinks the inputs.

    $$x_j \leftarrow (I - \gamma X X^\top)\,x_j,\qquad y_j \leftarrow y_j - \tfrac{\eta}{N} Y X^\top x_j$$

    with $X = [x_1 \dots x_N]$ and $Y$ as they stand before the layer. $W_V = I$, $P = -\mathrm{diag}(\gamma I_d,
    \frac{\eta}{N} I_{d_v})$.

    Args:
        dimension: d.
        outputs: dv.
        rate: eta.
        correction: gamma.
        demonstrations: N.
        dtype: of the weights.

    Source: von Oswald et al. 2023, arXiv 2212.07677, appendix (GD++).

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import layer, prompt
        >>> tokens = prompt(jnp.array([[1.0]]), jnp.array([[4.0]]), query=jnp.array([1.0]))
        >>> step = gd_plus_plus_step(dimension=1, outputs=1, rate=0.5, correction=0.25, demonstrations=1)
        >>> layer(step, tokens).tolist()  # x = 1 - 0.25, y = 4 - 0.5 * 4; the query: y = 0 - 0.5 * 4
        [[0.75, 2.0], [0.75, -2.0]]
    """
    _check_count(demonstrations)
    reads_input = _blocks(jnp.eye(dimension, dtype=dtype), jnp.zeros((outputs, outputs), dtype))
    shrink = -jnp.asarray(correction, dtype) * jnp.eye(dimension, dtype=dtype)
    descend = -_per_sample(rate, demonstrations, dtype) * jnp.eye(outputs, dtype=dtype)
    return _head(reads_input, reads_input, jnp.eye(dimension + outputs, dtype=dtype), _blocks(shrink, descend))


def preconditioned_step(preconditioner: Float[Array, "d d"], outputs: int, demonstrations: int) -> Projections:
    r"""One preconditioned step on residual targets, $W \leftarrow W - \nabla L(W)\,A^\top$.

    For one output w this is $w \leftarrow w - A\nabla L(w)$. The query matrix is $\mathrm{diag}(A^\top, 0)$; the
    transpose matters only if A is not symmetric, which the paper takes it to be.

    Args:
        preconditioner: A; eta I is plain gradient descent.
        outputs: dv.
        demonstrations: N.

    Source: Ahn et al. 2023, arXiv 2306.00297, lemma 1.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import predict, prompt
        >>> tokens = prompt(jnp.array([[1.0, 2.0]]), jnp.array([[5.0]]), query=jnp.array([3.0, 4.0]))
        >>> step = preconditioned_step(jnp.diag(jnp.array([1.0, 0.5])), outputs=1, demonstrations=1)
        >>> predict((step,), tokens).tolist()  # 5 (1, 2) A (3, 4)'
        [35.0]
    """
    d, dtype = preconditioner.shape[0], preconditioner.dtype
    nothing = jnp.zeros((outputs, outputs), dtype)
    # rows: <e_i W_K, e_j W_Q> = x_i' A' x_j
    query, key = _blocks(preconditioner, nothing), _blocks(jnp.eye(d, dtype=dtype), nothing)
    writes_target = _blocks(jnp.zeros((d, d), dtype), jnp.eye(outputs, dtype=dtype))
    return _head(query, key, -writes_target, _per_sample(1.0, demonstrations, dtype) * writes_target)


def descent_stack(
    rates: Sequence[Scalar],
    dimension: int,
    demonstrations: int,
    *,
    outputs: int = 1,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> LinearTransformer:
    """One layer a rate: K steps of gradient descent on residual targets, from W_0 = 0 where the targets are raw.

    Args:
        rates: eta_k, on the mean loss.
        dimension: d.
        demonstrations: N.
        outputs: dv.
        dtype: of the weights.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import predict, prompt
        >>> tokens = prompt(jnp.array([[1.0]]), jnp.array([[4.0]]), query=jnp.array([1.0]))
        >>> predict(descent_stack([0.5, 0.5], dimension=1, demonstrations=1), tokens).tolist()  # 4 (1 - 0.5^2)
        [3.0]
    """
    zero = jnp.zeros((outputs, dimension), dtype)
    return tuple(gradient_step(zero, rate, demonstrations) for rate in rates)


def gd_plus_plus_stack(
    rates: Sequence[Scalar],
    corrections: Sequence[Scalar],
    dimension: int,
    demonstrations: int,
    *,
    outputs: int = 1,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> LinearTransformer:
    """One layer a pair (eta, gamma): K steps of GD++; the last correction no longer changes the prediction.

    Args:
        rates: eta_k, on the mean loss.
        corrections: gamma_k.
        dimension: d.
        demonstrations: N.
        outputs: dv.
        dtype: of the weights.

    Raises:
        ValueError: not one correction a rate.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import predict, prompt
        >>> tokens = prompt(jnp.array([[1.0]]), jnp.array([[4.0]]), query=jnp.array([1.0]))
        >>> params = gd_plus_plus_stack([0.5, 0.5], [0.5, 0.0], dimension=1, demonstrations=1)
        >>> predict(params, tokens).tolist()  # 0.5 * 4, then 0.5 * 2 * 0.5^2, inputs being half as long
        [2.25]
    """
    if len(rates) != len(corrections):
        raise ValueError(
            f"gd_plus_plus_stack: every rate needs a correction, got {len(rates)} rates, {len(corrections)} corrections"
        )
    return tuple(
        gd_plus_plus_step(dimension, outputs, rate, correction, demonstrations, dtype)
        for rate, correction in zip(rates, corrections, strict=True)
    )


def _blocks(upper: Float[Array, "a a"], lower: Float[Array, "b b"]) -> Float[Array, "m m"]:
    """The block-diagonal matrix of two blocks."""
    right = jnp.zeros((upper.shape[0], lower.shape[1]), upper.dtype)
    top, bottom = jnp.concatenate([upper, right], axis=1), jnp.concatenate([right.T, lower], axis=1)
    return jnp.concatenate([top, bottom])


def _head(
    query: Float[Array, "m m"], key: Float[Array, "m m"], value: Float[Array, "m m"], output: Float[Array, "m m"]
) -> Projections:
    return Projections(query[None], key[None], value[None], output[None])


def _per_sample(rate: Scalar, demonstrations: int, dtype: jax.typing.DTypeLike) -> Float[Array, ""]:
    _check_count(demonstrations)
    return jnp.asarray(rate, dtype) / jnp.asarray(demonstrations, dtype)


def _check_count(demonstrations: int) -> None:
    if demonstrations < 1:
        raise ValueError(f"a step on the mean loss needs at least one demonstration, got {demonstrations}")
