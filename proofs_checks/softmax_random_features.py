"""Positive random features are unbiased with a known variance; orthogonal ones are no worse. A statistical check."""

import math

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Integers, Mutant, Statistical
from lrgd_jax.features import PositiveRandomFeatures

FALSE_ALARM = 1e-9
"""Of one of the three estimates, hence a third of the claim's on one instance."""

BLOCKS = 1 + 2 * math.ceil(4 * math.log(1 / FALSE_ALARM))
"""Blocks of the median of means: at least 8 ln(1/delta), and odd so that the median is one of them."""

LENGTH = 0.4
"""Norm of x + y: the estimator is log-normal with this deviation, so the tests' own deviations stay small."""


def draw(x, y, seed, d, per_block):
    """Scales x + y to a known length, and draws the projections by the library's own functions."""
    shrink = LENGTH / jnp.maximum(jnp.linalg.norm(x + y), jnp.finfo(x.dtype).tiny)
    keys = jax.random.split(jax.random.key(seed), 2)
    rows = BLOCKS * per_block * d
    plain = PositiveRandomFeatures.draw(keys[0], rows, d, dtype=x.dtype)
    orthogonal = PositiveRandomFeatures.draw(keys[1], rows, d, orthogonal=True, dtype=x.dtype)
    return {
        "x": x * shrink,
        "y": y * shrink,
        "plain": plain.projection,
        "orthogonal": orthogonal.projection,
    }


def products(features, x, y):
    """R phi(x)_j phi(y)_j: one independent estimate of the kernel a row."""
    return features(x) * features(y) * features.projection.shape[0]


