"""Perturbations of targets, keys, query and tokens: what theory predicts beside what the perturbed model does."""

from functools import singledispatch

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention import LinearAttention
from lrgd_jax.dual import DualModel, FunctionalDual, OneStepDual
from lrgd_jax.dual.base import OneStepModel
from lrgd_jax.features import identity
from lrgd_jax.kernels import expansion_norm
from lrgd_jax.robust.bounds import kernel_distance, logit_range, ratio_bound, target_bound, value_diameter
from lrgd_jax.robust.prediction import Perturbation, Prediction, check_radius
from lrgd_jax.robust.problem import Problem, Subject

__all__ = [
    "drop_perturbation",
    "key_perturbation",
    "query_perturbation",
    "swap_perturbation",
    "target_perturbation",
    "token_perturbation",
    "worst_targets",
]


def target_perturbation(problem: Problem, changes: Float[Array, "n dv"]) -> Perturbation:
    r"""Changes of the targets move the output by $\sum_i a_i\,\delta_i$, exactly.

    $a_i = s_i\kappa(k_i, q)$, divided by the normaliser where there is one, which does not move. The step changes by
    $\sum_i s_i\,\delta_i\,\phi(k_i)^\top$.

    Args:
        problem: the output.
        changes: delta_i.

    Source: claim `target-perturbation`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> moved = target_perturbation(problem, jnp.array([[1.0], [0.0]]))
        >>> moved.output.predicted.tolist(), moved.output.measured.tolist(), float(moved.bound.predicted)
        ([1.0], [1.0], 4.0)
    """
    after = problem.moved(values=changes)
    output = Prediction(problem.shares() @ changes, after.output() - problem.output(), "exact")
    radius = jnp.max(jnp.linalg.norm(changes, axis=1))
    return Perturbation(_step(problem, after), output, _bound(target_bound(problem, radius), output))


def worst_targets(problem: Problem, radius: float, direction: Float[Array, " dv"]) -> Perturbation:
    r"""The worst changes, $\delta_i = \varepsilon\operatorname{sign}(a_i)\,u$, attain the bound.

    Args:
        problem: the output.
        radius: epsilon.
        direction: along u; any direction is as bad as any other.

    Raises:
        ValueError: the radius is not positive.

    Source: claim `target-perturbation`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> worst = worst_targets(problem, radius=0.5, direction=jnp.array([1.0]))
        >>> worst.output.measured.tolist(), float(worst.bound.tightness)
        ([2.0], 1.0)
    """
    check_radius("worst_targets", radius)
    unit = direction / jnp.linalg.norm(direction)
    signs = jnp.sign(problem.shares())
    return target_perturbation(problem, jnp.asarray(radius, unit.dtype) * signs[:, None] * unit[None, :])


def key_perturbation(problem: Problem, changes: Float[Array, "n d"]) -> Perturbation:
    r"""Changes of the keys: exact for linear attention without feature map, else to first order.

    For softmax attention the first order is $\operatorname{Cov}_p(v, z)$, $z_i = s\,q^\top\delta_i$, with remainder at
    most $\frac18 D\,(\max z-\min z)^2$: the second derivative along the path is the third joint cumulant
    $\mathbb E_p[(v-o)(z-\bar z)^2]$, at most $D\operatorname{Var}z\le D R^2/4$ (Popoviciu).

    Args:
        problem: the output.
        changes: delta_i.

    Source: claim `perturbation-bound`; the remainder is ours.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> moved = key_perturbation(problem, jnp.array([[0.0, 1.0], [0.0, 0.0]]))
        >>> moved.output.kind, moved.output.predicted.tolist(), moved.output.measured.tolist()  # 3 * 2
        ('exact', [6.0], [6.0])
    """
    return _move_attention(problem, problem.moved(keys=changes), keys=changes)


def query_perturbation(problem: Problem, change: Float[Array, " d"]) -> Perturbation:
    """A change of the query: the step stays, the test point moves. Kinds and remainder as for the keys.

    Args:
        problem: the output.
        change: of the query.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> moved = query_perturbation(problem, jnp.array([1.0, 0.0]))
        >>> moved.output.predicted.tolist(), moved.output.measured.tolist()  # 3 + 5
        ([8.0], [8.0])
    """
    return _move_attention(problem, problem.moved(query=change), query=change)


