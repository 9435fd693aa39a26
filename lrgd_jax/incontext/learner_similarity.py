"""How close two in-context learners are: their predictions, their sensitivities, their losses on other tasks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.incontext.optimum import zero_shot_loss
from lrgd_jax.incontext.tasks import RegressionTasks

__all__ = [
    "LearnerSimilarity",
    "Predictor",
    "compare_learners",
    "cosine",
    "out_of_distribution",
]

Predictor: TypeAlias = Callable[[Float[Array, "n_1 d_1"]], Float[Array, ""]]
"""One prompt, the query last, to the prediction for the query."""


class LearnerSimilarity(NamedTuple):
    r"""How close two learners are on a set of prompts. Sensitivities are $\partial\hat y/\partial x_q$.

    Attributes:
        prediction_cosine: of the two vectors of predictions over all prompts.
        prediction_distance: mean absolute difference of the predictions.
        sensitivity_cosine: mean over prompts of the cosine of the sensitivities.
        sensitivity_distance: mean over prompts of the L2 norm of their difference.

    Examples:
        >>> import jax.numpy as jnp
        >>> tokens = jnp.array([[[1.0, 4.0], [2.0, 0.0]]])
        >>> same = compare_learners(lambda prompt: prompt[-1, 0], lambda prompt: prompt[-1, 0], tokens)
        >>> float(same.prediction_distance), float(same.sensitivity_cosine)
        (0.0, 1.0)
    """

    prediction_cosine: Float[Array, ""]
    prediction_distance: Float[Array, ""]
    sensitivity_cosine: Float[Array, ""]
    sensitivity_distance: Float[Array, ""]


def cosine(x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
    """The cosine of the angle between two vectors; zero where one of them is zero."""
    product = jnp.linalg.norm(x) * jnp.linalg.norm(y)
    return jnp.where(product > 0, jnp.vdot(x, y) / jnp.where(product > 0, product, 1), 0)


def compare_learners(first: Predictor, second: Predictor, tokens: Float[Array, "b n_1 d_1"]) -> LearnerSimilarity:
    """Compares two learners on the same prompts.

    Args:
        first: one learner.
        second: the other.
        tokens: the prompts.

    Source: von Oswald et al. 2023, arXiv 2212.07677, section 3 (preds diff, model cos, model diff of figure 2).

    Examples:
        >>> import jax.numpy as jnp
        >>> tokens = jnp.array([[[1.0, 4.0], [2.0, 0.0]]])
        >>> apart = compare_learners(lambda prompt: prompt[-1, 0], lambda prompt: 3 * prompt[-1, 0], tokens)
        >>> float(apart.prediction_cosine), float(apart.prediction_distance), float(apart.sensitivity_distance)
        (1.0, 4.0, 2.0)
    """
    (one, slope_one), (two, slope_two) = (jax.vmap(_with_sensitivity(f))(tokens) for f in (first, second))
    return LearnerSimilarity(
        cosine(one, two),
        jnp.mean(jnp.abs(one - two)),
        jnp.mean(jax.vmap(cosine)(slope_one, slope_two)),
        jnp.mean(jnp.linalg.norm(slope_one - slope_two, axis=1)),
    )


def _with_sensitivity(predictor: Predictor):
    """The prediction of a prompt and its gradient with respect to the query's input."""

    def of_query(query: Float[Array, " d"], tokens: Float[Array, "n_1 d_1"]) -> Float[Array, ""]:
        return predictor(tokens.at[-1, :-1].set(query))

    return lambda tokens: jax.value_and_grad(of_query)(tokens[-1, :-1], tokens)


def out_of_distribution(
    predictors: Mapping[str, Predictor],
    tasks: RegressionTasks,
    scales: Sequence[float],
    key: PRNGKeyArray,
    *,
    which: Literal["input_scale", "weight_scale"] = "input_scale",
    batch: int = 1024,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> dict[str, list[float]]:
    """Losses of several learners on shifted tasks, as a share of the loss of predicting zero there.

    Args:
        predictors: the learners by name.
        tasks: the distribution that they know.
        scales: what the distribution's scale becomes.
        key: of the tasks; the same prompts, rescaled, serve every scale and learner.
        which: of its scales.
        batch: prompts a scale.
        dtype: of the prompts.

    Source: von Oswald et al. 2023, arXiv 2212.07677, figure 2 (other input and task distributions).

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> tasks = RegressionTasks(dimension=2, demonstrations=3)
        >>> learners = {"zero": lambda prompt: jnp.zeros(())}
        >>> losses = out_of_distribution(learners, tasks, [1.0, 2.0], jax.random.key(0), batch=4)
        >>> losses["zero"][0] == losses["zero"][1]  # a share of the loss of predicting zero
        True
    """
    losses: dict[str, list[float]] = {name: [] for name in predictors}

    @jax.jit
    def loss(prompts):
        return {
            name: jnp.mean((jax.vmap(predictor)(prompts.tokens) - prompts.targets) ** 2) / 2
            for name, predictor in predictors.items()
        }

    for scale in scales:
        shifted = replace(tasks, **{which: scale})
        for name, value in loss(shifted.draw(key, batch, dtype)).items():
            losses[name].append(float(value) / zero_shot_loss(shifted))
    return losses