def median_of_means(samples):
    """The median of the means of blocks of equal size."""
    means = jnp.mean(samples.reshape(BLOCKS, samples.shape[0] // BLOCKS), axis=1)
    return jnp.sort(means)[BLOCKS // 2]


def moments(x, y):
    """Kernel, variance of one feature's estimate, and its fourth central moment, all in closed form."""
    kernel, growth = jnp.exp(jnp.vdot(x, y)), jnp.exp(jnp.vdot(x + y, x + y))
    fourth = kernel**4 * (growth**6 - 4 * growth**3 + 6 * growth - 3)
    return kernel, kernel**2 * (growth - 1), fourth, growth


def estimates(x, y, plain, orthogonal, d):
    kernel, variance, _, _ = moments(x, y)
    iid = products(PositiveRandomFeatures(plain), x, y)
    blocks = products(PositiveRandomFeatures(orthogonal), x, y).reshape(-1, d)
    squared_error = (jnp.mean(blocks, axis=1) - kernel) ** 2
    return {
        "mean": median_of_means(iid),
        "second moment": median_of_means(iid**2),
        "excess of the orthogonal error": jnp.maximum(median_of_means(squared_error) - variance / d, 0),
    }


def expected(x, y):
    kernel, variance, _, _ = moments(x, y)
    return {
        "mean": kernel,
        "second moment": variance + kernel**2,
        "excess of the orthogonal error": jnp.zeros_like(kernel),
    }


def deviation(x, y, d, per_block):
    """Two sigma sqrt(K / n) for each estimate of K blocks, with sigma in closed form (or bounded by Jensen)."""
    kernel, variance, fourth, growth = moments(x, y)
    n = BLOCKS * per_block * d
    width = 2 * math.sqrt(BLOCKS / n)
    return {
        "mean": jnp.sqrt(variance) * width,
        "second moment": kernel**2 * jnp.sqrt(growth**6 - growth**2) * width,
        "excess of the orthogonal error": jnp.sqrt(fourth) * width * math.sqrt(d),
    }


def without_the_norm(x, y, plain, orthogonal, d):
    """exp(w'x) without the factor exp(-|x|^2 / 2)."""
    correct = estimates(x, y, plain, orthogonal, d)
    return {**correct, "mean": median_of_means(jnp.exp(plain @ x) * jnp.exp(plain @ y))}


def rows_of_unit_length(x, y, plain, orthogonal, d):
    unit = plain / jnp.sqrt(jnp.sum(plain * plain, axis=1, keepdims=True))
    return estimates(x, y, unit, orthogonal, d)


def one_row_repeated(x, y, plain, orthogonal, d):
    """'Orthogonal' blocks whose rows are all the same: as bad as one feature."""
    first = orthogonal.reshape(-1, d, d)[:, :1, :]
    return estimates(x, y, plain, jnp.broadcast_to(first, (first.shape[0], d, d)).reshape(-1, d), d)


def variance_of_the_difference(x, y):
    kernel, _, _, _ = moments(x, y)
    wrong = kernel**2 * jnp.exp(jnp.vdot(x - y, x - y))
    return {**expected(x, y), "second moment": wrong}


claim = Claim(
    slug="softmax-random-features",
    title="Positive random features are unbiased, and orthogonal ones no worse",
    group="A",
    statement=r"""
With i.i.d. rows $w_j\sim N(0,I)$ and $\phi(x)_j = r^{-1/2}e^{w_j^\top x - \|x\|^2/2}$,
$$\mathbb E\,\phi(x)^\top\phi(y) = e^{x^\top y},\qquad
\operatorname{Var} = \tfrac1r\,e^{2x^\top y}\big(e^{\|x+y\|^2}-1\big),$$
and rows that are orthogonal within blocks of $d$ give a mean squared error that is no larger.
""",
    assumptions=(
        "statistical: medians of means over fixed draws, false alarm at most $3\\cdot10^{-9}$ on each instance",
        "the pseudo-random numbers behave like random ones",
    ),
    proof=r"""
One row estimates $\kappa = e^{x^\top y}$ by $Z = e^{w^\top(x+y) - (\|x\|^2+\|y\|^2)/2}$, and $w^\top(x+y)\sim N(0,s^2)$, $s=\|x+y\|$.
From $\mathbb E e^{\lambda w^\top(x+y)} = e^{\lambda^2 s^2/2}$ we get $\mathbb E Z^\lambda = \kappa^\lambda e^{\lambda(\lambda-1)s^2/2}$:
mean $\kappa$, variance $\kappa^2(e^{s^2}-1)$, and $r$ independent rows divide it by $r$. For orthogonal rows of the same
marginal law the mean is the same; expand $e^{w_i^\top z}e^{w_j^\top z}$, $z = x+y$, in powers. The sign of one row may be
flipped, so only even degrees of each survive, and $\mathbb E\,(w_i^\top z)^{2a}(w_j^\top z)^{2b}$ is at most its value for
independent rows (the squared cosines are coordinates of a Dirichlet vector, which are negatively associated; the norms
are independent), so the covariances are $\le 0$ (Choromanski et al., theorem 2).

*The test.* Cut $n$ i.i.d. numbers of variance $\sigma^2$ into $K$ blocks. By Chebyshev a block's mean is farther than
$2\sigma\sqrt{K/n}$ from the mean with probability at most $1/4$; the median of the $K$ means is that far only if half of them
are, which by Hoeffding has probability at most $e^{-K/8} \le \delta$ for $K \ge 8\ln(1/\delta)$ (the argument of Lugosi &
Mendelson 2019, theorem 2).
$\sigma$ is known here: for $Z$ and $Z^2$ from the formula above; for the squared error of a block's mean, Jensen gives
$\mathbb E(\bar Z-\kappa)^4\le\mathbb E(Z-\kappa)^4$. $\square$
""",
    source="Choromanski et al. 2021, arXiv 2009.14794, lemmas 1, 2 and theorem 2; "
    "the test: Lugosi & Mendelson 2019, arXiv 1906.04280, theorem 2",
    arguments={"x": "d", "y": "d", "seed": Integers("", below="seeds")},
    dimensions={"d": (2, 4), "per_block": (40, 60), "seeds": (1000, 1000)},
    shapes=({"d": 4, "per_block": 150, "seeds": 1000},),
    given=draw,
    left=estimates,
    right=expected,
    tolerance=Statistical(deviation, 3 * FALSE_ALARM),
    mutants=(
        Mutant("the factor exp(-|x|^2/2) is forgotten", without_the_norm, replaces="left"),
        Mutant("rows of unit length", rows_of_unit_length, replaces="left"),
        Mutant("blocks of one repeated row pass for orthogonal", one_row_repeated, replaces="left"),
        Mutant("the variance with |x - y|", variance_of_the_difference),
    ),
)
