r"""What more demonstrations buy: the test error of the one-step and the ridge dual, under proven bounds.

A task is $w \sim N(0, \tau^2 I_d)$; demonstrations are $x_i \sim N(0, I_d)$, $y_i = w^\top x_i + \sigma\varepsilon_i$.
The excess test error of $\hat w$ is $\mathbb E_x (\hat w^\top x - w^\top x)^2 = \|\hat w - w\|^2$. Put $\lambda =
\sigma^2/\tau^2$, $B = \tau^2 d$ and $A = (d + 1 + \lambda)/N$.
"""

import functools
import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.dual import DualModel
from lrgd_jax.experiments.contexts.config import DUALS, Config
from lrgd_jax.experiments.running.interface import Value

if TYPE_CHECKING:
    pass


def units(config: Config) -> list[str]:
    """One for each repetition and number of demonstrations."""
    return [f"seed={seed}/demonstrations={n}" for seed in range(config.seeds) for n in config.demonstrations]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a dual: its error, averaged over tasks, and the bounds."""
    seed, n = (int(part.partition("=")[2]) for part in unit.split("/"))
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), n), config.tasks)
    measured = _measure(keys, n=n, config=config)
    rows: list[dict[str, Value]] = []
    for dual, mean in zip(DUALS, (one_step_mean(config, n), ridge_mean_bound(config, n)), strict=True):
        tested, error, bound = (np.asarray(x, np.float64) for x in measured[dual])
        row = {"seed": seed, "demonstrations": n, "dual": dual, "tasks": config.tasks}
        row |= {"tested_error": float(tested.mean()), "error": float(error.mean())}
        row |= {"standard_error": float(error.std(ddof=1) / math.sqrt(config.tasks)), "mean_bound": mean}
        row |= {"lower_bound": ridge_lower_bound(config, n), "task_bound": float(bound.mean())}
        rows.append({**row, "exceeded": int(np.sum(error > bound))})
    return rows


def one_step_rate(config: Config, n: int) -> float:
    r"""The rate of least mean error, $\eta = 1/(1 + A)$; derived in `one_step_mean`."""
    return 1 / (1 + config.spread / n)


def one_step_mean(config: Config, n: int) -> float:
    r"""The mean error of one step at the best rate, exactly: $B\,A/(1 + A)$.

    Proof. One step from zero on $\tfrac1{2N}\sum(w^\top x_i - y_i)^2$ gives $\hat w = \eta(Sw + z)$ with $S =
    \tfrac1N\sum x_i x_i^\top$, $z = \tfrac\sigma N\sum\varepsilon_i x_i$. $\mathbb E S = I$; from Gaussian fourth
    moments $\mathbb E S^2 = (1 + \tfrac{d+1}N) I$; $\mathbb E\|z\|^2 = \sigma^2 d/N$, and z has no correlation with
    the rest. So $\mathbb E\|\hat w - w\|^2 = B\big[(1 - \eta)^2 + \eta^2 A\big]$, which is least at $\eta = 1/(1+A)$.
    """
    return config.prior**2 * config.spread / (n + config.spread)


def ridge_mean_bound(config: Config, n: int) -> float:
    r"""A bound on the mean error of the ridge dual: $\min\big(\tfrac{B A}{1+A},\ \tfrac{\sigma^2 d}{N - d - 1}\big)$.

    Proof. With ridge $\sigma^2/\tau^2$ the dual is the mean of the posterior, whose mean error no other function of the
    demonstrations undercuts: neither that of one step nor, for $N > d + 1$, that of least squares, which is
    $\sigma^2\,\mathbb E\operatorname{tr}(X^\top X)^{-1} = \sigma^2 d/(N - d - 1)$ (inverse Wishart).
    """
    least_squares = config.noise**2 * config.width / (n - config.width - 1) if n > config.width + 1 else math.inf
    return min(one_step_mean(config, n), least_squares)


def ridge_lower_bound(config: Config, n: int) -> float:
    r"""What no dual's mean error can undercut: $\sigma^2 d/(N + \lambda)$.

    Proof. The least mean error is $\sigma^2\,\mathbb E\operatorname{tr}(X^\top X + \lambda I)^{-1}$; the trace of the
    inverse is convex, and $\mathbb E X^\top X = N I$ (Jensen).
    """
    return config.noise**2 * config.width / (n + config.ridge)


def half_squares(
    predictions: Float[Array, "n dv"], targets: Float[Array, "n dv"], sample_weights: Float[Array, " n"]
) -> Float[Array, ""]:
    r"""The loss of both duals, $\tfrac12\sum_i s_i\|F_i - y_i\|^2$."""
    return jnp.sum(sample_weights * jnp.sum((predictions - targets) ** 2, axis=1)) / 2


def task_bound(offset: Float[Array, " d"], variances: Float[Array, " d"], delta: float) -> Float[Array, ""]:
    r"""A bound on one task's error that fails with probability at most delta, from its demonstrations alone.

    $$\|\hat w - w\|^2 \le \|\mu\|^2 + \operatorname{tr}C + 2\sqrt{(\|C\|_F^2 + 2\mu^\top C\mu)\,t} + 2\|C\|t,\qquad
    C = \sigma^2(X^\top X + \lambda I)^{-1},\quad t = \ln(1/\delta)$$

    Proof. Given the demonstrations, $w \sim N(m, C)$ with m the ridge solution; put $\mu = \hat w - m$. In the
    eigenvectors of C the error is $\sum_j(\mu_j + \sqrt{c_j}g_j)^2$ with standard normal g, of mean $\|\mu\|^2 +
    \operatorname{tr}C$. For $0 < 2uc_j < 1$ the logarithm of the moment generating function of a centred term is
    $\tfrac{2u^2c_j\mu_j^2}{1 - 2uc_j} - \tfrac12\ln(1 - 2uc_j) - uc_j \le \tfrac{u^2(c_j^2 + 2c_j\mu_j^2)}{1 -
    2uc_j}$. The sum over j is at most $u^2V/(1 - 2u\|C\|)$, $V = \|C\|_F^2 + 2\mu^\top C\mu$, and Chernoff's bound at
    the best u gives the tail $e^{-t}$ beyond $2\sqrt{Vt} + 2\|C\|t$ (Laurent & Massart, lemma 1, is the case $\mu =
    0$).

    Args:
        offset: mu, the dual's weights less the ridge solution, in the eigenvectors of C.
        variances: c_j, the eigenvalues of C.
        delta: of the statement.
    """
    t = jnp.asarray(math.log(1 / delta), offset.dtype)
    growth = jnp.sum(variances * (variances + 2 * offset**2))
    deviation = 2 * jnp.sqrt(growth * t) + 2 * jnp.max(variances) * t
    return jnp.sum(offset**2) + jnp.sum(variances) + deviation


@functools.partial(jax.jit, static_argnames=("n", "config"))
def _measure(
    keys: PRNGKeyArray, *, n: int, config: Config
) -> dict[str, tuple[Float[Array, " tasks"], Float[Array, " tasks"], Float[Array, " tasks"]]]:
    """Of each dual and task: error on test points, error over all test points, bound."""
    dtype = jnp.dtype(config.dtype)
    prior, noise = (jnp.asarray(x, dtype) for x in (config.prior / math.sqrt(config.width), config.noise))

    def one(key: PRNGKeyArray) -> dict[str, tuple[Float[Array, ""], ...]]:
        task_key, input_key, noise_key, query_key = jax.random.split(key, 4)
        task = prior * jax.random.normal(task_key, (1, config.width), dtype)
        inputs = jax.random.normal(input_key, (n, config.width), dtype)
        targets = inputs @ task.T + noise * jax.random.normal(noise_key, (n, 1), dtype)
        queries = jax.random.normal(query_key, (config.queries, config.width), dtype)
        rate = one_step_rate(config, n) / n
        model = DualModel.untrained(inputs, targets, learning_rate=rate, objective=half_squares)
        solution, eigenvalues, vectors = _ridge(model, config.ridge)

        def tested(weights: Float[Array, "1 d"]) -> tuple[Float[Array, ""], ...]:
            errors = model.predict(weights, queries) - model.predict(task, queries)
            bound = task_bound((weights - solution)[0] @ vectors, noise**2 / eigenvalues, config.failure_probability)
            return jnp.mean(errors**2), jnp.sum((weights - task) ** 2), bound

        return {"one step": tested(model.train()), "ridge": tested(solution)}

    measured = jax.vmap(one)(keys)
    return {dual: (x[0], x[1], x[2]) for dual, x in measured.items()}


def _ridge(model: DualModel, ridge: float) -> tuple[Float[Array, "1 d"], Float[Array, " d"], Float[Array, "d d"]]:
    """The minimiser of the dual's loss plus ridge (one exact Newton step); the Hessian's eigenvalues and vectors."""
    zero = model.initial_weights[0]
    ones = jnp.ones(model.inputs.shape[:1], zero.dtype)

    def loss(weights: Float[Array, " d"]) -> Float[Array, ""]:
        return model.loss(weights[None], model.inputs, model.targets, ones) + ridge * jnp.sum(weights**2) / 2

    # one factorisation serves all: two batched ones in one program can block each other for ever on the CPU
    # (jaxlib 0.10.2 waits for its thread pool from within the pool)
    eigenvalues, vectors = jnp.linalg.eigh(jax.hessian(loss)(zero))
    return -((jax.grad(loss)(zero) @ vectors / eigenvalues) @ vectors.T)[None], eigenvalues, vectors
