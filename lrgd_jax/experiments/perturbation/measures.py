"""Robustness curves: how far random and worst perturbations move the dual's output, measured and in closed form.

Outputs are read before any ratio is taken, where the closed forms are exact. Every grid point compares the mean
shift of the output and its mean square with theory, in units of the Monte-Carlo standard error.
"""

import functools
import math
import zlib

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_targets
from lrgd_jax.dual.base import OneStepModel
from lrgd_jax.experiments.perturbation.config import LINEAR, REGULARISERS, Config
from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.robust import (
    Moments,
    Regulariser,
    dropout_moments,
    kernels_of,
    linear_noise_moments,
    random_pair,
    regularised_influences,
    swap_moments,
    target_noise_moments,
)

__all__ = ["run_unit", "units"]


def units(config: Config) -> list[str]:
    """One unit a seed, dual, kind of perturbation and regulariser: "seed=0/linear/key noise/none"."""
    linear = [f"linear/{kind}/{name}" for kind in config.kinds for name in config.regularisers]
    kinds = [kind for kind in config.kinds if kind != "query noise"]
    softmax = [f"softmax/{kind}/{name}" for kind in kinds for name in config.softmax_regularisers]
    return [f"seed={seed}/{rest}" for seed in range(config.seeds) for rest in linear + softmax]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a strength.

    Args:
        config: what is run.
        unit: one of `units(config)`.

    Raises:
        ValueError: there is no such unit.
    """
    seed, rest = seed_and_rest(unit, units(config))
    subject, kind, name = rest.split("/")
    model, query = setting(config, subject, seed)
    regulariser = REGULARISERS[name]()
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(unit.encode()))
    sampled = _sampler(config, model, query, regulariser, kind)
    rows: list[dict[str, Value]] = []
    for k, strength in enumerate(config.strengths):
        shifts = np.asarray(sampled(jax.random.fold_in(key, k), jnp.asarray(strength, query.dtype)), np.float64)
        theory = predicted(model, query, regulariser, kind, strength)
        exact = name in LINEAR or kind in ("target noise", "query noise", "swap", "worst targets")
        labels = {"seed": seed, "dual": subject, "kind": kind, "regulariser": name, "strength": strength}
        rows.append({**labels, "closed_form": exact, **_compare(shifts, theory, kind)})
    return rows


def setting(config: Config, subject: str, seed: int) -> tuple[OneStepModel, Float[Array, " d"]]:
    """The dual of linear or of softmax attention on random tokens, and a query of length sqrt(d)."""
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1), 5)
    n, c, d, dv = config.demonstrations, config.context, config.width, config.value_width
    scale = 1 / math.sqrt(n) if subject == "linear" else 1 / math.sqrt(d)
    inputs, values = scale * jax.random.normal(keys[0], (n, d)), jax.random.normal(keys[1], (n, dv))
    query = jax.random.normal(keys[2], (d,))
    query = query * math.sqrt(d) / jnp.linalg.norm(query)
    if subject == "linear":
        return DualModel(jax.random.normal(keys[3], (dv, d)) / 4, inputs, values), query
    context = scale * jax.random.normal(keys[3], (c, d)), jax.random.normal(keys[4], (c, dv))
    start = KernelExpansion(context[0], projective_targets(context[1]))
    return FunctionalDual(start, inputs, projective_targets(values)), query


def predicted(
    model: OneStepModel, query: Float[Array, " d"], regulariser: Regulariser, kind: str, strength: float
) -> Moments:
    """Mean and mean square of the shift, from the modified attention; nothing is trained.

    Exact where `run_unit` says so; otherwise to first order in the variance or the rate.
    """

    def attended(inputs: Float[Array, "n d"], point: Float[Array, " d"], weights: Float[Array, " n"]):
        moved = model.replace(inputs=inputs, sample_weights=weights)
        return regulariser.modify(kernels_of(moved, point))()

    n = model.inputs.shape[0]
    ones = jnp.ones((n,), query.dtype)
    values = model.targets[:, :-1] if model.projective else model.targets
    influences = regularised_influences(model, query, regulariser)
    if kind == "target noise":
        return target_noise_moments(influences, values.shape[1], strength)
    if kind == "worst targets":
        size = strength * jnp.sum(jnp.abs(influences))
        unit = jnp.zeros((values.shape[1],), query.dtype).at[0].set(1)
        return Moments(size * unit, size**2)
    if kind == "swap":
        return swap_moments(influences, values, strength)
    if kind == "query noise":
        return linear_noise_moments(jax.jacfwd(attended, argnums=1)(model.inputs, query, ones), strength)
    if kind == "dropout":
        alone = attended(model.inputs, query, ones)[None] - jax.vmap(attended, (None, None, 0))(
            model.inputs, query, 1 - jnp.eye(n, dtype=query.dtype)
        )
        return dropout_moments(alone, strength)
    if isinstance(model, FunctionalDual):
        return _exponential_noise(influences, model.targets, query, strength)
    jacobians = jax.jacfwd(attended)(model.inputs, query, ones)
    return linear_noise_moments(jnp.moveaxis(jacobians, 1, 0), strength)


def _sampler(config: Config, model: OneStepModel, query: Float[Array, " d"], regulariser: Regulariser, kind: str):
    """(key, strength) -> the shifts of the output, trained anew for every sample."""
    influences = regularised_influences(model, query, regulariser)

    def output(moved: OneStepModel, point: Float[Array, " d"]) -> Float[Array, " u"]:
        return moved.raw_output(regulariser.train(moved), point)

    def shift(key: PRNGKeyArray, strength: Float[Array, ""]) -> Float[Array, " u"]:
        moved, point = _perturb(key, model, query, kind, strength, influences)
        return output(moved, point) - output(model, query)

    @functools.partial(jax.jit, static_argnames="count")
    def sampled(key: PRNGKeyArray, strength: Float[Array, ""], count: int) -> Float[Array, "s u"]:
        draws = jax.random.split(key, count)
        return jax.lax.map(lambda one: shift(one, strength), draws, batch_size=min(1_000, count))

    return functools.partial(sampled, count=1 if kind == "worst targets" else config.samples)


def _perturb(
    key: PRNGKeyArray,
    model: OneStepModel,
    query: Float[Array, " d"],
    kind: str,
    strength: Float[Array, ""],
    influences: Float[Array, " n"],
) -> tuple[OneStepModel, Float[Array, " d"]]:
    """One perturbed training set and test point."""
    n = model.inputs.shape[0]
    if kind == "key noise":
        return model.replace(inputs=model.inputs + strength * jax.random.normal(key, model.inputs.shape)), query
    if kind == "query noise":
        return model, query + strength * jax.random.normal(key, query.shape)
    if kind == "dropout":
        return model.replace(sample_weights=jax.random.bernoulli(key, 1 - strength, (n,)).astype(query.dtype)), query
    values = model.targets[:, :-1] if model.projective else model.targets
    if kind == "target noise":
        values = values + strength * jax.random.normal(key, values.shape)
    elif kind == "swap":
        draw, choice = jax.random.split(key)
        chosen = random_pair(choice, n)
        swapped = values.at[chosen].set(values[chosen[::-1]])
        values = jnp.where(jax.random.bernoulli(draw, strength), swapped, values)
    else:
        values = values.at[:, 0].add(strength * jnp.sign(influences))
    return model.replace(targets=projective_targets(values) if model.projective else values), query


def _exponential_noise(
    weights: Float[Array, " n"], targets: Float[Array, "n u"], query: Float[Array, " d"], strength: float
) -> Moments:
    """Log-normal weights: mean e^{t/2}, variance e^{2t} - e^t, t = sigma^2 |q|^2 / d (claim `key-noise`)."""
    t = strength**2 * jnp.vdot(query, query) / query.shape[0]
    parts = weights[:, None] * targets
    mean = jnp.expm1(t / 2) * jnp.sum(parts, axis=0)
    return Moments(mean, jnp.sum(mean**2) + (jnp.exp(2 * t) - jnp.exp(t)) * jnp.sum(parts**2))


def _compare(shifts: np.ndarray, theory: Moments, kind: str) -> dict[str, int | float]:
    """Measured and predicted mean and root mean square, with z-scores and an interval of three standard errors."""
    mean = np.asarray(theory.mean, np.float64)
    # the normaliser of a pair does not move with the values
    shifts = shifts[:, : mean.shape[0]]
    count, squares = shifts.shape[0], np.sum(shifts**2, axis=1)
    error, square_error = (_standard_error(x) for x in (shifts, squares))
    square = float(theory.mean_square)
    sampled = kind != "worst targets"
    return {
        "samples": count,
        "components": mean.shape[0],
        "mean_predicted": float(np.linalg.norm(mean)),
        "mean_measured": float(np.linalg.norm(shifts.mean(axis=0))),
        "mean_z": float(np.max(np.abs(shifts.mean(axis=0) - mean) / error)) if sampled else 0.0,
        "rms_predicted": math.sqrt(square),
        "rms_measured": math.sqrt(squares.mean()),
        "rms_low": math.sqrt(max(squares.mean() - 3 * float(square_error), 0.0)),
        "rms_high": math.sqrt(squares.mean() + 3 * float(square_error)),
        "square_z": float(abs(squares.mean() - square) / square_error) if sampled else 0.0,
    }


def _standard_error(samples: np.ndarray) -> np.ndarray:
    """Of the mean over the rows; zero for a single one."""
    count = samples.shape[0]
    return np.std(samples, axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.zeros(samples.shape[1:])
