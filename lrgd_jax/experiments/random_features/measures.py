r"""How fast the dual on positive random features (FAVOR+) approaches the dual of softmax attention.

For every error that is measured there is a variance in closed form. Write $a_i = k_i + q$, $\kappa_i = e^{k_i^\top q}$
and $Z_i(w) = e^{w^\top a_i - (\|k_i\|^2 + \|q\|^2)/2}$, so that one row $w \sim N(0, I)$ estimates $\kappa_i$ by
$Z_i$. From $\mathbb E e^{w^\top z} = e^{\|z\|^2/2}$, $\operatorname{Cov}(Z_i, Z_l) = \kappa_i\kappa_l(e^{a_i^\top a_l}
- 1)$.
"""

import functools
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.dual import DualModel, FunctionalDual
from lrgd_jax.dual.projective import projective_readout, projective_targets
from lrgd_jax.experiments.random_features.config import KINDS, QUANTITIES, Config
from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.features import PositiveRandomFeatures
from lrgd_jax.kernels import ExponentialKernel, gram

if TYPE_CHECKING:
    pass


def units(config: Config) -> list[str]:
    """One for each instance and number of features."""
    return [f"seed={seed}/features={r}" for seed in range(config.seeds) for r in config.features]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """Errors of one number of features on one instance, with what theory says of them."""
    seed, features = (int(part.partition("=")[2]) for part in unit.split("/"))
    instance_key, draw_key = jax.random.split(jax.random.key(seed))
    instance = draw_instance(instance_key, config)
    keys = jax.random.split(jax.random.fold_in(draw_key, features), config.draws)
    rows: list[dict[str, Value]] = []
    for kind in KINDS:
        errors = _errors(keys, *instance, features=features, orthogonal=kind == "orthogonal")
        theory = predicted(*instance, features=features, orthogonal=kind == "orthogonal")
        for quantity, samples in zip(QUANTITIES, errors, strict=True):
            x = np.asarray(samples, np.float64)
            row = {"seed": seed, "features": features, "rows": kind, "quantity": quantity, "error": float(x.mean())}
            rows.append({**row, "standard_error": float(x.std(ddof=1) / np.sqrt(len(x))), **_said(theory, quantity)})
    return rows


def draw_instance(
    key: PRNGKeyArray, config: Config
) -> tuple[Float[Array, "t d"], Float[Array, "n d"], Float[Array, "n dv"]]:
    """Queries and keys of root mean square norm `length`, and standard normal values."""
    query_key, key_key, value_key = jax.random.split(key, 3)
    dtype = jnp.dtype(config.dtype)
    scale = jnp.asarray(config.length / config.width**0.5, dtype)
    queries = scale * jax.random.normal(query_key, (config.queries, config.width), dtype)
    keys = scale * jax.random.normal(key_key, (config.keys, config.width), dtype)
    return queries, keys, jax.random.normal(value_key, (config.keys, config.value_width), dtype)


