"""Gaussian noise on the keys multiplies the expected softmax kernel by one factor. A statistical check."""

import math

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Integers, Mutant, Statistical
from lrgd_jax.dual import DualModel, FunctionalDual, projective_targets

FALSE_ALARM = 1e-9
"""Of one estimated number; an instance has at most 3 dv + 1 of them, dv at most 2."""

BLOCKS = 1 + 2 * math.ceil(4 * math.log(1 / FALSE_ALARM))
"""Blocks of the median of means: at least 8 ln(1/delta), and odd so that the median is one of them."""


def draw(query, keys, strength, seed, n, d, per_block):
    """A query of length sqrt(d), keys of moderate length, a noise between 3/8 and 5/8, and the noisy keys."""
    noise = (3 + 2 * jnp.abs(strength) / (1 + jnp.abs(strength))) / 8
    query = query * jnp.sqrt(jnp.asarray(d, query.dtype)) / jnp.linalg.norm(query)
    keys = keys / jnp.sqrt(1 + jnp.sum(keys * keys, axis=1, keepdims=True))
    normal = jax.random.normal(jax.random.key(seed), (BLOCKS * per_block, n, d), keys.dtype)
    return {"query": query, "keys": keys, "noise": noise, "noisy": keys[None] + noise * normal}


def median_of_means(samples):
    """The median of the means of blocks of equal size, for each column."""
    means = jnp.mean(samples.reshape(BLOCKS, samples.shape[0] // BLOCKS, samples.shape[1]), axis=1)
    return jnp.sort(means, axis=0)[BLOCKS // 2]


def trained(query, keys, values):
    """The functional dual's pair (a; b) and the linear dual's output, each after one step of jax.grad."""
    functional = FunctionalDual.untrained(keys, projective_targets(values), learning_rate=0.25)
    linear = DualModel.untrained(keys, values, learning_rate=0.25)
    return functional.train()(query[None])[0], linear.predict(linear.train(), query[None])[0]


def estimates(query, keys, values, noisy):
    pairs, linear = jax.vmap(lambda k: trained(query, k, values))(noisy)
    a, b = sums(query, keys, values)
    return {
        "numerator and normaliser": median_of_means(pairs),
        "ratio": median_of_means(pairs[:, :-1] * b - pairs[:, -1:] * a[None, :]),
        "linear": median_of_means(linear),
    }


def sums(query, keys, values):
    """Attention's own numerator and normaliser at the keys without noise."""
    kernel = jnp.exp(keys @ query / jnp.sqrt(jnp.asarray(query.shape[0], query.dtype)))
    return kernel @ values, jnp.sum(kernel)


def growth(query, noise, d):
    """The second parameter of the log-normal factor: t = s^2 |q|^2 / d."""
    return noise**2 * jnp.vdot(query, query) / d


def with_factor(query, keys, values, factor):
    a, b = sums(query, keys, values)
    return {
        "numerator and normaliser": factor * jnp.concatenate([a, b[None]]),
        "ratio": jnp.zeros_like(a),
        "linear": (keys @ query) @ values,
    }


def expected(query, keys, values, noise, d):
    return with_factor(query, keys, values, jnp.exp(growth(query, noise, d) / 2))


def deviation(query, keys, values, noise, d, per_block):
    """Two sigma sqrt(K / N) for each estimate, with sigma in closed form."""
    t = growth(query, noise, d)
    a, b = sums(query, keys, values)
    kernel = jnp.exp(keys @ query / jnp.sqrt(jnp.asarray(d, query.dtype)))
    targets = projective_targets(values)
    spread = jnp.sqrt(jnp.exp(2 * t) - jnp.exp(t))
    width = 2 / math.sqrt(per_block)
    return {
        "numerator and normaliser": width * spread * jnp.sqrt(kernel**2 @ targets**2),
        "ratio": width * spread * jnp.sqrt(kernel**2 @ (values * b - a[None, :]) ** 2),
        "linear": width * noise * jnp.linalg.norm(query) * jnp.sqrt(jnp.sum(values**2, axis=0)),
    }


def no_factor(query, keys, values):
    return with_factor(query, keys, values, jnp.ones((), keys.dtype))


def twice_the_exponent(query, keys, values, noise, d):
    return with_factor(query, keys, values, jnp.exp(growth(query, noise, d)))


def width_forgotten(query, keys, values, noise, d):
    """The exponent without the 1/d of the scaled logits."""
    return with_factor(query, keys, values, jnp.exp(d * growth(query, noise, d) / 2))


def normaliser_untouched(query, keys, values, noise, d):
    """Only the numerator grows, so the ratio of expectations would grow."""
    a, b = sums(query, keys, values)
    factor = jnp.exp(growth(query, noise, d) / 2)
    wrong = jnp.concatenate([factor * a, b[None]])
    return {**expected(query, keys, values, noise, d), "numerator and normaliser": wrong}


claim = Claim(
    slug="key-noise",
    title="Gaussian noise on the keys multiplies the expected softmax kernel by one factor",
    group="C",
    statement=r"""
Let $\tilde k_i = k_i+\xi_i$ with $\xi_i\sim N(0,\sigma^2I_d)$ and $(\tilde a;\tilde b)$ the pair that the functional dual trained on $\tilde k_i$ predicts at
$q$. Then
$$\mathbb E\,e^{\tilde k_i^\top q/\sqrt d} = e^{\sigma^2\|q\|^2/2d}\;e^{k_i^\top q/\sqrt d},\qquad
\mathbb E\,(\tilde a;\tilde b) = e^{\sigma^2\|q\|^2/2d}\,(a;b),\qquad \frac{\mathbb E\,\tilde a}{\mathbb E\,\tilde b} = \frac ab :$$
the ratio of expectations is the attention without noise. Linear attention (identity features) is unbiased as it stands.
""",
    assumptions=(
        "statistical: medians of means, false alarm at most $7\\cdot10^{-9}$ on each instance",
        "every token that counts gets noise of one strength; a context without noise would lose weight against the noisy tokens",
        "the pseudo-random numbers behave like random ones",
    ),
    proof=r"""
$\xi^\top q/\sqrt d\sim N(0,t)$ with $t = \sigma^2\|q\|^2/d$, and the moment generating function of a normal variable is
$\mathbb Ee^{\lambda X} = e^{\lambda^2t/2}$; complete the square in $\int e^{\lambda x-x^2/2t}dx$. It does not depend on $i$, so it multiplies
numerator and normaliser alike. For linear attention $\mathbb E\tilde k_i = k_i$. $\square$

*It is the ratio of expectations, not the expected ratio.* The dual's output $\tilde a/\tilde b$ itself is biased: to second order
$\mathbb E\,\tilde o = o - t\sum_ip_i^2(v_i-o) + O(t^2)$, from $\partial^2o/\partial z_i^2 = p_i(1-2p_i)(v_i-o)$ and $\sum_ip_i(v_i-o)=0$.

*The check.* Each estimate is a median of the means of $K$ blocks; it misses by more than $2\sigma\sqrt{K/N}$ with probability at most
$e^{-K/8}$. $\sigma$ is known in closed form: $\operatorname{Var}e^X = e^{2t}-e^t$, and the demonstrations' noises are independent. The
ratio is tested through $b\,\tilde a-a\,\tilde b$, whose mean is zero.
""",
    source="moment generating function of a normal variable; the test: Lugosi & Mendelson 2019, arXiv 1906.04280, theorem 2; "
    "the reading is ours",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "strength": "",
        "seed": Integers("", below="seeds"),
    },
    dimensions={"n": (2, 4), "d": (2, 4), "dv": (1, 2), "per_block": (40, 60), "seeds": (1000, 1000)},
    shapes=(
        {"n": 3, "d": 2, "dv": 2, "per_block": 200, "seeds": 1000},
        {"n": 2, "d": 3, "dv": 1, "per_block": 200, "seeds": 1000},
        {"n": 4, "d": 4, "dv": 1, "per_block": 100, "seeds": 1000},
    ),
    given=draw,
    left=estimates,
    right=expected,
    tolerance=Statistical(deviation, 7 * FALSE_ALARM),
    mutants=(
        Mutant("noise leaves the expected kernel alone", no_factor),
        Mutant("the exponent without its half", twice_the_exponent),
        Mutant("the exponent without 1/d", width_forgotten),
        Mutant("the normaliser does not grow", normaliser_untouched),
    ),
)
