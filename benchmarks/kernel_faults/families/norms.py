"""Normalisation: its weight, its epsilon, its place."""

import jax.numpy as jnp

from benchmarks.kernel_faults.fault import KIND, Fault, Setting, filled, github

WIDE = {"d": 64}


def unweighted(x, eps):
    return x / jnp.sqrt(jnp.mean(x * x) + eps)


def weight_beside_one(x, w, eps):
    return unweighted(x, eps) * (1 + w)  # here


def weight_alone(x, w, eps):
    return unweighted(x, eps) * w  # here


def epsilon_inside(x, w, eps):
    return x / jnp.sqrt(jnp.mean(x * x) + eps) * w  # here


def epsilon_outside(x, w, eps):
    return x / (jnp.sqrt(jnp.mean(x * x)) + eps) * w  # here


def epsilon_of_the_sum(x, eps):
    return x / jnp.sqrt(jnp.sum(x * x) + eps)  # here


def epsilon_of_the_mean(x, eps):
    return x / jnp.sqrt(x.size * (jnp.mean(x * x) + eps))  # here


def times_the_inverse_root(x, w, eps):
    return x * (1 / jnp.sqrt(jnp.mean(x * x) + eps)) * w  # here


def by_the_inverse_root(x, w, eps):
    return x / (1 / jnp.sqrt(jnp.mean(x * x) + eps)) * w  # here


def norm_before_the_layer(x, layer, eps):
    return x + layer @ unweighted(x, eps)  # here


def norm_after_the_sum(x, layer, eps):
    return unweighted(x + layer @ x, eps)  # here


def turn(x, t):
    """By the angle whose half has the tangent t, without functions that are not rational."""
    first, second = jnp.split(x, 2)
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin])


def weighted_norm_then_turn(x, w, t, eps):
    return turn(unweighted(x, eps) * w, t)  # here


def turn_then_weighted_norm(x, w, t, eps):
    return unweighted(turn(x, t), eps) * w  # here


def norm_then_turn(x, t, eps):
    return turn(unweighted(x, eps), t)


def turn_then_norm(x, t, eps):
    return unweighted(turn(x, t), eps)


MILLIONTH = filled(eps=1e-6)


def of_unit_size(point):
    return MILLIONTH(point) | {"x": point["x"] / (point["x"] ** 2).mean() ** 0.5}


WEIGHTED = "x:d=2; w:d; eps: above 0"
ORDINARY = Setting(WIDE, MILLIONTH, "epsilon 1e-6")

FAULTS = (
    Fault(
        "weight without its one",
        KIND,
        "Gemma's weight is a distance from one; it is taken for the factor itself.",
        weight_beside_one,
        weight_alone,
        WEIGHTED,
        ORDINARY,
    ),
    Fault(
        "epsilon outside the root",
        github("allenai/OLMo", "issue", 281),
        "Epsilon is added to the root, not under it.",
        epsilon_inside,
        epsilon_outside,
        WEIGHTED,
        ORDINARY,
    ),
    Fault(
        "epsilon of the mean for that of the sum",
        github("ml-explore/mlx-lm", "pull request", 1624),
        "A norm of root mean square stands for one of length, with an epsilon that counts d times.",
        epsilon_of_the_sum,
        epsilon_of_the_mean,
        "x:d=2; eps: above 0",
        ORDINARY,
    ),
    Fault(
        "divided by the inverse root",
        github("mosaicml/llm-foundry", "pull request", 372),
        "The inverse root is taken, and divided by.",
        times_the_inverse_root,
        by_the_inverse_root,
        WEIGHTED,
        ORDINARY,
        Setting(WIDE, of_unit_size, "an input of root mean square one"),
    ),
    Fault(
        "norm after the residual",
        KIND,
        "The sum of input and layer is normalised, not what the layer is given.",
        norm_before_the_layer,
        norm_after_the_sum,
        "x:d=2; layer:d,d; eps: above 0",
        ORDINARY,
    ),
    Fault(
        "norm of queries after their rotation",
        KIND,
        "Queries and keys are turned, then normalised with a weight, which belongs to entries before they are turned.",
        weighted_norm_then_turn,
        turn_then_weighted_norm,
        "x:2; w:2; t:; eps: above 0",
        ORDINARY,
        Setting(change=lambda point: MILLIONTH(point) | {"w": point["w"] * 0 + 1}, note="weights as they begin"),
    ),
    Fault(
        "norm without weight after the rotation",
        github("karpathy/nanochat", "issue", 743),
        "The same without a weight, reported as a fault and withdrawn.",
        norm_then_turn,
        turn_then_norm,
        "x:2; t:; eps: above 0",
        ORDINARY,
        no_fault="a rotation does not change the length: certified as equal, so the report was rightly withdrawn",
    ),
)