def token_perturbation(
    problem: Problem,
    changes: Float[Array, "n m"],
    key_weights: Float[Array, "m d"],
    value_weights: Float[Array, "m dv"],
) -> Perturbation:
    r"""Changes of the demonstrations' tokens move their keys by $W_K\delta_i$, their values by $W_V\delta_i$ at once.

    To first order the two effects add; the bound is that of the values at the old keys plus that of the keys at the new
    values.

    Args:
        problem: the output.
        changes: delta_i, of the tokens.
        key_weights: W_K, so that the keys are tokens @ W_K.
        value_weights: W_V.

    Raises:
        ValueError: the changes and the projections do not fit.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> changes, to_keys, to_values = jnp.array([[1.0, 0.0], [0.0, 0.0]]), jnp.eye(2), jnp.zeros((2, 1))
        >>> moved = token_perturbation(problem, changes, to_keys, to_values)
        >>> moved.output.predicted.tolist(), moved.output.measured.tolist()
        ([3.0], [3.0])
    """
    if not changes.shape[1] == key_weights.shape[0] == value_weights.shape[0]:
        raise ValueError(
            f"token_perturbation: changes of width {changes.shape[1]} need projections of as many rows, "
            f"got {key_weights.shape[0]} and {value_weights.shape[0]}"
        )
    keys, values = changes @ key_weights, changes @ value_weights
    valued = problem.moved(values=values)
    after = valued.moved(keys=keys)
    output = Prediction(
        _first_order(problem, keys=keys, values=values), after.output() - problem.output(), "first order", None
    )
    moved_values = target_bound(problem, jnp.max(jnp.linalg.norm(values, axis=1)))
    return Perturbation(_step(problem, after), output, _bound(moved_values + _attention_bound(valued, after), output))


def drop_perturbation(problem: Problem, kept: Bool[Array, " n"]) -> Perturbation:
    r"""Leaves demonstrations out: exact, $\Delta o = -\sum_{\text{dropped}} a_i v_i$, normalised
    $\Delta o = -\sum_{\text{dropped}} a_i(v_i-o)\,/\,(1-\sum_{\text{dropped}} a_i)$.

    Args:
        problem: the output of a dual model, whose sample weights become zero.
        kept: false where a demonstration is dropped.

    Raises:
        ValueError: the subject is an attention form, whose positions would move; give its dual.

    Source: claim `demonstration-dropout`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> drop_perturbation(problem, jnp.array([True, False])).output.predicted.tolist()  # -3 * 5
        [-15.0]
    """
    after = Problem(_drop(problem.subject, problem, kept), problem.query, problem.keys, problem.values)
    dropped = problem.shares() * (1 - kept.astype(problem.values.dtype))
    if problem.model().projective:
        before = problem.closed_form()
        predicted = -(dropped @ (problem.values - before[None, :])) / (1 - jnp.sum(dropped))
    else:
        predicted = -dropped @ problem.values
    output = Prediction(predicted, after.output() - problem.output(), "exact")
    return Perturbation(_step(problem, after), output, _bound(jnp.linalg.norm(predicted), output))


@singledispatch
def _drop(subject: Subject, problem: Problem, kept: Bool[Array, " n"]) -> Subject:
    raise ValueError("drop_perturbation: give the dual model of the attention; dropping moves a form's positions")


@_drop.register(OneStepDual)
def _(subject: OneStepModel, problem: Problem, kept: Bool[Array, " n"]) -> Subject:
    weights = problem.model().data.sample_weights * kept.astype(problem.values.dtype)
    return subject.replace(sample_weights=weights)


def swap_perturbation(problem: Problem, first: int, second: int) -> Perturbation:
    r"""Two demonstrations exchange their targets: $\Delta o = (a_i-a_j)(v_j-v_i)$, exactly.

    Args:
        problem: the output.
        first: i.
        second: j.

    Raises:
        ValueError: there is no such demonstration.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> swap_perturbation(problem, 0, 1).output.measured.tolist()  # (1 - 3)(5 - 3)
        [-4.0]
    """
    n = problem.values.shape[0]
    if not (0 <= first < n and 0 <= second < n):
        raise ValueError(f"swap_perturbation: demonstrations are numbered 0 to {n - 1}, got {first} and {second}")
    exchanged = problem.values.at[first].set(problem.values[second]).at[second].set(problem.values[first])
    return target_perturbation(problem, exchanged - problem.values)


