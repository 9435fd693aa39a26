"""How far a perturbation can move an output, before or after it is known. Proofs: claim `perturbation-bound`."""

from functools import singledispatch

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.dual import DualModel, FunctionalDual
from lrgd_jax.dual.base import OneStepModel
from lrgd_jax.kernels import ExponentialKernel, default_scale, log_gram
from lrgd_jax.robust.prediction import check_radius
from lrgd_jax.robust.problem import Problem

__all__ = [
    "kernel_distance",
    "key_bound",
    "logit_range",
    "query_bound",
    "ratio_bound",
    "target_bound",
    "value_diameter",
]


def target_bound(problem: Problem, radius: float | Float[Array, ""]) -> Float[Array, ""]:
    r"""The largest change of the output over targets that move by at most $\varepsilon$: $\varepsilon\sum_i|a_i|$.

    It is attained; see `worst_targets`.

    Args:
        problem: the output.
        radius: epsilon.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> float(target_bound(problem, radius=0.5))  # 0.5 (|1| + |3|)
        2.0
    """
    return jnp.asarray(radius, problem.values.dtype) * jnp.sum(jnp.abs(problem.shares()))


def key_bound(problem: Problem, radius: float, *, lipschitz: float = 1.0) -> Float[Array, ""]:
    r"""How far the output moves if every key moves by at most $\varepsilon$.

    $$\varepsilon L\|\phi(q)\|\sum_i |s_i|\|v_i\|\ \text{(linear)},\qquad
    D\tanh\big(\tfrac{s}{2}\varepsilon\|q\|\big)\ \text{(softmax)},\quad D = \max_{ij}\|v_i-v_j\|.$$

    Args:
        problem: the output; linear attention without normaliser, or softmax attention.
        radius: epsilon.
        lipschitz: L of the feature map; 1 for the identity, relu and elu + 1.

    Raises:
        ValueError: the radius is not positive, or the attention is a normalised linear one, for which the keys must be
            known (`ratio_bound`).

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([0.0, 2.0]))
        >>> float(key_bound(problem, radius=0.5))  # 0.5 * 2 * (3 + 5)
        8.0
    """
    check_radius("key_bound", radius)
    return _key_bound(problem.model(), problem.point(), radius, lipschitz)


@singledispatch
def _key_bound(model: OneStepModel, point: Float[Array, " d"], radius: float, lipschitz: float) -> Float[Array, ""]:
    raise TypeError(f"key_bound: known for DualModel and FunctionalDual, got {type(model).__name__}")


@_key_bound.register
def _(model: FunctionalDual, point: Float[Array, " d"], radius: float, lipschitz: float) -> Float[Array, ""]:
    reach = _softmax_scale(model, "key_bound") * jnp.linalg.norm(point)
    return value_diameter(model) * jnp.tanh(reach * jnp.asarray(radius / 2, point.dtype))


@_key_bound.register
def _(model: DualModel, point: Float[Array, " d"], radius: float, lipschitz: float) -> Float[Array, ""]:
    if model.projective:
        raise ValueError(
            "key_bound: normalised linear attention has no such bound, its weights may vanish; "
            "perturb the keys and read the bound of that change"
        )
    _, targets, weights = model.data
    lengths = jnp.abs(weights) * jnp.linalg.norm(targets, axis=1)
    mapped = jnp.linalg.norm(model.feature_map(point))
    return jnp.asarray(radius * lipschitz, point.dtype) * mapped * jnp.sum(lengths)


def query_bound(problem: Problem, radius: float) -> Float[Array, ""]:
    r"""How far softmax attention moves if the query moves by at most $\varepsilon$.

    $$D\tanh\big(\tfrac{s}{4}\,\varepsilon\max_{ij}\|k_i-k_j\|\big)$$

    Args:
        problem: the output, of softmax attention.
        radius: epsilon.

    Raises:
        ValueError: the radius is not positive, or the attention is not softmax attention.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import SoftmaxAttention
        >>> from lrgd_jax.robust import Problem
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = Problem(SoftmaxAttention(), jnp.array([1.0, 2.0]), keys, values)
        >>> round(float(query_bound(problem, radius=0.5)), 3)  # 2 tanh(0.5 / (4 sqrt(2)))
        0.176
    """
    check_radius("query_bound", radius)
    return _query_bound(problem.model(), radius)


@singledispatch
def _query_bound(model: OneStepModel, radius: float) -> Float[Array, ""]:
    raise ValueError("query_bound: known for softmax attention; linear attention is linear in phi(q), with W_1")


