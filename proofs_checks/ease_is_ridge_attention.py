"""EASE and SLIST, ridge regression of items on items with a zero diagonal, are ridge attention that hides the own item."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import ridge_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel, squared_error
from lrgd_jax.recommend.forms.dense_reference import zero_diagonal_ridge


def positive_ridge(ridge):
    return {"ridge": 0.5 + ridge * ridge}


def results(weights, queries, keys, targets, ridge):
    """Scores of the queries; the diagonal; and the dual's gradient there, its diagonal left free."""
    unit = jnp.eye(keys.shape[1], dtype=keys.dtype)
    model = DualModel(jnp.zeros_like(weights.T), keys, targets, objective=squared_error)

    def penalised(w):
        loss = model.loss(w, keys, targets, jnp.ones(keys.shape[:1], keys.dtype))
        return loss + ridge / 2 * jnp.sum(w * w)

    return {
        "scores": queries @ weights,
        "diagonal": jnp.sum(weights * unit, axis=0),
        "gradient off the diagonal": jax.grad(penalised)(weights.T) * (1 - unit),
    }


def closed_form(queries, keys, targets, ridge):
    return results(zero_diagonal_ridge(keys, targets, ridge), queries, keys, targets, ridge)


def hidden_item(queries, keys, targets, ridge):
    """Each item's score by ridge attention over keys and queries in which that item is not seen."""
    m = keys.shape[1]
    unit = jnp.eye(m, dtype=keys.dtype)
    columns = []
    for j in range(m):
        seen = (1 - unit[j])[None, :]
        columns.append(ridge_attention(queries * seen, keys * seen, targets[:, j : j + 1], ridge))
    return {
        "scores": jnp.concatenate(columns, axis=1),
        "diagonal": jnp.zeros_like(keys[0]),
        "gradient off the diagonal": jnp.zeros_like(unit),
    }


def unconstrained(keys, targets, ridge):
    """Ridge weights, features by items, from ridge attention at the unit vectors."""
    return ridge_attention(jnp.eye(keys.shape[1], dtype=keys.dtype), keys, targets, ridge)


def diagonal_cut_out(queries, keys, targets, ridge):
    free = unconstrained(keys, targets, ridge)
    cut = free * (1 - jnp.eye(keys.shape[1], dtype=keys.dtype))
    return results(cut, queries, keys, targets, ridge)


def without_the_constraint(queries, keys, targets, ridge):
    return results(unconstrained(keys, targets, ridge), queries, keys, targets, ridge)


def multipliers_of_the_rows(queries, keys, targets, ridge):
    """The multipliers scale the rows of P in place of its columns."""
    free = unconstrained(keys, targets, ridge)
    unit = jnp.eye(keys.shape[1], dtype=keys.dtype)
    inverse = (unit - unconstrained(keys, keys, ridge)) / ridge
    multipliers = jnp.sum(free * unit, axis=0) / jnp.sum(inverse * unit, axis=0)
    return results(free - multipliers[:, None] * inverse, queries, keys, targets, ridge)


claim = Claim(
    slug="ease-is-ridge-attention",
    title="EASE and SLIST are ridge attention with the own item hidden",
    group="F",
    statement=r"""
Keys $X$ and targets $Y$ have one feature an item ($Y = X$, rows of users: EASE; $Y$ the next items: SLIST). With $\lambda>0$ and $P = (X^\top X+\lambda I)^{-1}$,
$$B = PX^\top Y - P\,\mathrm{diag}(\gamma),\qquad \gamma_j = \frac{(PX^\top Y)_{jj}}{P_{jj}},$$
is the minimum of $\frac12\|Y-XB\|^2+\frac\lambda2\|B\|^2$ under $B_{jj}=0$: its diagonal is zero, and the gradient of the dual's loss there vanishes off the diagonal. The
score of item j is ridge attention over the same demonstrations, with item j's own feature hidden in keys and query:
$$(q^\top B)_j = y_{\cdot j}^\top\big(X_{-j}X_{-j}^\top+\lambda I\big)^{-1}X_{-j}\,q_{-j}.$$
""",
    assumptions=("$\\lambda > 0$",),
    proof=r"""
The loss is a sum over columns of B. In column j the constraint removes one coefficient, so the minimum is ridge regression on the other features, which is the last display
(claim `ridge-attention` in kernel form). With a multiplier $\gamma_j$ for $B_{jj}=0$ the stationary point is $(X^\top X+\lambda I)B_{\cdot j} = X^\top y_{\cdot j}-\gamma_je_j$,
so $B_{\cdot j} = PX^\top y_{\cdot j}-\gamma_jPe_j$, and $B_{jj}=0$ gives $\gamma_j$; $P_{jj}>0$ since P is positive definite. $\square$

The left side inverts one matrix for all items; the right side solves an $n\times n$ system for each item.
""",
    source="Steck 2019, arXiv 1905.03375, eq. 8; Choi et al. 2021, arXiv 2103.16104 (SLIST); the attention form is ours",
    arguments={"queries": "t m", "keys": "n m", "targets": "n m", "ridge": ""},
    dimensions={"n": (1, 4), "t": (1, 2), "m": (2, 4)},
    shapes=({"n": 4, "t": 2, "m": 3}, {"n": 2, "t": 1, "m": 3}, {"n": 1, "t": 1, "m": 2}),
    given=positive_ridge,
    left=closed_form,
    right=hidden_item,
    mutants=(
        Mutant("the diagonal of the unconstrained answer is set to zero", diagonal_cut_out, replaces="left"),
        Mutant("without the constraint", without_the_constraint, replaces="left"),
        Mutant("the multipliers scale rows of P", multipliers_of_the_rows, replaces="left"),
    ),
)