def _move_attention(before: Problem, after: Problem, **changes: Float[Array, "..."]) -> Perturbation:
    """Keys or query have moved, values have not."""
    predicted, measured = _first_order(before, **changes), after.output() - before.output()
    if _is_linear(before):
        output = Prediction(predicted, measured, "exact")
    else:
        output = Prediction(predicted, measured, "first order", _remainder(before, after))
    return Perturbation(_step(before, after), output, _bound(_attention_bound(before, after), output))


def _first_order(problem: Problem, **changes: Float[Array, "..."]) -> Float[Array, " dv"]:
    """The derivative of the kernel sum along changes of the query, the keys or the values."""

    def output(step: Float[Array, ""]) -> Float[Array, " dv"]:
        return problem.moved(**{name: step * change for name, change in changes.items()}).closed_form()

    zero, one = (jnp.asarray(x, problem.values.dtype) for x in (0.0, 1.0))
    return jax.jvp(output, (zero,), (one,))[1]


def _remainder(before: Problem, after: Problem) -> Float[Array, ""] | None:
    """D R^2 / 8 where the logits are linear along the path (softmax attention); None otherwise."""
    return _remainder_of(before.model(), before, after)


@singledispatch
def _remainder_of(model: OneStepModel, before: Problem, after: Problem) -> Float[Array, ""] | None:
    return None


@_remainder_of.register
def _(model: FunctionalDual, before: Problem, after: Problem) -> Float[Array, ""] | None:
    return value_diameter(model) * logit_range(before, after) ** 2 / 8


def _attention_bound(before: Problem, after: Problem) -> Float[Array, ""]:
    """A bound on the effect of changed keys or a changed query, from how far features or logits have moved."""
    model, moved = before.model(), after.model()
    if model.projective:
        return ratio_bound(before, after)
    inputs, targets, weights = model.data
    lengths = jnp.abs(weights) * jnp.linalg.norm(targets, axis=1)
    kernel, points = model.kernel, (before.point(), after.point())
    by_keys = lengths @ kernel_distance(model, inputs, moved.inputs) * jnp.sqrt(kernel(points[0], points[0]))
    # f_1 - f_0 in the norm of the space, by the triangle inequality, at the new keys
    size = lengths @ jnp.sqrt(jax.vmap(lambda x: kernel(x, x))(moved.inputs))
    by_query = size * kernel_distance(model, points[0][None], points[1][None])[0]
    start = model.initial_coordinates
    zero_shot = model.raw_output(start, points[1]) - model.raw_output(start, points[0])
    return by_keys + by_query + jnp.linalg.norm(zero_shot)


def _bound(bound: Float[Array, ""], output: Prediction) -> Prediction:
    return Prediction(bound, jnp.linalg.norm(output.measured), "at most")


def _step(before: Problem, after: Problem) -> Prediction:
    """The size of the step's change: by the kernel alone, and by training both models."""
    models = before.model(), after.model()
    centres = jnp.concatenate([models[1].inputs, models[0].inputs])
    (_, new, weights), (_, old, old_weights) = models[1].data, models[0].data
    rows = jnp.concatenate([weights[:, None] * new, -old_weights[:, None] * old])
    predicted = expansion_norm(models[0].kernel, centres, rows)
    return Prediction(predicted, models[0].distance(models[1].train(), models[0].train()), "exact")


def _is_linear(problem: Problem) -> bool:
    """Whether the output is linear in the keys and in the query: no feature map, no normaliser."""
    return _subject_is_linear(problem.subject)


@singledispatch
def _subject_is_linear(subject: Subject) -> bool:
    return False


@_subject_is_linear.register
def _(subject: LinearAttention) -> bool:
    return not subject.normalised and subject.feature_map is identity


@_subject_is_linear.register
def _(subject: DualModel) -> bool:
    # a model keeps a plain function as a Partial of it
    return not subject.projective and getattr(subject.feature_map, "func", subject.feature_map) is identity
