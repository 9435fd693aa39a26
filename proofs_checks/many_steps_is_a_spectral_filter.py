"""Many steps of full-batch descent with ridge are a filter on the spectrum of the keys."""

import jax.numpy as jnp

from lrgd_jax.attention import descent_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.dual import DualModel, FullBatchDescent, squared_error


def positive_ridge(ridge):
    return {"ridge": 0.25 + ridge * ridge}


def reflection(direction):
    """A Householder reflection, orthogonal and rational in its direction, whose first entry is one."""
    u = jnp.concatenate([jnp.ones_like(direction[:1]), direction[1:]])
    return jnp.eye(u.shape[0], dtype=u.dtype) - 2 * jnp.outer(u, u) / jnp.vdot(u, u)


def decomposed(left, right, singular):
    """Left and right singular vectors of the keys, and the eigenvalues of K'K, zero beyond the rank."""
    m = singular.shape[0]
    rest = jnp.zeros((right.shape[0] - m,), singular.dtype)
    return reflection(left)[:, :m], reflection(right), jnp.concatenate([singular * singular, rest])


def keys_of(left, right, singular):
    m = singular.shape[0]
    return (reflection(left)[:, :m] * singular[None, :]) @ reflection(right)[:, :m].T


def spectral(left, right, singular, query, values, start, rate, ridge, steps):
    z, q, s = decomposed(left, right, singular)
    h = s + ridge
    kept = (1 - rate * h) ** steps
    learnt = (1 - kept) / h
    m = singular.shape[0]
    coordinates = q.T @ query
    learnt_part = values.T @ (z @ (singular * learnt[:m] * coordinates[:m]))
    return {"descent": learnt_part + start @ (q @ (kept * coordinates)), "attention": learnt_part}


def stepped(left, right, singular, query, values, start, rate, ridge, steps):
    keys = keys_of(left, right, singular)
    model = DualModel(start, keys, values, objective=squared_error)
    dual = FullBatchDescent(model, ridge=ridge, steps=steps, learning_rate=rate)
    attention = descent_attention(query[None], keys, values, steps=steps, learning_rate=rate, ridge=ridge)
    return {"descent": dual.predict(dual.train(), query[None])[0], "attention": attention[0]}


claim = Claim(
    slug="many-steps-is-a-spectral-filter",
    title="Many steps are a filter on the spectrum of the keys",
    group="B",
    statement=r"""
Let $K = Z\,\mathrm{diag}(\sigma)\,Q_m^\top$ be a singular value decomposition of the keys ($Z$ and $Q$ with orthonormal columns, $Q_m$ the first $m$, the rank,
columns of the $d\times d$ matrix $Q$), and $h_j = \sigma_j^2 + \lambda$ the eigenvalues of $K^\top K+\lambda I$ ($\sigma_j = 0$ for $j > m$). Then $T$ full-batch steps
$W_{j+1} = W_j - \eta\nabla L(W_j)$ on $L(W) = \frac12\sum_i\|Wk_i-v_i\|^2 + \frac\lambda2\|W\|^2$ end in
$$W_T = V^\top K\,Q\,\mathrm{diag}\Big(\frac{1-(1-\eta h)^T}{h}\Big)Q^\top + W_0\,Q\,\mathrm{diag}\big((1-\eta h)^T\big)Q^\top,$$
and linear attention whose query has taken the steps, $y_{j+1} = y_j + \eta\,(q - (K^\top K+\lambda I)y_j)$ from $y_0 = 0$, returns the first part's output,
$\sum_iv_i\,k_i^\top y_T$.
""",
    assumptions=(
        "$h_j \\ne 0$ (here $\\lambda > 0$; at $h_j = 0$ the filter is $\\eta T$)",
        "no limit on $\\eta$: the identity also holds where the steps diverge, $\\eta > 2/\\max_j h_j$",
    ),
    proof=r"""
$\nabla L(W) = WH - V^\top K$ with $H = K^\top K+\lambda I$, so $W_{j+1} = W_j(I-\eta H) + \eta V^\top K$ and
$W_T = W_0(I-\eta H)^T + V^\top K\sum_{j<T}\eta(I-\eta H)^j$. As $H = Q\,\mathrm{diag}(h)\,Q^\top$ with $Q$ orthogonal, a polynomial of $H$ is $Q$ times the polynomial of $h$ times
$Q^\top$, and $\sum_{j<T}\eta(1-\eta h)^j = (1-(1-\eta h)^T)/h$ is the geometric sum. The recursion of $y$ gives $y_T = \sum_{j<T}\eta(I-\eta H)^jq$. $\square$

The keys are built from Householder reflections $I - 2uu^\top/(u^\top u)$, $u_1 = 1$, so that both sides are rational functions of what is drawn and nothing has to be decomposed.
The decomposition need not be ordered, and a $\sigma_j$ may be negative.
""",
    source="Yao, Rosasco and Caponnetto 2007, On early stopping in gradient descent learning, section 2; steps as layers: von Oswald et al. 2023, arXiv 2212.07677",
    arguments={
        "left": "m+a",
        "right": "m+b",
        "singular": "m",
        "query": "m+b",
        "values": "m+a dv",
        "start": "dv m+b",
        "rate": "",
        "ridge": "",
    },
    dimensions={"m": (1, 2), "a": (0, 2), "b": (0, 1), "dv": (1, 2), "steps": (1, 4)},
    shapes=(
        {"m": 2, "a": 1, "b": 0, "dv": 2, "steps": 3},
        {"m": 2, "a": 0, "b": 1, "dv": 1, "steps": 4},
        {"m": 1, "a": 0, "b": 0, "dv": 1, "steps": 2},
    ),
    given=positive_ridge,
    left=spectral,
    right=stepped,
    mutants=(
        Mutant("one step less", alter(stepped, steps=lambda steps: steps - 1)),
        Mutant("the ridge is missing from the spectrum", alter(stepped, ridge=lambda ridge: 0 * ridge)),
        Mutant(
            "one step of T times the size", alter(stepped, rate=lambda rate, steps: steps * rate, steps=lambda steps: 1)
        ),
        Mutant(
            "the initial weights are left out",
            alter(stepped, start=lambda start: 0 * start),
            quoted=Misquotation(
                says="T full-batch steps are the spectral filter (1 - (1 - eta s)^T)/s of the keys.",
                source="the usual statement for gradient descent as a regulariser (early stopping), which begins at zero",
                rather="That is the demonstrations' part. The initial weights stay with the factor (1 - eta s)^T, and with ridge s are the eigenvalues of K'K + lambda I.",
            ),
        ),
    ),
)
