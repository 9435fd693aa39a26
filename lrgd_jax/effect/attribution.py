r"""Which demonstration did it? Scores from the loss as a function of one number a demonstration.

`leave_one_out` is the truth about one demonstration's removal, `exact_shapley` the one fair division of the whole
effect; the others estimate them for less. One sign throughout: positive helps.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from lrgd_jax.effect.cost import gradient_cost
from lrgd_jax.effect.evaluation import gradients_at, losses_at
from lrgd_jax.effect.losses import GatedLoss
from lrgd_jax.effect.scores import Scores

__all__ = ["NODES", "SHARE", "aumann_shapley", "clenshaw_curtis", "leave_one_out", "rate_gradient"]

NODES = (5, 9, 17)
"""Numbers of Clenshaw-Curtis nodes that are tried in turn; each holds all nodes of the one before."""
SHARE = 0.05
"""Of the whole effect, that the sum of Aumann-Shapley values may miss before more nodes are added."""


def leave_one_out(loss: GatedLoss, *, batch: int = 1) -> Scores:
    r"""How much the loss rises without each demonstration, $\ell(1 - e_i) - \ell(1)$; N + 1 forward passes.

    Args:
        loss: of rates or gates.
        batch: how many losses are computed together.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, leave_one_out
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> leave_one_out(loss).values.tolist()
        [1.0, 2.0]
    """
    n = loss.demonstrations
    losses = losses_at(loss, np.concatenate([np.ones((1, n)), 1 - np.eye(n)]), batch=batch)
    return Scores(losses[1:] - losses[0], "leave-one-out", n + 1.0)


def rate_gradient(loss: GatedLoss, *, parts: bool = False) -> Scores:
    r"""The first-order leave-one-out, $-\partial\ell/\partial\eta_i$ at $\eta = 1$, in one backward pass for all i.

    Args:
        loss: of rates or gates.
        parts: by layer and head too, at the same cost; only of a `PromptLoss`.

    Source: influence by a derivative in the sample's weight: Koh & Liang 2017, arXiv 1703.04730, section 2; in context
    it needs no Hessian, for the step is a single one.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, rate_gradient
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> rate_gradient(loss).values.tolist()
        [1.0, 2.0]
    """
    at_one = gradients_at(loss, np.ones((1, loss.demonstrations)), parts=parts)
    by_part = None if at_one.parts is None else -at_one.parts[0]
    values = -at_one.gradients[0] if by_part is None else by_part.sum(axis=(0, 1))
    return Scores(values, "rate gradient", gradient_cost(loss), parts=by_part)


def aumann_shapley(
    loss: GatedLoss,
    *,
    power: int = 1,
    share: float = SHARE,
    nodes: Sequence[int] = NODES,
    batch: int = 1,
    parts: bool = False,
) -> Scores:
    r"""The Aumann-Shapley values along the path $g(s)\,1$ with $g(s) = s^p$.

    $$\phi_i = -\int_0^1 \frac{\partial\ell}{\partial\eta_i}(g(s)\,1)\,g'(s)\,ds,\qquad
    \sum_i\phi_i = \ell(0) - \ell(1)$$

    The integral is the same for every p; with p > 1 the nodes crowd where g is small, where along the rates most of
    the change lies, since a demonstration with little weight is still attended to. The nodes are those of
    Clenshaw-Curtis rules: each rule keeps all gradients of the one before, and the losses at its ends, which are
    nodes, give the whole effect. Nodes are added until the completeness gap is at most `share`; the scores report
    the gap that is left, also where it is larger.

    Args:
        loss: of rates or gates.
        power: p; 3 suits rates, 1 contribution gates.
        share: of the whole effect, by which the sum of the scores may miss it.
        nodes: numbers of nodes to try in turn; one less than each divides one less than the next.
        batch: how many gradients are computed together.
        parts: by layer and head too, at the same cost; only of a `PromptLoss`.

    Raises:
        ValueError: the power is less than one, the numbers of nodes are fewer than two or not nested, or the share is
            negative.

    Source: Aumann & Shapley 1974; as integrated gradients Sundararajan et al. 2017, arXiv 1703.01365, eq. 1; the rule:
    Clenshaw & Curtis 1960, "A method for numerical integration on an automatic computer".

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, aumann_shapley
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> scores = aumann_shapley(loss)
        >>> scores.values.round(4).tolist(), round(scores.gap, 4)
        ([1.0, 2.0], 0.0)
    """
    nested = all(b > a and (b - 1) % (a - 1) == 0 for a, b in pairwise(nodes)) if nodes and nodes[0] > 1 else False
    if power < 1 or not nested:
        raise ValueError(
            "power must be at least 1, and nodes at least 2 and nested, such as 5, 9, 17, where 4 divides 8 and 8 "
            f"divides 16; got power={power}, nodes={tuple(nodes)}"
        )
    if not share >= 0:
        raise ValueError(f"share must be zero or more, got {share}")
    s, losses = np.zeros(0), np.zeros(0)
    slopes = values = np.zeros((0, loss.demonstrations))
    whole = float("nan")
    for count in nodes:
        known, (s, weights) = s, clenshaw_curtis(count)
        old = np.isin(s, known)
        points = np.outer(s[~old] ** power, np.ones(loss.demonstrations))
        new = gradients_at(loss, points, batch=batch, parts=parts)
        losses = _merge(losses, new.losses, old)
        slopes = _merge(slopes, new.gradients if new.parts is None else new.parts, old)
        values = -np.tensordot(weights * power * s ** (power - 1), slopes, 1)
        whole = float(losses[0] - losses[-1])
        if abs(values.sum() - whole) <= share * abs(whole):
            break
    by_part, values = (values, values.sum(axis=(0, 1))) if parts else (None, values)
    return Scores(values, f"Aumann-Shapley, {len(s)} nodes", gradient_cost(loss) * len(s), whole, parts=by_part)


def _merge(
    known: Float[np.ndarray, " k *kept"], new: Float[np.ndarray, " b *x"], old: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, " n *x"]:
    """What is known at the nodes of the rule before, and what is new at the others, in order."""
    both = np.empty((len(old), *new.shape[1:]))
    both[~old] = new
    if old.any():
        both[old] = known
    return both


def clenshaw_curtis(count: int) -> tuple[Float[np.ndarray, " count"], Float[np.ndarray, " count"]]:
    r"""Nodes and weights on $[0, 1]$: the integral of the polynomial through the points $(1 - \cos(\pi j/n))/2$.

    Args:
        count: n + 1, at least two.
    """
    n = count - 1
    # equal floats in every rule that has the node, so that they are known again
    angle = np.array([j / n for j in range(count)])
    nodes = np.sin(np.pi * angle / 2) ** 2
    orders = np.arange(0, count, 2)
    terms = np.where((orders == 0) | (orders == n), 1, 2) / (1 - orders**2)
    ends = np.where((angle == 0) | (angle == 1), 1, 2)
    return nodes, ends / (2 * n) * (np.cos(np.pi * np.outer(angle, orders)) @ terms)
