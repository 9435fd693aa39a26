"""Depth as steps: what K constructed layers reach, how far a rate may go, and what K trained layers make of it."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from lrgd_jax.certify import running_error, trace
from lrgd_jax.dual.descent import step
from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.experiments.steps_and_depth.config import LEARNERS, Config
from lrgd_jax.incontext import (
    Schedule,
    bayes_loss,
    descent_stack,
    expected_loss,
    gd_plus_plus_stack,
    half_squared_error,
    init,
    one_step,
    optimal_schedule,
    predict,
    residual_polynomial,
    spectra,
    train,
)

if TYPE_CHECKING:
    pass


def units(config: Config) -> list[str]:
    """One for each number of steps, then one training each."""
    constructed = [f"steps={steps}" for steps in config.depths]
    return constructed + [f"layers={k}/seed={seed}" for k in config.trained for seed in range(config.seeds)]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """The best losses and the exactness of one number of steps, or one training."""
    numbers = dict(part.split("=") for part in unit.split("/"))
    if "steps" in numbers:
        return _construct(config, int(numbers["steps"]))
    return _train_layers(config, int(numbers["layers"]), int(numbers["seed"]))


def schedules(config: Config, steps: int) -> dict[str, Schedule]:
    """The best schedules of K steps, by learner."""
    tasks = config.tasks
    eigenvalues = _spectra(config, 0)
    found = {
        LEARNERS[0]: optimal_schedule(tasks, eigenvalues, steps, tied=True),
        LEARNERS[1]: optimal_schedule(tasks, eigenvalues, steps),
    }
    if steps <= config.corrected_depths:
        found[LEARNERS[2]] = optimal_schedule(tasks, eigenvalues, steps, corrected=True)
    return found


def _spectra(config: Config, which: int) -> Float[np.ndarray, "samples d"]:
    """The prompts on which rates are found (0), or on which losses are taken (1)."""
    return spectra(config.tasks, jax.random.fold_in(jax.random.key(config.spectra), which), config.spectra)


def _construct(config: Config, steps: int) -> list[dict[str, Value]]:
    tasks, eigenvalues = config.tasks, _spectra(config, 1)
    found = schedules(config, steps)
    rows: list[dict[str, Value]] = []
    for name, schedule in found.items():
        left = residual_polynomial(eigenvalues, schedule.rates, schedule.corrections, tasks.demonstrations)
        loss = expected_loss(tasks, eigenvalues, left)
        rows.append({"kind": "best", "learner": name, "steps": steps, "loss": loss, "fitted": schedule.loss})
    rows.append({"kind": "bayes", "steps": steps, "loss": bayes_loss(tasks, eigenvalues)})
    rate = one_step(tasks).rates[0]
    for factor in config.factors:
        left = residual_polynomial(eigenvalues, [factor * rate] * steps, [0.0] * steps, tasks.demonstrations)
        loss = expected_loss(tasks, eigenvalues, left)
        rows.append({"kind": "rate", "factor": factor, "steps": steps, "loss": loss})
    return [*rows, {"kind": "exactness", "steps": steps, **_exactness(config, found[LEARNERS[1]])}]


def _exactness(config: Config, schedule: Schedule) -> dict[str, Value]:
    """How far K constructed layers and K steps by automatic differentiation are apart on one prompt."""
    tokens = config.tasks.draw(jax.random.key(0), 1, jnp.dtype(config.dtype)).tokens[0]
    rates = jnp.asarray(schedule.rates, tokens.dtype)

    def layers(tokens: Float[Array, "n_1 d_1"], rates: Float[Array, " k"]) -> Float[Array, " 1"]:
        stack = descent_stack(list(rates), config.dimension, config.demonstrations, dtype=tokens.dtype)
        return predict(stack, tokens)

    def steps(tokens: Float[Array, "n_1 d_1"], rates: Float[Array, " k"]) -> Float[Array, " 1"]:
        inputs, targets = tokens[:-1, :-1], tokens[:-1, -1:]
        weights = jnp.zeros((1, config.dimension), tokens.dtype)
        for rate in list(rates):
            optimiser = optax.sgd(rate)
            weights, _ = step(mean_squares, weights, optimiser, optimiser.init(weights), inputs, targets)
        return weights @ tokens[-1, :-1]

    sides = [np.asarray(jax.jit(side)(tokens, rates), np.float64) for side in (layers, steps)]
    bounds = [running_error(trace(side, tokens, rates), tokens, rates).error for side in (layers, steps)]
    difference = float(np.max(np.abs(sides[0] - sides[1])))
    return {"difference": difference, "bound": float(np.max(bounds[0] + bounds[1])), "prediction": float(sides[1][0])}


def mean_squares(
    weights: Float[Array, "1 d"], inputs: Float[Array, "n d"], targets: Float[Array, "n 1"]
) -> Float[Array, ""]:
    r"""The loss that the layers descend, $\frac{1}{2N}\sum_i\|W x_i - y_i\|^2$."""
    return jnp.sum((inputs @ weights.T - targets) ** 2) / (2 * inputs.shape[0])


def _train_layers(config: Config, layers: int, seed: int) -> list[dict[str, Value]]:
    """Losses, on the same prompts, of a trained stack and of the constructed ones of its depth."""
    tasks, dtype = config.tasks, jnp.dtype(config.dtype)
    of_init, of_training, of_prompts = jax.random.split(jax.random.fold_in(jax.random.key(seed), layers), 3)
    start = init(of_init, config.dimension + 1, layers=layers, scale=config.init_scale, dtype=dtype)
    prompts = tasks.draw(of_prompts, config.prompts, dtype)
    found, sizes = schedules(config, layers), (config.dimension, config.demonstrations)
    stacks = {
        "loss": train(of_training, start, tasks, config.training).params,
        "descent": descent_stack(found[LEARNERS[1]].rates, *sizes, dtype=dtype),
    }
    if LEARNERS[2] in found:
        plus = found[LEARNERS[2]]
        stacks["GD++"] = gd_plus_plus_stack(plus.rates, plus.corrections, *sizes, dtype=dtype)
    losses = {name: float(jax.jit(half_squared_error)(stack, prompts)) for name, stack in stacks.items()}
    return [{"kind": "trained", "layers": layers, "seed": seed, **losses}]
