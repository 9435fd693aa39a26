r"""The dual of a stack of linear layers, written apart from attention: gradient steps on an explicit matrix.

$$L(W) = \frac12\sum_i\lVert y_i - Wx_i\rVert^2,\qquad
W_\ell = W_{\ell-1} - \eta_\ell\,\nabla L(W_{\ell-1})\,M_\ell,\qquad
M = \mathrm{diag}(\rho,\dots,\rho,1-\rho,\dots,1-\rho)$$

The metric M of a step is the weight of the layer's two blocks. A step shrinks all errors iff
$\eta\le 2/\lambda_{\max}(XMX^\top)$.
"""

# the stubs of jax leave parts of functions under grad without types
# pyright: reportUnknownMemberType=false

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.stability import largest_curvature
from lrgd_jax.item_models.stack import Params, blocks

__all__ = ["cosine", "curvatures", "explicit_predictions", "residual_growth", "step_metric"]


def step_metric(params: Params, layer: int, width: int, text_width: int) -> Float[Array, " d"]:
    """The diagonal of M.

    Args:
        params: the scalars of a stack.
        layer: which.
        width: of a vector.
        text_width: where its text ends.
    """
    share = jax.nn.sigmoid(params[f"layer{layer}"]["mix"])
    return blocks(width, text_width, share, 1 - share)


def explicit_predictions(
    params: Params,
    layers: int,
    text_width: int,
    question: Float[Array, " d"],
    shown: Float[Array, "n d"],
    targets: Float[Array, "n d"],
    there: Bool[Array, " n"],
) -> Float[Array, "layers1 d"]:
    """W q before the first step and after each, as `predictions` gives it for linear layers by attention.

    Args:
        params: the scalars of a stack of linear layers.
        layers: how many.
        text_width: where the text of a vector ends.
        question: q.
        shown: x_i.
        targets: y_i.
        there: which places hold a demonstration.
    """
    shared, width = params["shared"], question.shape[0]

    def loss(weights: Float[Array, "d d"]) -> Float[Array, ""]:
        errors = jnp.where(there[:, None], targets - shown @ weights.T, 0)
        return jnp.sum(errors**2) / 2

    weights = jnp.diag(blocks(width, text_width, shared["text_prior"], shared["signature_prior"]))
    after = [weights @ question]
    for k in range(layers):
        step = jnp.exp(params[f"layer{k}"]["step"])
        weights = weights - step * jax.grad(loss)(weights) * step_metric(params, k, width, text_width)[None]
        after.append(weights @ question)
    return jnp.stack(after)


def curvatures(metric: Float[np.ndarray, " d"], shown: Float[np.ndarray, "q n d"]) -> Float[np.ndarray, " q"]:
    r"""$\lambda_{\max}(XMX^\top)$ of every question's demonstrations.

    Args:
        metric: the diagonal of M.
        shown: x_i, zero where there is no demonstration.
    """
    return np.array([largest_curvature(x * np.sqrt(metric)) or 0.0 for x in shown])


def residual_growth(
    metric: Float[np.ndarray, " d"],
    shown: Float[np.ndarray, "q n d"],
    errors: Float[np.ndarray, "q n d"],
    *,
    factor: float,
    layers: int,
) -> Float[np.ndarray, " q"]:
    r"""How many times as large the errors are after some linear layers of step factor / lambda_max.

    Args:
        metric: the diagonal of M.
        shown: x_i.
        errors: y_i - W_0 x_i.
        factor: of the step; the errors shrink up to 2.
        layers: how many.
    """
    grown: list[float] = []
    for x, r in zip(shown.astype(np.float64), errors.astype(np.float64), strict=True):
        gram = (x * metric) @ x.T
        values, vectors = np.linalg.eigh(gram)
        powers = np.abs(1 - factor * values / max(values.max(), np.finfo(float).tiny)) ** layers
        grown.append(float(np.linalg.norm(powers[:, None] * (vectors.T @ r)) / np.linalg.norm(r)))
    return np.array(grown)


def cosine(one: Float[np.ndarray, "q n"], other: Float[np.ndarray, "q n"]) -> Float[np.ndarray, " q"]:
    """The cosine of the angle between the rows of two arrays; rows that are zero have none and are left out."""
    product, sizes = (one * other).sum(axis=1), np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return product[sizes > 0] / sizes[sizes > 0]
