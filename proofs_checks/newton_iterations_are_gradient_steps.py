"""Newton's iteration for the inverse of the Gram matrix takes two to the k gradient steps in k iterations."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def iterated(keys, values, rate, d, k, start=1):
    """The predictor V'K M of k Newton iterations for the inverse M of the Gram matrix, from `start` times the rate."""
    gram = keys.T @ keys
    inverse = start * rate * jnp.eye(d, dtype=keys.dtype)
    for _ in range(k):
        inverse = 2 * inverse - inverse @ gram @ inverse
    return values.T @ keys @ inverse


def squared_error(weights, keys, values):
    return jnp.sum((keys @ weights.T - values) ** 2) / 2


def descended(keys, values, rate, d, dv, steps):
    weights = jnp.zeros((dv, d), keys.dtype)
    for _ in range(steps):
        weights = weights - rate * jax.grad(squared_error)(weights, keys, values)
    return weights


def doubled(keys, values, rate, d, dv, k):
    return descended(keys, values, rate, d, dv, 2**k)


def one_step_each(keys, values, rate, d, dv, k):
    return descended(keys, values, rate, d, dv, k)


def first_step_forgotten(keys, values, rate, d, dv, k):
    return descended(keys, values, rate, d, dv, 2**k - 1)


claim = Claim(
    slug="newton-iterations-are-gradient-steps",
    title="k Newton iterations for the inverse are 2^k gradient steps",
    group="B",
    statement=r"""
Let $G = \sum_i k_ik_i^\top$, $M_0 = \eta I$, $M_{j+1} = 2M_j - M_jGM_j$. The predictor $\big(\sum_i v_ik_i^\top\big)M_k$ after $k$ iterations is the weight matrix after $2^k$ full-batch steps
$W \leftarrow W - \eta\nabla L(W)$ from $W = 0$ on $L(W) = \frac12\sum_i\|Wk_i - v_i\|^2$.
""",
    assumptions=(
        "any $\\eta$; both converge where $0 < \\eta < 2/\\lambda_{\\max}(G)$",
        "$M_0$ is a multiple of the identity",
    ),
    proof=r"""
$I - GM_{j+1} = (I - GM_j)^2$, so $I - GM_k = (I-\eta G)^{2^k}$. The steps obey $W_{t+1} = W_t(I-\eta G) + \eta B$ with $B = \sum_iv_ik_i^\top$, hence $W_T = \eta B\sum_{t<T}(I-\eta G)^t$.
Since $M_0$ commutes with $G$, $M_k$ is a polynomial in $G$, and $\eta\sum_{t<2^k}(I-\eta G)^t$ is the one that $M_k$ equals: by induction,
$\eta\sum_{t<2T}(I-\eta G)^t = (I + (I-\eta G)^T)\,\eta\sum_{t<T}(I-\eta G)^t = (2I - M_kG)M_k$ for $T = 2^k$. $\square$
""",
    source="Schulz 1933; in context Fu et al. 2023, arXiv 2310.17086, whose iteration this sharpens",
    arguments={"keys": "n d", "values": "n dv", "rate": ""},
    dimensions={"n": (1, 3), "d": (1, 2), "dv": (1, 2), "k": (1, 2)},
    shapes=({"n": 3, "d": 2, "dv": 2, "k": 2}, {"n": 2, "d": 2, "dv": 1, "k": 1}, {"n": 1, "d": 1, "dv": 1, "k": 1}),
    left=iterated,
    right=doubled,
    mutants=(
        Mutant(
            "one step an iteration",
            one_step_each,
            quoted=Misquotation(
                says="A layer that does an iteration of Newton's method does one step, as a layer of gradient descent does: k layers, k steps.",
                source="commonly read into Fu et al. 2023, arXiv 2310.17086, and von Oswald et al. 2023, arXiv 2212.07677, side by side",
                rather="k iterations for the inverse are exactly 2^k gradient steps of the same rate: the same descent, not another one, doubled by each layer.",
            ),
        ),
        Mutant("one step too few", first_step_forgotten),
        Mutant("the iteration begins at twice the rate", alter(iterated, start=2), "left"),
    ),
)
