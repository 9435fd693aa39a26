r"""The best that K steps can do on a distribution of tasks, and the best that any predictor can.

Weights and queries are isotropic, so the expected loss of a step schedule depends on a prompt only through the
eigenvalues s of $XX^\top$. With r the residual polynomial, $W_K - W_* = (0 - W_*)\,r(XX^\top)$ without noise,
$$\mathbb E\,\tfrac12(\hat y - w^\top x_q)^2 = \tfrac12 v_x\,\mathbb E\sum_j\Big[s_w^2\,r(s_j)^2
+ \sigma^2\,\frac{(1 - r(s_j))^2}{s_j}\Big],\qquad v_x = \mathbb E x_1^2 .$$
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.optimize import least_squares

from lrgd_jax.incontext.tasks import RegressionTasks

__all__ = [
    "Schedule",
    "bayes_loss",
    "expected_loss",
    "one_step",
    "optimal_schedule",
    "residual_polynomial",
    "ridge_prediction",
    "spectra",
    "zero_shot_loss",
]


class Schedule(NamedTuple):
    """Rates of K steps and the loss that they reach.

    Attributes:
        rates: eta_k, on the mean loss (1/2N) sum |W x_i - y_i|^2.
        corrections: gamma_k of GD++; zeros for plain descent.
        loss: expected (1/2) (prediction - w'x_q)^2.

    Examples:
        >>> tasks = RegressionTasks(dimension=1, demonstrations=1, inputs="normal")
        >>> best = one_step(tasks)
        >>> best.corrections, round(best.loss, 3)
        ((0.0,), 0.333)
    """

    rates: tuple[float, ...]
    corrections: tuple[float, ...]
    loss: float


def zero_shot_loss(tasks: RegressionTasks) -> float:
    """The loss of predicting zero, v_x s_w^2 d / 2.

    Args:
        tasks: the distribution of tasks.

    Examples:
        >>> zero_shot_loss(RegressionTasks(dimension=6, inputs="normal"))
        3.0
    """
    return tasks.input_variance * tasks.weight_scale**2 * tasks.dimension / 2


def one_step(tasks: RegressionTasks) -> Schedule:
    r"""The optimal learning rate of one step from zero, and its loss, in closed form.

    $$\eta^* = \frac{v}{b + \sigma^2 v/(N s_w^2)},\qquad
    b = \frac1{N d}\Big(d\,m_4 + d(d-1)v^2 + (N-1)\,d\,v^2\Big),\qquad
    L^* = \tfrac12 v s_w^2 d\,(1 - \eta^* v),$$

    where $v$ and $m_4$ are the second and fourth moment of an input's coordinate, and $b = \mathbb E\,\mathrm{tr}
    (XX^\top/N)^2/d$.

    Args:
        tasks: the distribution of tasks.

    Examples:
        >>> best = one_step(RegressionTasks(dimension=1, demonstrations=1, inputs="normal"))
        >>> round(best.rates[0], 3), round(best.loss, 3)  # E x^2 / E x^4 = 1/3
        (0.333, 0.333)
    """
    n, d, v = tasks.demonstrations, tasks.dimension, tasks.input_variance
    squared_norms = tasks.input_fourth_moment + (d - 1) * v**2
    curvature = (squared_norms + (n - 1) * v**2) / n
    rate = v / (curvature + tasks.noise**2 * v / (n * tasks.weight_scale**2))
    return Schedule((rate,), (0.0,), zero_shot_loss(tasks) * (1 - rate * v))


def spectra(tasks: RegressionTasks, key: PRNGKeyArray, samples: int = 4096) -> Float[np.ndarray, "samples d"]:
    """Eigenvalues of XX' for random prompts, in ascending order, each at least zero.

    Args:
        tasks: the distribution of tasks.
        key: of the prompts.
        samples: how many prompts are drawn.

    Raises:
        ValueError: there is no sample.

    Examples:
        >>> import jax
        >>> spectra(RegressionTasks(dimension=2, demonstrations=3), jax.random.key(0), samples=5).shape
        (5, 2)
    """
    if samples < 1:
        raise ValueError(f"spectra: at least one prompt must be drawn, got {samples}")
    inputs = np.asarray(tasks.draw_inputs(key, (samples, tasks.demonstrations, tasks.dimension)), np.float64)
    return np.maximum(np.linalg.eigvalsh(np.swapaxes(inputs, 1, 2) @ inputs), 0.0)


def residual_polynomial(
    eigenvalues: Float[np.ndarray, "*s"], rates: Sequence[float], corrections: Sequence[float], demonstrations: int
) -> Float[np.ndarray, "*s"]:
    r"""What K steps leave of an error along an eigenvector of $XX^\top$.

    $$r_{k+1} = r_k\big(1 - \tfrac{\eta_k}{N}\,s\,a_k^2\big),\qquad a_{k+1} = a_k(1 - \gamma_k\,s\,a_k^2),\qquad
    r_1 = a_1 = 1$$

    Args:
        eigenvalues: s.
        rates: eta_k.
        corrections: gamma_k; zeros for plain descent.
        demonstrations: N.

    Source: the second reading of the claim gd-plus-plus, in the eigenbasis.

    Examples:
        >>> import numpy as np
        >>> residual_polynomial(np.array([1.0, 2.0]), rates=[0.5], corrections=[0.0], demonstrations=1).tolist()
        [0.5, 0.0]
    """
    left, seen = np.ones_like(eigenvalues), np.ones_like(eigenvalues)
    for rate, correction in zip(rates, corrections, strict=True):
        curvature = eigenvalues * seen**2
        left, seen = left * (1 - rate / demonstrations * curvature), seen * (1 - correction * curvature)
    return np.asarray(left)


def expected_loss(
    tasks: RegressionTasks, eigenvalues: Float[np.ndarray, "samples d"], left: Float[np.ndarray, "samples d"]
) -> float:
    """The loss of a predictor that leaves the part r(s) of every error; noise included.

    Args:
        tasks: the distribution of tasks.
        eigenvalues: s, of random prompts.
        left: r(s).

    Examples:
        >>> import numpy as np
        >>> tasks = RegressionTasks(dimension=1, demonstrations=1, inputs="normal")
        >>> expected_loss(tasks, np.array([[1.0], [3.0]]), left=np.array([[0.5], [0.5]]))  # 0.5 * 0.5^2
        0.125
    """
    return float(np.sum(_errors(tasks, eigenvalues, left) ** 2) / len(eigenvalues) / 2)


def optimal_schedule(
    tasks: RegressionTasks,
    eigenvalues: Float[np.ndarray, "samples d"],
    steps: int,
    *,
    corrected: bool = False,
    tied: bool = False,
) -> Schedule:
    """The best learning rates (and GD++ corrections) of K steps from zero, by nonlinear least squares.

    Args:
        tasks: the distribution of tasks.
        eigenvalues: of random prompts, from `spectra`.
        steps: K.
        corrected: GD++, with a correction a step; else plain descent.
        tied: one rate and one correction for all steps, as in a looped transformer.

    Raises:
        ValueError: there is no step.

    Examples:
        >>> import numpy as np
        >>> tasks = RegressionTasks(dimension=1, demonstrations=1, inputs="normal")
        >>> best = optimal_schedule(tasks, np.array([[1.0], [1.0]]), steps=1)
        >>> round(best.rates[0], 3), round(best.loss, 3)
        (1.0, 0.0)
    """
    if steps < 1:
        raise ValueError(f"optimal_schedule: at least one step is needed, got {steps}")
    # a single correction changes no prediction, nor does the last one
    free = 0 if not corrected or steps == 1 else 1 if tied else steps - 1
    nodes, shares = _nodes(eigenvalues)
    mean = float(np.mean(eigenvalues))

    def schedule(parameters: Float[np.ndarray, " p"]) -> tuple[list[float], list[float]]:
        rates, corrections = np.split(parameters, [len(parameters) - free])
        if tied:
            rates, corrections = rates.repeat(steps), corrections.repeat(steps)
        padded = np.concatenate([corrections, np.zeros(steps - len(corrections))])
        return (rates * tasks.demonstrations / mean).tolist(), (padded / mean).tolist()

    def errors(parameters: Float[np.ndarray, " p"]) -> Float[np.ndarray, " s"]:
        left = residual_polynomial(nodes, *schedule(parameters), tasks.demonstrations)
        return np.nan_to_num(np.sqrt(shares) * _errors(tasks, nodes, left)).ravel()

    with np.errstate(all="ignore"):
        best = _best(errors, _starts(nodes / mean, 1 if tied else steps, free))
    rates, corrections = schedule(best)
    left = residual_polynomial(eigenvalues, rates, corrections, tasks.demonstrations)
    return Schedule(tuple(rates), tuple(corrections), expected_loss(tasks, eigenvalues, left))


def bayes_loss(tasks: RegressionTasks, eigenvalues: Float[np.ndarray, "samples d"]) -> float:
    r"""The loss of the posterior mean, which is ridge regression: $r(s) = \lambda/(s+\lambda)$,
    $\lambda = \sigma^2/s_w^2$; without noise, the part of w that no demonstration shows.

    Args:
        tasks: the distribution of tasks.
        eigenvalues: of random prompts.

    Examples:
        >>> import numpy as np
        >>> tasks = RegressionTasks(dimension=1, demonstrations=1, inputs="normal", noise=1.0)
        >>> bayes_loss(tasks, np.array([[1.0], [3.0]]))
        0.1875
    """
    penalty = (tasks.noise / tasks.weight_scale) ** 2
    shown = eigenvalues > np.finfo(np.float64).eps * np.max(eigenvalues) * tasks.dimension
    left = np.where(shown, penalty / np.where(shown, eigenvalues + penalty, 1.0), 1.0)
    return expected_loss(tasks, eigenvalues, left)


def ridge_prediction(tokens: Float[Array, "n_1 d_1"], penalty: float | Float[Array, ""]) -> Float[Array, ""]:
    r"""Ridge regression, $\hat w = \operatorname{argmin}_w\sum_i (w^\top x_i - y_i)^2 + \lambda\|w\|^2$.

    The posterior mean of w for lambda = sigma^2 / s_w^2; the solution of least norm for lambda = 0.

    Args:
        tokens: one prompt, the query last.
        penalty: lambda >= 0.

    Source: Garg et al. 2022, arXiv 2208.01066, section 3 (the optimal estimator).

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import prompt
        >>> tokens = prompt(jnp.array([[1.0]]), jnp.array([[4.0]]), query=jnp.array([1.0]))
        >>> round(float(ridge_prediction(tokens, penalty=1.0)), 3)  # w = 4 / (1 + 1)
        2.0
    """
    inputs, targets, query = tokens[:-1, :-1], tokens[:-1, -1], tokens[-1, :-1]
    d = inputs.shape[1]
    root = jnp.sqrt(jnp.asarray(penalty, tokens.dtype))
    rows = jnp.concatenate([inputs, root * jnp.eye(d, dtype=tokens.dtype)])
    weights, *_ = jnp.linalg.lstsq(rows, jnp.concatenate([targets, jnp.zeros((d,), tokens.dtype)]))
    return jnp.vdot(weights, query)


def _errors(
    tasks: RegressionTasks, eigenvalues: Float[np.ndarray, "*s"], left: Float[np.ndarray, "*s"]
) -> Float[np.ndarray, " 2 *s"]:
    """Numbers whose squares, summed over a prompt, are twice its loss: what is left of w, and what noise brings."""
    bias = tasks.weight_scale * left
    root = np.sqrt(np.where(eigenvalues > 0, eigenvalues, 1.0))
    variance = tasks.noise * (1 - left) / root
    return np.sqrt(tasks.input_variance) * np.stack([bias, variance])


def _nodes(
    eigenvalues: Float[np.ndarray, "samples d"], body: int = 1024, tail: int = 1024
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """The spectrum's density by few points: means of neighbours, and the largest ones singly, where polynomials grow.

    Returns:
        The points, and how many eigenvalues of a prompt each of them stands for.
    """
    ordered = np.sort(eigenvalues, axis=None)
    single = min(tail, ordered.size - 1)
    rest, largest = np.split(ordered, [ordered.size - single])
    parts = np.array_split(rest, min(body, rest.size))
    points = np.concatenate([[part.mean() for part in parts], largest])
    counts = np.concatenate([[part.size for part in parts], np.ones(single)])
    return points, counts / len(eigenvalues)


def _starts(eigenvalues: Float[np.ndarray, " nodes"], rates: int, free: int) -> list[Float[np.ndarray, " p"]]:
    """Rates at Chebyshev's nodes on the spectrum, in both orders, with small and larger corrections."""
    low, high = np.quantile(eigenvalues, (0.05, 0.95))
    angles = np.pi * (2 * np.arange(rates) + 1) / (2 * rates)
    nodes = (high + low) / 2 + (high - low) / 2 * np.cos(angles)
    if free == 0:
        return [1 / nodes]
    orders, sizes = (1 / nodes, 1 / nodes[::-1]), (0.02, 0.1, 0.2)
    return [np.concatenate([order, np.full(free, size)]) for order in orders for size in sizes]


def _best(
    errors: Callable[[Float[np.ndarray, " p"]], Float[np.ndarray, " s"]], starts: Sequence[Float[np.ndarray, " p"]]
) -> Float[np.ndarray, " p"]:
    fits = [least_squares(errors, start, max_nfev=100) for start in starts]
    return min(fits, key=lambda result: result.cost).x
