"""How fast descent on the demonstrations approaches its optimum, from the spectrum of their kernel matrix."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import inverse_moment
from lrgd_jax.effect import DescentSpectrum, excess_loss


def positive_ridge(ridge):
    return {"ridge": 0.25 + ridge * ridge}


def reflection(direction):
    """A Householder reflection, orthogonal and rational in its direction, whose first entry is one."""
    u = jnp.concatenate([jnp.ones_like(direction[:1]), direction[1:]])
    return jnp.eye(u.shape[0], dtype=u.dtype) - 2 * jnp.outer(u, u) / jnp.vdot(u, u)


def keys_of(left, right, singular):
    m = singular.shape[0]
    return (reflection(left)[:, :m] * singular[None, :]) @ reflection(right)[:, :m].T


def descend(left, right, singular, values, start, rate, ridge, steps):
    """Steps on the written loss, then the loss less its value at the optimum, which one Newton step reaches."""
    keys = keys_of(left, right, singular)

    def loss(weights):
        errors = keys @ weights.T - values
        return (jnp.sum(errors * errors) + ridge * jnp.sum((weights - start) ** 2)) / 2

    weights = start
    for _ in range(steps):
        weights = weights - rate * jax.grad(loss)(weights)
    optimum = start - jax.grad(loss)(start) @ inverse_moment(keys, ridge)
    return loss(weights) - loss(optimum)


def by_direction(left, right, singular, values, start, ridge, shrinkage=1):
    """Curvature and excess of each eigenvector of the kernel matrix, which is Z diag(singular^2) Z'."""
    m = singular.shape[0]
    eigenvalues = singular * singular
    # of the residuals; the keys' own rows are Z diag(singular) Q'
    missing = reflection(left)[:, :m].T @ values - singular[:, None] * (reflection(right)[:, :m].T @ start.T)
    curvatures = eigenvalues + ridge
    share = shrinkage * eigenvalues / curvatures + (1 - shrinkage)
    return DescentSpectrum(curvatures, share * jnp.sum(missing * missing, axis=1) / 2)


def spectral(left, right, singular, values, start, rate, ridge, steps):
    return excess_loss(by_direction(left, right, singular, values, start, ridge), steps=steps, learning_rate=rate)


def ridge_missing_from_the_rate(left, right, singular, values, start, rate, ridge, steps):
    correct = by_direction(left, right, singular, values, start, ridge)
    return excess_loss(DescentSpectrum(singular * singular, correct.excess), steps=steps, learning_rate=rate)


def every_residual_learnt(left, right, singular, values, start, rate, ridge, steps):
    """As if the optimum met every target in spite of the ridge."""
    spectrum = by_direction(left, right, singular, values, start, ridge, shrinkage=0)
    return excess_loss(spectrum, steps=steps, learning_rate=rate)


claim = Claim(
    slug="convergence-from-the-spectrum",
    title="How fast descent approaches its optimum follows from the spectrum of the kernel matrix",
    group="D",
    statement=r"""
Let $L(W) = \frac12\sum_i\|Wk_i-v_i\|^2+\frac\lambda2\|W-W_0\|^2$ over any set $D$ of demonstrations, $K = U\,\mathrm{diag}(\mu)\,U^\top$ their kernel matrix $K_{ij} = k_i^\top k_j$, and
$R$ the residuals, with rows $v_i-W_0k_i$. With $h_j = \mu_j+\lambda$, $T$ full-batch steps of size $\eta$ from $W_0$ end above the optimum by
$$L(W_T)-L(W_*) = \sum_{j:\,\mu_j>0}\frac{\mu_j}{2h_j}\,\|u_j^\top R\|^2\,(1-\eta h_j)^{2T} .$$
Hence the mean factor $\rho_T(D) = \big((L(W_T)-L(W_*))/(L(W_0)-L(W_*))\big)^{1/2T}$ by which a step comes nearer to the optimum, and with $D\setminus i$ in the place of $D$ what a demonstration
gains for the speed of convergence, $\rho_T(D\setminus i)-\rho_T(D)$. As $T\to\infty$, $\rho_T$ tends to the largest $|1-\eta h_j|$ with $\mu_j>0$ and $u_j^\top R\ne0$.
""",
    assumptions=(
        "$\\lambda > 0$ (at $\\lambda = 0$ the sum is the same, with $h_j = \\mu_j$)",
        "no limit on $\\eta$: the identity also holds where the steps diverge",
    ),
    proof=r"""
$\nabla L(W) = (W-W_*)H$ with $H = \sum_ik_ik_i^\top+\lambda I$, so $W_T-W_* = (W_0-W_*)(I-\eta H)^T$, and $L(W)-L(W_*) = \frac12\mathrm{tr}\,(W-W_*)H(W-W_*)^\top$. With the keys as rows of
$X = U\,\mathrm{diag}(\sqrt\mu)\,Q^\top$ the optimum is $W_*-W_0 = R^\top X H^{-1} = \sum_jR^\top u_j\frac{\sqrt{\mu_j}}{h_j}q_j^\top$, and $Hq_j = h_jq_j$, so direction $j$ adds
$\frac12\|u_j^\top R\|^2\frac{\mu_j}{h_j^2}h_j(1-\eta h_j)^{2T}$. $\square$

Without ridge and for $\eta\max_jh_j\le1$ no demonstration accelerates the descent in the worst case: the least eigenvalue of a kernel matrix does not grow by a row (Cauchy's interlacing).
What it accelerates are directions that the others have: the $j$-th largest eigenvalue does not fall.

The keys are built from Householder reflections, as for `many-steps-is-a-spectral-filter`, so that nothing has to be decomposed.
""",
    source="Yao, Rosasco and Caponnetto 2007, On early stopping in gradient descent learning, section 2; interlacing: Horn & Johnson, Matrix Analysis, theorem 4.3.17; the gain is ours",
    arguments={
        "left": "m+a",
        "right": "m+b",
        "singular": "m",
        "values": "m+a dv",
        "start": "dv m+b",
        "rate": "",
        "ridge": "",
    },
    dimensions={"m": (1, 2), "a": (0, 1), "b": (0, 1), "dv": (1, 2), "steps": (1, 3)},
    shapes=(
        {"m": 2, "a": 1, "b": 0, "dv": 1, "steps": 2},
        {"m": 2, "a": 0, "b": 1, "dv": 1, "steps": 1},
        {"m": 1, "a": 0, "b": 0, "dv": 2, "steps": 3},
    ),
    given=positive_ridge,
    left=descend,
    right=spectral,
    mutants=(
        Mutant("the ridge is missing from the rate", ridge_missing_from_the_rate),
        Mutant("one step less", alter(spectral, steps=lambda steps: steps - 1)),
        Mutant("the optimum meets every target", every_residual_learnt),
        Mutant("the initial weights are left out", alter(spectral, start=lambda start: 0 * start)),
    ),
)
