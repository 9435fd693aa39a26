"""Is an update the gradient of some loss? Of one under a metric? Of none, and then why not?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.equality import equal
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.gradients.field import LEFT, RIGHT, Field, Metric, Update
from lrgd_jax.certify.gradients.line_integral import integration_weights
from lrgd_jax.certify.gradients.metric_search import NoMetric, find_metric
from lrgd_jax.certify.gradients.regularity import jumps, poles
from lrgd_jax.certify.gradients.verdicts import Conservative, Loss, Rotational, Undecided
from lrgd_jax.certify.tracing.shapes import Sizes, shapes_of

__all__ = ["is_gradient"]

HIGHEST_DEGREE = 8
"""Of a polynomial in the state whose line integral is written out."""


def is_gradient(
    update: Update,
    shapes: str | Mapping[str, str | int | Sequence[int | str] | Sizes],
    *,
    wrt: str,
    metric: Metric | Literal["any"] | None = None,
    step: bool = False,
    seed: int = 0,
) -> Conservative | Rotational | Undecided:
    r"""Decides whether an update is the gradient of some loss of the state.

    On all of R^n a continuously differentiable map is a gradient if and only if its Jacobian is symmetric everywhere
    (Poincare's lemma):

    $$F = \nabla_S L\ \text{for some}\ L \iff \langle u, DF(S)\,v\rangle = \langle v, DF(S)\,u\rangle
    \quad\text{for all}\ S, u, v,$$

    an identity of two programs, which `equal` certifies or refutes. Under a metric M that does not depend on the state,
    M F takes the place of F: a preconditioned step $-M^{-1}\nabla L$. That a map is a gradient does not depend on
    whether it returns the new state or the change, since the identity's Jacobian is symmetric.

    Args:
        update: a function of arrays, from JAX's primitives, that returns the new state, or its change.
        shapes: of the arguments, as in `equal`, such as "S:dv=2,dk=3; k:dk; v:dv".
        wrt: the name of the state among them; an array of real numbers.
        metric: of a tangent of the state and, by name, of arguments other than the state: the metric applied to the
            tangent, such as `lambda tangent, b: tangent * b[None, :]`; linear in the tangent, symmetric and invertible,
            which is checked. None is the Euclidean one; "any" asks whether there is one, a matrix that is the same for
            all arguments, and searches for it where the Euclidean one does not serve.
        step: `update` returns the new state S'; then the loss is that of S - S', of which S' is a step downhill at
            rate one. Otherwise it is that of what `update` returns.
        seed: of points, primes and symbols.

    Returns:
        `Conservative`, which is true, with the loss where the update is a polynomial in the state of degree at most 8;
        `Rotational`, which is false, with two entries of the Jacobian that differ; or `Undecided`, which is false too,
        with the reason: the Jacobian is symmetric wherever it was tried and no more is known, or it is symmetric and
        the update jumps, so that this says nothing. A matrix that was found is `matrix` of the first.

    Raises:
        ValueError: `wrt` is no argument, or one of integers; the update returns another shape than the state's; the
            metric depends on the state, or is not linear, not symmetric or singular; a metric is searched for a state
            of more than 16 entries.
        NotCertifiableError: no layer can say anything of the Jacobian.

    Source: Spivak 1965, Calculus on Manifolds, theorem 4-11, for the criterion; the updates that it is asked of are the
        test-time learners of Yang et al. 2024, arXiv 2412.06464, table 1.

    Examples:
        >>> import jax.numpy as jnp
        >>> def delta(S, k, v):
        ...     return S - jnp.outer(S @ k - v, k)
        >>> print(is_gradient(delta, "S:dv=2,dk=2; k:dk; v:dv", wrt="S").written)
        1/2 <delta(0), S> + 1/2 <delta(S), S>
        >>> def uneven(S, k, v, b):
        ...     return S - jnp.outer(S @ (b * k) - v, k)
        >>> bool(is_gradient(uneven, "S:dv=1,dk=2; k:dk; v:dv; b:dk", wrt="S"))
        False
        >>> def metric(tangent, b):
        ...     return tangent * b[None, :]
        >>> bool(is_gradient(uneven, "S:dv=1,dk=2; k:dk; v:dv; b:dk", wrt="S", metric=metric))
        True
        >>> def shear(S, k):
        ...     return jnp.stack([S[0] + S[1], 2 * S[0]]) - k
        >>> is_gradient(shear, "S:2; k:2", wrt="S", metric="any").matrix
        ((2, 0), (0, 1))
    """
    if isinstance(metric, str):
        if metric != "any":
            raise ValueError(f"metric must be a function, 'any' or None, got {metric!r}")
        return _under_any(Field(update, shapes_of(shapes), wrt, None, step), seed)
    return _decide(Field(update, shapes_of(shapes), wrt, metric, step), seed)


def _under_any(field: Field, seed: int) -> Conservative | Rotational | Undecided:
    """The verdict under the Euclidean metric, or under a constant one that is found."""
    plain = _decide(field, seed)
    if not isinstance(plain, Rotational):
        return plain
    found = find_metric(field, seed)
    if isinstance(found, NoMetric):
        if found.certain:
            return replace(plain, no_metric=found.reason)
        return Undecided(
            field.name, field.wrt, None, f"it is the gradient of no loss under the Euclidean one, and {found.reason}"
        )
    verdict = _decide(replace(field, metric=found.as_metric()), seed)
    if isinstance(verdict, Conservative):
        return replace(verdict, matrix=found.matrix, definite=found.definite)
    reason = f"its Jacobian is symmetric under {found} at the points tried, and not certified to be so at others"
    return Undecided(field.name, field.wrt, None, reason)


def _decide(field: Field, seed: int) -> Conservative | Rotational | Undecided:
    """The verdict under the field's own metric."""
    field.check()
    wrt, metric = field.wrt, field.metric
    if metric is not None:
        _check_metric(field, seed)
    symmetric = equal(field.form(LEFT, RIGHT), field.form(RIGHT, LEFT), field.with_tangents, seed=seed)
    if isinstance(symmetric, Counterexample):
        return _witness(field, symmetric)
    if isinstance(symmetric, Unrefuted):
        return Undecided(field.name, wrt, field.metric_name, f"its Jacobian is {symmetric}")
    of_state = field.of_state()
    if jumping := jumps(of_state):
        reason = "its Jacobian is symmetric wherever there is one, which does not settle it: the update may jump by "
        return Undecided(field.name, wrt, field.metric_name, reason + ", ".join(jumping))
    singular = poles(of_state)
    loss = None if singular else _loss(field, seed)
    return Conservative(field.name, wrt, field.metric_name, symmetric, loss, singular)


def _witness(field: Field, refuted: Counterexample) -> Rotational | Undecided:
    """Two entries of the Jacobian that differ, where its symmetry is refuted."""
    if refuted.arguments is None:
        reason = "its Jacobian is not symmetric in a random prime field, but no point was found at which that shows"
        return Undecided(field.name, field.wrt, field.metric_name, reason)
    point = {name: x for name, x in refuted.arguments.items() if name not in (LEFT, RIGHT)}
    jacobian = field.jacobian(point)
    apart = np.abs(jacobian - jacobian.T)
    i, j = (int(k) for k in np.unravel_index(np.argmax(apart), apart.shape))
    shape = point[field.wrt].shape
    first, second = (tuple(int(k) for k in np.unravel_index(entry, shape)) for entry in (i, j))
    return Rotational(
        update=field.name,
        wrt=field.wrt,
        metric=field.metric_name,
        sizes=refuted.sizes,
        arguments=point,
        entries=(first, second),
        derivatives=(float(jacobian[i, j]), float(jacobian[j, i])),
        counterexample=refuted,
    )


def _loss(field: Field, seed: int) -> Loss | None:
    """The line integral from zero, certified by differentiating it again; None where the map is no polynomial."""
    for degree in range(HIGHEST_DEGREE + 1):
        weights = integration_weights(degree)
        if not _may_integrate(field, weights, seed):
            continue
        # by the common denominator, so that no weight is a rounded literal
        scale = lcm(*(weight.denominator for weight in weights))
        gradient = field.gradient_of_integral([int(weight * scale) for weight in weights])
        certificate = equal(gradient, field.scaled(scale), field.shapes, seed=seed)
        if isinstance(certificate, Certificate):
            return Loss(degree, weights, certificate, field.integral([float(weight) for weight in weights]))
    return None


def _may_integrate(field: Field, weights: Sequence[Fraction], seed: int) -> bool:
    """Whether a certificate is worth the search for it: at a random point the gradient of the integral lies nearer to
    the field than half of it. Decides nothing else.
    """
    point = field.random_point(seed)
    with jax.enable_x64(True):
        expected = field.scaled(1)(**point)
        gradient = field.gradient_of_integral([float(weight) for weight in weights])(**point)
        apart, size = (float(jnp.linalg.norm(jnp.ravel(x))) for x in (gradient - expected, expected))
    return 2 * apart <= size


def _check_metric(field: Field, seed: int) -> None:
    """Raises ValueError where the metric is not linear, not symmetric, or singular at random arguments."""
    for what, first, second in field.laws_of_metric():
        refuted = equal(first, second, field.with_tangents, seed=seed)
        if isinstance(refuted, Counterexample):
            raise ValueError(f"the metric {field.metric_name} is not {what}: {refuted}")
    matrix = field.metric_matrix(field.random_point(seed))
    if int(np.linalg.matrix_rank(matrix)) < matrix.shape[0]:
        raise ValueError(
            f"the metric {field.metric_name} is singular at random arguments; expected one that has an inverse"
        )
