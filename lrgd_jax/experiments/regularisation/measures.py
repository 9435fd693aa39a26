"""Bias and variance of the dual's output against decay, ridge, dropout and the size and number of steps.

The targets are a linear map of the keys plus noise. Over fresh noise (and fresh masks) the regularised dual, trained
anew each time, has a bias and a variance that the modified attention gives in closed form.
"""

import functools
import math
import zlib
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.dual import DualModel
from lrgd_jax.experiments.regularisation.config import KNOBS, Config
from lrgd_jax.experiments.running.interface import Value, seed_and_rest
from lrgd_jax.robust import Regulariser, drop, fraction, kernels_of, none, ridge, weight_decay
from lrgd_jax.robust.modified_attention import regularised_influences

__all__ = ["run_unit", "units"]


SWITCHES: dict[str, Callable[[float], Regulariser]] = {
    "weight decay": weight_decay,
    "ridge": ridge,
    "early stopping": lambda steps: ridge(0.0, rate=0.25, steps=round(steps)),
    "step size": fraction,
}


def units(config: Config) -> list[str]:
    """One unit a seed and knob: "seed=0/ridge"."""
    return [f"seed={seed}/{knob}" for seed in range(config.seeds) for knob in config.knobs]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """One row a value of the knob.

    Args:
        config: what is run.
        unit: one of `units(config)`.

    Raises:
        ValueError: there is no such unit.
    """
    seed, knob = seed_and_rest(unit, units(config))
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(unit.encode()))
    rows: list[dict[str, Value]] = []
    for k, value in enumerate(KNOBS[knob][:: config.every]):
        outputs = np.asarray(_sample(config, seed, knob, value, jax.random.fold_in(key, k)), np.float64)
        mean, variance = (np.asarray(x, np.float64) for x in predicted(config, seed, knob, value))
        wanted = np.asarray(_truth(config, seed)[1], np.float64)
        labels = {"seed": seed, "knob": knob, "value": float(value)}
        rows.append({**labels, **_compare(outputs, mean, variance, wanted)})
    return rows


def predicted(config: Config, seed: int, knob: str, value: float) -> tuple[Float[Array, "t dv"], Float[Array, "t dv"]]:
    """Mean and variance of every output, from the modified attention; nothing is trained."""
    (keys, clean, queries), _ = _truth(config, seed)
    model = DualModel.untrained(keys, clean)
    if knob != "dropout":
        influences = jax.vmap(lambda q: regularised_influences(model, q, SWITCHES[knob](value)))(queries)
        variance = config.noise**2 * jnp.sum(influences**2, axis=1)
        return influences @ clean, jnp.broadcast_to(variance[:, None], (queries.shape[0], clean.shape[1]))
    near = jax.vmap(lambda q: kernels_of(model, q).near)(queries)
    kept = 1 - value
    # a kept weight is divided by the rate at which weights are kept
    return near @ clean, near**2 @ (config.noise**2 + value * clean**2) / kept


def _truth(config: Config, seed: int):
    """Keys, targets without noise, queries; and what the queries' outputs ought to be."""
    draws = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1), 3)
    n, d, dv = config.demonstrations, config.width, config.value_width
    # keys of length about sqrt(d / n), so that one step of attention is nearly unbiased
    keys = jax.random.normal(draws[0], (n, d)) / math.sqrt(n)
    weights = jax.random.normal(draws[1], (dv, d))
    queries = jax.random.normal(draws[2], (config.queries, d)) / math.sqrt(d)
    return (keys, keys @ weights.T, queries), queries @ weights.T


def _sample(config: Config, seed: int, knob: str, value: float, key: PRNGKeyArray) -> Float[Array, "s t dv"]:
    """The outputs of duals trained on fresh noise, and on fresh masks where demonstrations are dropped."""
    (keys, clean, queries), _ = _truth(config, seed)

    def one(draw: PRNGKeyArray) -> Float[Array, "t dv"]:
        noise, mask = jax.random.split(draw)
        model = DualModel.untrained(keys, clean + config.noise * jax.random.normal(noise, clean.shape))
        if knob == "dropout":
            kept = jax.random.bernoulli(mask, 1 - value, (config.demonstrations,)).astype(keys.dtype)
            regulariser = drop(kept, rate=value) if value else none()
        else:
            regulariser = SWITCHES[knob](value)
        return queries @ regulariser.train(model).T

    sample = functools.partial(jax.lax.map, one, batch_size=min(1_000, config.samples))
    return jax.jit(sample)(jax.random.split(key, config.samples))


def _compare(outputs: np.ndarray, mean: np.ndarray, variance: np.ndarray, wanted: np.ndarray) -> dict[str, int | float]:
    """Squared bias, variance and squared error, averaged over the queries; and z-scores of mean and error."""
    count = outputs.shape[0]
    error = np.std(outputs, axis=0, ddof=1) / math.sqrt(count)
    losses = np.mean(np.sum((outputs - wanted) ** 2, axis=2), axis=1)
    bias = np.mean(np.sum((mean - wanted) ** 2, axis=1))
    spread = np.mean(np.sum(variance, axis=1))
    measured_variance = np.mean(np.sum(np.var(outputs, axis=0, ddof=1), axis=1))
    measured_bias = np.mean(np.sum((outputs.mean(axis=0) - wanted) ** 2, axis=1)) - measured_variance / count
    return {
        "samples": count,
        "components": int(mean.size),
        "bias_predicted": float(bias),
        "bias_measured": float(measured_bias),
        "variance_predicted": float(spread),
        "variance_measured": float(measured_variance),
        "error_predicted": float(bias + spread),
        "error_measured": float(losses.mean()),
        "mean_z": float(np.max(np.abs(outputs.mean(axis=0) - mean) / error)),
        "error_z": float(abs(losses.mean() - bias - spread) / (np.std(losses, ddof=1) / math.sqrt(count))),
    }
