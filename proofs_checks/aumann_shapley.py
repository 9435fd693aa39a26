"""Aumann-Shapley values along the rates: the integral of the gradient, and the whole effect as their sum."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel
from lrgd_jax.effect import DualLoss, linear_contributions


def quartic(output, target):
    """A quarter of the sum of fourth powers: a polynomial, so that the integral has a closed form."""
    return jnp.sum((target - output) ** 4) / 4


def dual_loss(query, keys, values, start, target):
    return DualLoss(DualModel(start, keys, values, learning_rate=0.25), query, target, quartic)


def along_the_path(query, keys, values, start, target, weights=(1, 4, 1)):
    """Simpson's rule on the gradient by autodiff, exact for its degree, three in t."""
    loss = dual_loss(query, keys, values, start, target)
    one = jnp.ones(keys.shape[:1], keys.dtype)
    gradients = [jax.grad(lambda rates: loss(rates))(t * one) for t in (0, 0.5, 1)]
    scores = -sum(w * gradient for w, gradient in zip(weights, gradients, strict=True)) / sum(weights)
    return {"scores": scores, "sum": jnp.sum(scores)}


def antiderivative(query, keys, values, start, target):
    """The integral of (e - t C)^3 from 0 to 1, and the fall of the loss between two trained models."""
    parts = linear_contributions(query, keys, values)
    error, whole = target - start @ query, jnp.sum(parts, axis=0)
    mean = error**3 - 1.5 * error**2 * whole + error * whole**2 - 0.25 * whole**3
    loss = dual_loss(query, keys, values, start, target)
    zero = jnp.zeros(keys.shape[:1], keys.dtype)
    return {"scores": parts @ mean, "sum": loss(zero) - loss(1 + zero)}


claim = Claim(
    slug="aumann-shapley",
    title="Aumann-Shapley values: the gradient along the path, which sums to the whole effect",
    group="D",
    statement=r"""
Let $o(t) = o_0+t\sum_jC_j$ and $\ell$ continuously differentiable. The Aumann-Shapley values of the demonstrations,
$$\phi_i = -\int_0^1\langle\nabla\ell(o(t)),\,C_i\rangle\,dt = -\int_0^1\frac{\partial}{\partial\eta_i}\ell(f_{W(\eta)}(q))\Big|_{\eta=t1}dt,\qquad\text{satisfy}\qquad
\sum_i\phi_i = \ell(f_{W_0}(q))-\ell(f_{W_1}(q)).$$
For $\ell(o) = \frac14\sum_r(y_r-o_r)^4$, with $e = y-o_0$ and $c = \sum_jC_j$ and powers taken componentwise,
$\phi_i = \langle C_i,\;e^3-\frac32e^2c+ec^2-\frac14c^3\rangle$.
""",
    assumptions=(
        "the integral is evaluated at a polynomial loss, for which Simpson's rule is exact, so that no quadrature error hides in the check",
        "one-step duals without a normaliser, in which $\\partial o/\\partial\\eta_i = C_i$ everywhere; the second integral is the definition where it does not hold",
    ),
    proof=r"""
$f_{W(\eta)}(q) = o_0+\sum_i\eta_iC_i$, so $\partial\ell/\partial\eta_i = \langle\nabla\ell,C_i\rangle$, and along $\eta = t1$ the output is $o(t)$. By the chain rule
$\frac{d}{dt}\ell(o(t)) = \sum_i\langle\nabla\ell(o(t)),C_i\rangle$; integrate. For the quartic, $-\nabla\ell(o(t)) = (e-tc)^3$ is a cubic polynomial in $t$, whose integral is the stated sum, and which
Simpson's rule integrates exactly. $\square$
""",
    source="Aumann & Shapley 1974; Sundararajan et al. 2017, arXiv 1703.01365, section 3 (completeness)",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "start": "dv d", "target": "dv"},
    dimensions={"n": (1, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 3, "dv": 2}, {"n": 2, "d": 2, "dv": 1}, {"n": 1, "d": 1, "dv": 2}),
    left=along_the_path,
    right=antiderivative,
    mutants=(
        Mutant("the gradient at the end alone", alter(along_the_path, weights=(0, 0, 1)), replaces="left"),
        Mutant("the gradient at the start alone", alter(along_the_path, weights=(1, 0, 0)), replaces="left"),
        Mutant("a rule that is not exact for the degree", alter(along_the_path, weights=(1, 2, 1)), replaces="left"),
    ),
)
