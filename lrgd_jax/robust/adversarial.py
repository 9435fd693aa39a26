"""Adversarial search: projected gradient ascent for the perturbation that moves the output farthest."""

from typing import Literal

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.robust.bounds import key_bound, query_bound, target_bound
from lrgd_jax.robust.prediction import Prediction, check_radius
from lrgd_jax.robust.problem import Problem

__all__ = ["AdversarialPerturbation", "adversarial_perturbation"]

What = Literal["values", "keys", "query"]


@struct.dataclass
class AdversarialPerturbation:
    """The strongest perturbation that the search found.

    Attributes:
        change: of the values, keys or query; no row is longer than the radius.
        output: how far the output moves, against the bound for that radius.
        path: how far it moved before each step of the search, shape [steps].

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> attack = adversarial_perturbation(jax.random.key(0), problem, "values", radius=0.5, steps=12)
        >>> attack.change.shape, attack.path.shape
        ((2, 1), (12,))
        >>> bool(attack.output.measured <= attack.output.predicted)
        True
    """

    change: Float[Array, "..."]
    output: Prediction
    path: Float[Array, " steps"]


def adversarial_perturbation(
    key: PRNGKeyArray,
    problem: Problem,
    what: What,
    radius: float,
    *,
    steps: int = 50,
    optimiser: optax.GradientTransformation | None = None,
    bound: Float[Array, ""] | None = None,
) -> AdversarialPerturbation:
    r"""Maximises $\|\Delta o\|^2$ over changes whose rows are no longer than $\varepsilon$, from a random start.

    Each step ascends along the gradient, every row of length one, and projects every row onto the ball. The search
    finds a lower bound on the worst case; the bound beside it is an upper one.

    Args:
        key: of the random start.
        problem: the output.
        what: which argument is perturbed.
        radius: epsilon.
        steps: of ascent.
        optimiser: any optax transformation of the normalised gradient; steps of a fifth of the radius unless given.
        bound: on the change of the output; `target_bound`, `key_bound` or `query_bound` unless given.

    Raises:
        ValueError: the radius or the number of steps is not positive, or there is no such argument.

    Source: projected gradient ascent: Madry et al. 2018, arXiv 1706.06083.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> attack = adversarial_perturbation(jax.random.key(0), problem, "values", radius=0.5, steps=12)
        >>> float(attack.output.predicted), round(float(attack.output.measured), 3)  # the bound, and what reaches it
        (2.0, 2.0)
    """
    check_radius("adversarial_perturbation", radius)
    if what not in ("values", "keys", "query"):
        raise ValueError(f'adversarial_perturbation: what to perturb must be "values", "keys" or "query", got {what!r}')
    if steps < 1:
        raise ValueError(f"adversarial_perturbation: at least one step is needed, got {steps}")
    like = getattr(problem, what)
    optimiser = optax.sgd(radius / 5) if optimiser is None else optimiser
    plain = problem.output()

    def gain(change: Float[Array, "..."]) -> Float[Array, ""]:
        return jnp.sum((problem.moved(**{what: change}).output() - plain) ** 2)

    def ascend(carry, _):
        change, state, best, best_gain = carry
        value, slope = jax.value_and_grad(gain)(change)
        best = jnp.where(value > best_gain, change, best)
        updates, state = optimiser.update(-_unit(slope), state, change)
        moved = _project_on_ball(jnp.asarray(optax.apply_updates(change, updates)), radius)
        return (moved, state, best, jnp.maximum(value, best_gain)), value

    start = _project_on_ball(2 * radius * jax.random.normal(key, like.shape, like.dtype), radius)
    carry = (start, optimiser.init(start), start, gain(start))
    (last, _, best, best_gain), path = jax.lax.scan(ascend, carry, length=steps)
    best = jnp.where(gain(last) > best_gain, last, best)
    measured = jnp.sqrt(gain(best))
    limit = _limit(problem, what, radius) if bound is None else bound
    return AdversarialPerturbation(best, Prediction(limit, measured, "at most"), jnp.sqrt(path))


def _unit(slope: Float[Array, "..."]) -> Float[Array, "..."]:
    """Every row at length one, zero rows left alone: the steepest direction within rows of a given length."""
    square = jnp.sum(slope**2, axis=-1, keepdims=True)
    return slope / jnp.sqrt(jnp.where(square > 0, square, jnp.ones_like(square)))


def _project_on_ball(change: Float[Array, "..."], radius: float) -> Float[Array, "..."]:
    """Every row (the vector itself, if it is one) projected onto the ball."""
    length = jnp.linalg.norm(change, axis=-1, keepdims=True)
    limit = jnp.asarray(radius, change.dtype)
    return change * (limit / jnp.maximum(length, limit))


def _limit(problem: Problem, what: What, radius: float) -> Float[Array, ""]:
    if what == "values":
        return target_bound(problem, radius)
    return key_bound(problem, radius) if what == "keys" else query_bound(problem, radius)