def predicted(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    features: int,
    orthogonal: bool,
) -> dict[str, tuple[float, str]]:
    r"""Mean squared errors in closed form, relative as measured; each with how it holds.

    Kernel, plain: $\tfrac1r(e^{\|a\|^2}-1)$ of $\kappa^2$ (lemma 2). Kernel, orthogonal: the pairs of rows in one
    block add `orthogonal_covariance` each. Output, plain: $\tfrac1r\sum_{il} v_i^\top
    v_l\,\kappa_i\kappa_l(e^{a_i^\top a_l}-1)$. Normalised, plain, to first order in 1/r: with weights $p =
    \kappa/\sum\kappa$ and $u_i = v_i - \sum_l p_l v_l$, $\tfrac1r\sum_{il} u_i^\top u_l\,p_i p_l\,e^{a_i^\top a_l}$
    (the ratio's derivative; the term $-1$ falls away because $\sum_i p_i u_i = 0$).
    """
    r = features
    a = np.asarray(queries, np.float64)[:, None] + np.asarray(keys, np.float64)  # [t, n, d]
    products = np.einsum("tid,tld->til", a, a)
    squares = np.einsum("tii->ti", products)
    kernel = np.exp(np.asarray(queries, np.float64) @ np.asarray(keys, np.float64).T)
    plain = np.expm1(squares) / r
    if orthogonal:
        d = a.shape[-1]
        pairs = (r // d) * d * (d - 1) + (r % d) * (r % d - 1)
        if pairs:
            plain += pairs / r**2 * np.vectorize(lambda square: orthogonal_covariance(square, d))(squares)
        return {"kernel": (float(plain.mean()), "exact")}
    v = np.asarray(values, np.float64)
    exact = kernel @ v
    output = np.einsum("ti,tl,ic,lc,til->t", kernel, kernel, v, v, np.expm1(products), optimize=True) / r
    p = kernel / kernel.sum(axis=1, keepdims=True)
    u = v - (p @ v)[:, None]  # [t, n, dv]
    ratio = np.einsum("ti,tl,tic,tlc,til->t", p, p, u, u, np.exp(products), optimize=True) / r
    return {
        "kernel": (float(plain.mean()), "exact"),
        "output": (float(output.mean() / np.mean(np.sum(exact**2, axis=1))), "exact"),
        "normalised output": (float(ratio.mean() / np.mean(np.sum((p @ v) ** 2, axis=1))), "first order"),
    }


def orthogonal_covariance(square: float, width: int) -> float:
    r"""Covariance of two orthogonal rows' estimates in units of kappa^2, zero or negative.

    With $x = \|a\|^2/2$, $c = d/2$ and $(c)_m = c(c+1)\cdots(c+m-1)$,
    $$e^{-2x}\sum_{m,n\ge 0}\frac{x^{m+n}}{m!\,n!}\,\frac{(c)_m (c)_n}{(c)_{m+n}} - 1.$$

    Proof. Rows are $w_j = \rho_j u_j$, norms independent and chi-distributed, $(u_1, u_2)$ an orthonormal pair that no
    rotation changes in law. The sign of a row may be flipped, so only even powers of $w_j^\top a$ survive: $\mathbb
    E\rho^{2m} = 2^m (c)_m$, and the squared coordinates of $a/\|a\|$ in an orthonormal frame are Dirichlet(1/2, ...,
    1/2), so $\mathbb E (u_1^\top a)^{2m}(u_2^\top a)^{2n} = \|a\|^{2(m+n)} (\tfrac12)_m(\tfrac12)_n/(c)_{m+n}$. Divide
    by $(2m)!(2n)!$ and use $(2m)! = 4^m m!\,(\tfrac12)_m$. As $(c)_{m+n} \ge (c)_m (c)_n$, no term exceeds that of
    $e^{2x}$, the value for independent rows: the covariance is not positive.

    Args:
        square: |a|^2.
        width: d, at least 2.

    Raises:
        ValueError: in one dimension no two rows are orthogonal.
    """
    if width < 2:
        raise ValueError(f"orthogonal_covariance: two orthogonal rows need width 2 or more, got {width}")
    x, c = square / 2, width / 2
    terms = int(40 + 12 * x)
    orders = np.arange(terms)
    # the ratio of the rising factorials by a sum of logarithms: the factorials themselves overflow
    rising = np.concatenate([[0.0], np.cumsum(np.log(c + np.arange(2 * terms)))])
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, terms)))])
    total = orders[:, None] + orders
    deficit = rising[orders][:, None] + rising[orders] - rising[total]
    poisson = np.exp(-x + orders * np.log(x) - factorial) if x > 0 else (orders == 0).astype(float)
    return float(poisson @ np.expm1(deficit) @ poisson)


@functools.partial(jax.jit, static_argnames=("features", "orthogonal"))
def _errors(
    draws: PRNGKeyArray,
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    features: int,
    orthogonal: bool,
) -> tuple[Float[Array, " draws"], Float[Array, " draws"], Float[Array, " draws"]]:
    """Squared errors of each draw: of the kernel in units of its square, of the outputs in units of theirs."""
    kernel = gram(ExponentialKernel(1.0), queries, keys)
    targets = projective_targets(values)
    softmax = FunctionalDual.untrained(keys, targets, kernel=ExponentialKernel(1.0), projective=False)
    exact = softmax.predict(softmax.train(), queries)

    def one(key: PRNGKeyArray) -> tuple[Float[Array, ""], ...]:
        phi = PositiveRandomFeatures.draw(key, features, keys.shape[1], orthogonal=orthogonal, dtype=keys.dtype)
        model = DualModel.untrained(keys, targets, feature_map=phi)
        outputs = model.predict(model.train(), queries)
        approximate = jax.vmap(phi)(queries) @ jax.vmap(phi)(keys).T
        return (
            jnp.mean((approximate / kernel - 1) ** 2),
            _relative(outputs[:, :-1], exact[:, :-1]),
            _relative(projective_readout(outputs), projective_readout(exact)),
        )

    errors = jax.lax.map(one, draws, batch_size=128)
    return errors[0], errors[1], errors[2]


def _relative(outputs: Float[Array, "t dv"], exact: Float[Array, "t dv"]) -> Float[Array, ""]:
    return jnp.mean(jnp.sum((outputs - exact) ** 2, axis=1)) / jnp.mean(jnp.sum(exact**2, axis=1))


def _said(theory: dict[str, tuple[float, str]], quantity: str) -> dict[str, Value]:
    return dict(zip(("predicted", "prediction"), theory[quantity], strict=True)) if quantity in theory else {}
