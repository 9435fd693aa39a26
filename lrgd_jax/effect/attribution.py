r"""Which demonstration did it? Scores from the loss as a function of one number a demonstration.

`leave_one_out` is the truth about one demonstration's removal, `exact_shapley` the one fair division of the whole
effect; the others estimate them for less. One sign throughout: positive helps.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from lrgd_jax.effect.evaluation import GRADIENT, ends, gradients_at, losses_at
from lrgd_jax.effect.losses import GatedLoss
from lrgd_jax.effect.scores import Scores

__all__ = ["NODES", "aumann_shapley", "leave_one_out", "rate_gradient"]

NODES = (2, 4, 8, 16, 32)
"""Numbers of Gauss-Legendre nodes that are tried in turn."""


def leave_one_out(loss: GatedLoss, *, batch: int = 1) -> Scores:
    r"""How much the loss rises without each demonstration, $\ell(1 - e_i) - \ell(1)$; N + 1 forward passes.

    Args:
        loss: of rates or gates.
        batch: how many losses are computed together.
    """
    n = loss.demonstrations
    found = losses_at(loss, np.concatenate([np.ones((1, n)), 1 - np.eye(n)]), batch=batch)
    return Scores(found[1:] - found[0], "leave-one-out", n + 1.0)


def rate_gradient(loss: GatedLoss) -> Scores:
    r"""The first-order leave-one-out, $-\partial\ell/\partial\eta_i$ at $\eta = 1$, in one backward pass for all i.

    Source: influence by a derivative in the sample's weight: Koh & Liang 2017, arXiv 1703.04730, section 2; in context
    it needs no Hessian, for the step is a single one.
    """
    found = gradients_at(loss, np.ones((1, loss.demonstrations)))
    return Scores(-found.gradients[0], "rate gradient", GRADIENT)


def aumann_shapley(
    loss: GatedLoss, *, power: int = 1, share: float = 0.05, nodes: Sequence[int] = NODES, batch: int = 1
) -> Scores:
    r"""The Aumann-Shapley values along the path $g(s)\,1$ with $g(s) = s^p$.

    $$\phi_i = -\int_0^1 \frac{\partial\ell}{\partial\eta_i}(g(s)\,1)\,g'(s)\,ds,\qquad
    \sum_i\phi_i = \ell(0) - \ell(1)$$

    The integral is the same for every p; with p > 1 the nodes crowd where g is small, where along the rates most of
    the change lies, since a demonstration with little weight is still attended to. More Gauss-Legendre nodes are
    taken until the completeness gap is at most `share`; the scores report the gap that is left, also where it is
    larger.

    Args:
        loss: of rates or gates.
        power: p; 3 suits rates, 1 contribution gates.
        share: of the whole effect, by which the sum of the scores may miss it.
        nodes: numbers of nodes to try in turn.
        batch: how many gradients are computed together.

    Raises:
        ValueError: the power or a number of nodes is less than one, the numbers of nodes do not increase, or the share
            is negative.

    Source: Aumann & Shapley 1974; as integrated gradients Sundararajan et al. 2017, arXiv 1703.01365, eq. 1.
    """
    if power < 1 or not nodes or nodes[0] < 1 or any(b <= a for a, b in pairwise(nodes)):
        raise ValueError(f"power and nodes must be at least 1, and nodes increase; got power={power}, nodes={nodes}")
    if not share >= 0:
        raise ValueError(f"share must be zero or more, got {share}")
    zero, one = ends(loss, batch=batch)
    cost, count, values = 2.0, 0, np.zeros(loss.demonstrations)
    for count in nodes:
        cost += GRADIENT * count
        values = -_integral(lambda points: gradients_at(loss, points, batch=batch).gradients, loss, count, power)
        if abs(values.sum() - (zero - one)) <= share * abs(zero - one):
            break
    return Scores(values, f"Aumann-Shapley, {count} nodes", cost, zero - one)


def _integral(
    gradients: Callable[[Float[np.ndarray, "b N"]], Float[np.ndarray, "b N"]], loss: GatedLoss, count: int, power: int
) -> Float[np.ndarray, " N"]:
    """The gradient along the path, integrated over s by a rule with `count` nodes."""
    roots, weights = np.polynomial.legendre.leggauss(count)
    s = (roots + 1) / 2
    at = np.repeat((s**power)[:, None], loss.demonstrations, axis=1)
    return (weights / 2 * power * s ** (power - 1)) @ gradients(at)
