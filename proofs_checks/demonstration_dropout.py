"""Dropping demonstrations in the dual is dropping attention weights; mean and covariance by counting all masks."""

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Mutant, alter_results
from lrgd_jax.dual import DualModel

RATE = 0.25


def masks(n, dtype):
    """All 2^n ways to keep demonstrations, one a row."""
    return jnp.asarray((np.arange(2**n)[:, None] >> np.arange(n)[None, :]) & 1, dtype)


def outputs_of_the_dual(query, keys, values, initial, n):
    """The dual trained on what each mask keeps."""

    def one(mask):
        model = DualModel(initial, keys, values, sample_weights=mask, learning_rate=RATE)
        return model.predict(model.train(), query[None])[0]

    return jax.vmap(one)(masks(n, values.dtype))


def probabilities(drop, n, dtype):
    kept = masks(n, dtype)
    return jnp.prod(kept * (1 - drop) + (1 - kept) * drop, axis=1)


def by_counting(query, keys, values, initial, drop, n):
    """Moments as sums over all masks, each trained anew and weighted with its probability."""
    outputs = outputs_of_the_dual(query, keys, values, initial, n)
    chance = probabilities(drop, n, values.dtype)
    mean = chance @ outputs
    deviations = outputs - mean[None, :]
    return {
        "each mask": outputs,
        "mean": mean,
        "covariance": jnp.einsum("m,mu,mv->uv", chance, deviations, deviations),
    }


def in_closed_form(query, keys, values, initial, drop, n):
    near = keys @ query
    kept = masks(n, values.dtype)
    zero_shot = initial @ query
    shares = near[:, None] * values
    return {
        "each mask": (kept * near[None, :]) @ values + zero_shot[None, :],
        "mean": zero_shot + (1 - drop) * jnp.sum(shares, axis=0),
        "covariance": drop * (1 - drop) * (shares.T @ shares),
    }


def mean_without_zero_shot(query, keys, values, initial, drop):
    return (1 - drop) * linear_attention(query[None], keys, values)[0] + (1 - drop) * (initial @ query)


def covariance_of_one_coin(query, keys, values, drop):
    """One draw that keeps or drops all demonstrations together."""
    total = (keys @ query) @ values
    return drop * (1 - drop) * jnp.outer(total, total)


def mean_of_the_dropped(query, keys, values, initial, drop):
    return initial @ query + drop * ((keys @ query) @ values)


def second_moment(query, keys, values, drop):
    shares = (keys @ query)[:, None] * values
    return (1 - drop) * (shares.T @ shares)


claim = Claim(
    slug="demonstration-dropout",
    title="Dropping demonstrations is dropping attention weights, with mean and covariance in closed form",
    group="C",
    statement=r"""
Let $m_i\in\{0,1\}$ be independent with $P(m_i=0) = p$. The dual that takes its step on the demonstrations with $m_i=1$ predicts
$o(m) = W_0\phi(q) + \sum_i m_i\,v_i\,\kappa(k_i,q)$, and
$$\mathbb E\,o = W_0\phi(q) + (1-p)\sum_i v_i\kappa_i,\qquad
\operatorname{Cov} o = p(1-p)\sum_i \kappa_i^2\,v_iv_i^\top .$$
""",
    assumptions=(
        "unnormalised attention; for normalised attention this holds of the pair $(a;b)$ before the ratio is taken",
        "the moments are polynomials in $p$, equal for every real $p$",
    ),
    proof=r"""
A demonstration with $m_i=0$ has weight zero in the loss, so the step is $\sum_i m_iv_i\phi(k_i)^\top$. The output is affine in
$m$ with coefficient vectors $v_i\kappa_i$; $\mathbb Em_i = 1-p$, $\operatorname{Var}m_i = p(1-p)$, and independence leaves the
diagonal terms of the covariance only. $\square$

The check draws nothing: it trains the dual on every one of the $2^n$ subsets and adds them up with their probabilities.
Inverted dropout ($m_i/(1-p)$) divides the demonstrations' mean by $1-p$ and the covariance by $(1-p)^2$, which leaves
$\frac p{1-p}\sum\kappa_i^2v_iv_i^\top$. A normalised output is a ratio of two such sums: dropping a weight before the softmax is
the dual without that demonstration, dropping it after the softmax (as attention dropout does) leaves the normaliser whole.
""",
    source="dropout: Srivastava et al. 2014, JMLR 15, section 9; the reading as dropped demonstrations is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "initial": "dv d", "drop": ""},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 1, "d": 1, "dv": 2}),
    left=by_counting,
    right=in_closed_form,
    mutants=(
        Mutant("the zero-shot part is dropped too", alter_results(in_closed_form, {"mean": mean_without_zero_shot})),
        Mutant(
            "one coin for all demonstrations", alter_results(in_closed_form, {"covariance": covariance_of_one_coin})
        ),
        Mutant("p in place of 1 - p", alter_results(in_closed_form, {"mean": mean_of_the_dropped})),
        Mutant("the second moment for the variance", alter_results(in_closed_form, {"covariance": second_moment})),
    ),
)