@_query_bound.register
def _(model: FunctionalDual, radius: float) -> Float[Array, ""]:
    scale, keys = _softmax_scale(model, "query_bound"), _all_tokens(model)
    reach = jnp.asarray(scale * radius / 4, keys.dtype) * _diameter(keys, _weights(model) > 0)
    return value_diameter(model) * jnp.tanh(reach)


def ratio_bound(before: Problem, after: Problem) -> Float[Array, ""]:
    r"""How far a normalised output with positive weights moves when its keys or its query do.

    $$\|\Delta o\| \le D\tanh(R/4),\qquad R = \max_i z_i - \min_i z_i,\quad
    z_i = \log\frac{\kappa(\tilde k_i, \tilde q)}{\kappa(k_i, q)},$$

    over the tokens that count, those of the zero-shot context included. It needs positive kernel values.

    Args:
        before: the output as it is.
        after: with its keys or its query moved.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax import SoftmaxAttention
        >>> from lrgd_jax.robust import Problem
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = Problem(SoftmaxAttention(), jnp.array([1.0, 2.0]), keys, values)
        >>> moved = problem.moved(keys=jnp.array([[0.0, 1.0], [0.0, 0.0]]))
        >>> change = moved.output() - problem.output()
        >>> round(float(jnp.linalg.norm(change)), 3), round(float(ratio_bound(problem, moved)), 3)
        (0.609, 0.679)
    """
    return value_diameter(before.model()) * jnp.tanh(logit_range(before, after) / 4)


def logit_range(before: Problem, after: Problem) -> Float[Array, ""]:
    """R: how far apart the changes of the logits (of the logarithms of the kernel) lie, over the tokens that count."""
    models, points = (before.model(), after.model()), (before.point(), after.point())
    logs = [log_gram(model.kernel, point, _all_tokens(model)) for model, point in zip(models, points, strict=True)]
    counted = _weights(models[0]) > 0
    growth = jnp.where(counted, logs[1] - logs[0], jnp.zeros_like(logs[0]))
    largest = jnp.max(jnp.where(counted, growth, jnp.full_like(growth, -jnp.inf)))
    return largest - jnp.min(jnp.where(counted, growth, jnp.full_like(growth, jnp.inf)))


def kernel_distance(model: OneStepModel, x: Float[Array, "n d"], y: Float[Array, "n d"]) -> Float[Array, " n"]:
    r"""Distances of features, $\|\phi(x_i)-\phi(y_i)\| = \sqrt{\kappa(x,x) - 2\kappa(x,y) + \kappa(y,y)}$."""
    kernel = jax.vmap(model.kernel)
    square = kernel(x, x) - 2 * kernel(x, y) + kernel(y, y)
    return jnp.sqrt(jnp.maximum(square, jnp.zeros_like(square)))


def value_diameter(model: OneStepModel) -> Float[Array, ""]:
    r"""The diameter $D = \max_{ij}\|v_i-v_j\|$ over the tokens that count, those of f_0 included.

    Raises:
        ValueError: a finite dual starts from weights other than zero, off which no values can be read.
    """
    targets, counted = jnp.concatenate([model.context()[1], model.targets]), _weights(model) > 0
    last = jnp.where(counted, targets[:, -1], jnp.ones_like(targets[:, -1]))
    return _diameter(targets[:, :-1] / last[:, None], counted)


def _diameter(x: Float[Array, "n d"], counted: Bool[Array, " n"]) -> Float[Array, ""]:
    """The largest distance of two rows that count."""
    squares = jnp.sum((x[:, None, :] - x[None, :, :]) ** 2, axis=-1)
    return jnp.sqrt(jnp.max(jnp.where(counted[:, None] & counted[None, :], squares, jnp.zeros_like(squares))))


def _weights(model: OneStepModel) -> Float[Array, " _"]:
    """The weight of every token: of those that f_0 is made of, then of the demonstrations."""
    _, targets, weights = model.data
    return jnp.concatenate([model.context()[1][:, -1], weights * targets[:, -1]])


def _all_tokens(model: OneStepModel) -> Float[Array, "_ d"]:
    """The tokens that f_0 is made of, then the demonstrations."""
    return jnp.concatenate([model.context()[0], model.inputs])


def _softmax_scale(model: FunctionalDual, what: str) -> float:
    kernel = model.kernel
    if not isinstance(kernel, ExponentialKernel):
        raise ValueError(f"{what}: known for the exponential kernel, got {type(kernel).__name__}")
    return default_scale(model.inputs.shape[1]) if kernel.scale is None else kernel.scale
