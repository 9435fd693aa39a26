"""For the squared loss, noise on the keys is a ridge penalty: counted over a finite noise, exactly."""

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel

RATE = 0.25


def at_least_one(noise):
    """A noise of at least one, so that the ridge can be divided by."""
    return {"noise": 1 + noise * noise}


def squared_error(predictions, targets, sample_weights):
    return jnp.sum(sample_weights * jnp.sum((predictions - targets) ** 2, axis=1)) / 2


def signs(d, dtype):
    """All 2^d vectors of signs: independent coordinates of mean zero and variance one."""
    return jnp.asarray(2 * ((np.arange(2**d)[:, None] >> np.arange(d)[None, :]) & 1) - 1, dtype)


def expected_loss(keys, values, noise, d):
    """The dual's loss on noisy keys, averaged over all signs; a sum over demonstrations, so they may share them."""
    ones = jnp.ones(keys.shape[:1], keys.dtype)
    model = DualModel(jnp.zeros((values.shape[1], d), keys.dtype), keys, values, objective=squared_error)

    def loss(weights):
        noisy = jax.vmap(lambda e: model.loss(weights, keys + noise * e[None, :], values, ones))
        return jnp.sum(noisy(signs(d, keys.dtype))) / 2**d

    return loss


def ridge_weights(keys, values, strength, n, d):
    """V'K (K'K + strength I)^-1 by one Sherman-Morrison update for each demonstration."""
    inverse = jnp.eye(d, dtype=keys.dtype) / strength
    for i in range(n):
        column = inverse @ keys[i]
        inverse = inverse - jnp.outer(column, column) / (1 + jnp.vdot(keys[i], column))
    return values.T @ keys @ inverse


def noisy(keys, values, weights, noise, n, d):
    """The dual on noisy keys: its mean loss, a step on it, and a step from the ridge solution."""
    loss = expected_loss(keys, values, noise, d)
    solution = ridge_weights(keys, values, n * noise**2, n, d)
    return {
        "loss": loss(weights),
        "step": weights - RATE * jax.grad(loss)(weights),
        "minimiser": solution - RATE * jax.grad(loss)(solution),
    }


def with_strength(keys, values, weights, strength, n, d, solution=None):
    """The dual without noise and with ridge: its loss, one step, and its minimiser, which a step leaves alone."""
    residuals = keys @ weights.T - values
    gradient = residuals.T @ keys + strength * weights
    return {
        "loss": (jnp.sum(residuals**2) + strength * jnp.sum(weights**2)) / 2,
        "step": weights - RATE * gradient,
        "minimiser": ridge_weights(keys, values, strength, n, d) if solution is None else solution,
    }


def ridge(keys, values, weights, noise, n, d):
    return with_strength(keys, values, weights, n * noise**2, n, d)


def once_for_all_demonstrations(keys, values, weights, noise, n, d):
    """Sigma^2 in place of N sigma^2."""
    return with_strength(keys, values, weights, noise**2, n, d)


def deviation_for_variance(keys, values, weights, noise, n, d):
    return with_strength(keys, values, weights, n * noise, n, d)


def twice_the_ridge(keys, values, weights, noise, n, d):
    return with_strength(keys, values, weights, 2 * n * noise**2, n, d)


def noise_on_the_targets(keys, values, weights, noise, n, d):
    """Noise on the values adds a constant to the loss and no ridge."""
    plain = with_strength(keys, values, weights, jnp.zeros_like(noise), n, d, solution=weights)
    solution = ridge_weights(keys, values, n * noise**2, n, d)
    return {**plain, "loss": plain["loss"] + n * values.shape[1] * noise**2 / 2, "minimiser": solution}


claim = Claim(
    slug="key-noise-is-ridge",
    title="For the squared loss, noise on the keys is a ridge penalty",
    group="C",
    statement=r"""
Let $\xi_i$ have mean zero and covariance $\sigma^2I$. For $L(W) = \frac12\sum_{i=1}^N\|Wk_i-y_i\|^2$ and every $W$,
$$\mathbb E\,\tfrac12\sum_i\|W(k_i+\xi_i)-y_i\|^2 = L(W) + \tfrac{N\sigma^2}2\|W\|_F^2 :$$
the expected step of the dual trained on noisy keys is the step with ridge $N\sigma^2$, and what it settles at is ridge attention,
$W = Y^\top K(K^\top K+N\sigma^2I)^{-1}$.
""",
    assumptions=(
        "identity features; for other feature maps it holds to second order in the noise only",
        "any noise with these two moments, checked here with independent signs $\\pm\\sigma$, which can be counted",
        "the loss is a sum; for the mean over $N$ the ridge is $\\sigma^2$",
    ),
    proof=r"""
$\|W(k_i+\xi_i)-y_i\|^2 = \|Wk_i-y_i\|^2 + 2(Wk_i-y_i)^\top W\xi_i + \xi_i^\top W^\top W\xi_i$. The middle term has mean zero, the last
$\operatorname{tr}(W^\top W\,\sigma^2I) = \sigma^2\|W\|_F^2$; add over $i$ and halve. Gradient and expectation commute. The right side is
strictly convex for $\sigma>0$; its gradient $(WK^\top-Y^\top)K+N\sigma^2W$ vanishes at the stated $W$, which a step on the expected loss
therefore leaves where it is. $\square$

Only two moments enter, so a count over $2^d$ sign vectors proves as much as Gaussian noise would. The expectation is of the sum, so
the demonstrations may share their signs.
""",
    source="Bishop 1995, Training with noise is equivalent to Tikhonov regularization, Neural Computation 7(1); "
    "linear case, where it is exact",
    arguments={"keys": "n d", "values": "n dv", "weights": "dv d", "noise": ""},
    dimensions={"n": (1, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 2, "d": 1, "dv": 2}),
    given=at_least_one,
    left=noisy,
    right=ridge,
    mutants=(
        Mutant("the ridge does not grow with the demonstrations", once_for_all_demonstrations),
        Mutant("the deviation in place of the variance", deviation_for_variance),
        Mutant("twice the ridge", twice_the_ridge),
        Mutant("the noise acts on the targets", noise_on_the_targets),
    ),
)
