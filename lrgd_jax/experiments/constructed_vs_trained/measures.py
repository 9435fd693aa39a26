"""A trained stack of linear self-attention beside the constructed one that is gradient descent, and beside GD++."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp

from lrgd_jax.experiments.constructed_vs_trained.config import REFERENCES, SHIFTS, Config
from lrgd_jax.experiments.running.interface import Value
from lrgd_jax.incontext import (
    Batch,
    LinearTransformer,
    Training,
    compare_learners,
    descent_stack,
    gd_plus_plus_stack,
    half_squared_error,
    init,
    interpolate,
    one_step,
    optimal_schedule,
    out_of_distribution,
    predict,
    spectra,
    train,
)

if TYPE_CHECKING:
    pass


def units(config: Config) -> list[str]:
    """One training each."""
    return [f"seed={seed}/layers={layers}" for layers in config.layers for seed in range(config.seeds)]


def run_unit(config: Config, unit: str) -> list[dict[str, Value]]:
    """Trains one stack and compares it, at every checkpoint, with the constructed ones."""
    seed, layers = (int(part.partition("=")[2]) for part in unit.split("/"))
    of_init, of_training, of_prompts, of_shift = jax.random.split(jax.random.key(seed), 4)
    references = constructed(config, layers)
    start = init(of_init, config.dimension + 1, layers=layers, scale=config.init_scale, dtype=jnp.dtype(config.dtype))
    training = train(of_training, start, config.tasks, config.training)
    prompts = config.tasks.draw(of_prompts, config.prompts, jnp.dtype(config.dtype))
    rows: list[dict[str, Value]] = []
    rows += _curves(training, references, prompts)
    rows += _between(config, training.params, references, prompts)
    learners = {"trained": training.params, **references}
    for which in SHIFTS:
        rows += _shift_tasks(config, learners, which, of_shift)
    return [{"seed": seed, "layers": layers, **row} for row in rows]


def constructed(config: Config, layers: int) -> dict[str, LinearTransformer]:
    """The weights of `layers` steps of descent and of GD++, each at its best rates for the distribution of tasks."""
    tasks, sizes = config.tasks, (config.dimension, config.demonstrations)
    eigenvalues = spectra(tasks, jax.random.key(config.spectra), config.spectra)
    descent = one_step(tasks) if layers == 1 else optimal_schedule(tasks, eigenvalues, layers)
    plus = descent if layers == 1 else optimal_schedule(tasks, eigenvalues, layers, corrected=True)
    dtype = jnp.dtype(config.dtype)
    stacks = (
        descent_stack(descent.rates, *sizes, dtype=dtype),
        gd_plus_plus_stack(plus.rates, plus.corrections, *sizes, dtype=dtype),
    )
    return dict(zip(REFERENCES, stacks, strict=True))


def _curves(training: Training, references: Mapping[str, LinearTransformer], prompts: Batch) -> list[dict[str, Value]]:
    """Losses at every checkpoint, and how close the predictions and sensitivities are to each reference's."""
    rows: list[dict[str, Value]] = []
    known = {name: float(_loss(stack, prompts)) for name, stack in references.items()}
    for k, step in enumerate(training.checkpoint_steps.tolist()):
        params = jax.tree.map(lambda x, k=k: x[k], training.checkpoints)
        losses = {"trained": float(_loss(params, prompts)), **known}
        rows += [{"kind": "loss", "step": step, "learner": name, "loss": loss} for name, loss in losses.items()]
        for name, stack in references.items():
            measures = {key: float(value) for key, value in _alignment(params, stack, prompts)._asdict().items()}
            rows.append({"kind": "alignment", "step": step, "reference": name, **measures})
    return rows


def _between(
    config: Config, params: LinearTransformer, references: Mapping[str, LinearTransformer], prompts: Batch
) -> list[dict[str, Value]]:
    """Losses of mixtures of the trained and the constructed weights."""
    return [
        {
            "kind": "between",
            "reference": name,
            "share": share,
            "loss": float(_mixed_loss(params, stack, share, prompts)),
        }
        for name, stack in references.items()
        for share in config.shares
    ]


def _shift_tasks(
    config: Config,
    learners: Mapping[str, LinearTransformer],
    which: Literal["input_scale", "weight_scale"],
    key: jax.Array,
) -> list[dict[str, Value]]:
    predictors = {name: partial(_prediction, stack) for name, stack in learners.items()}
    losses = out_of_distribution(
        predictors, config.tasks, config.scales, key, which=which, batch=config.prompts, dtype=jnp.dtype(config.dtype)
    )
    return [
        {"kind": which, "learner": name, "scale": scale, "relative_loss": loss}
        for name, curve in losses.items()
        for scale, loss in zip(config.scales, curve, strict=True)
    ]


def _prediction(stack: LinearTransformer, tokens: jax.Array) -> jax.Array:
    return predict(stack, tokens)[0]


_loss = jax.jit(half_squared_error)


@jax.jit
def _alignment(params: LinearTransformer, reference: LinearTransformer, prompts: Batch):
    return compare_learners(partial(_prediction, params), partial(_prediction, reference), prompts.tokens)


@jax.jit
def _mixed_loss(params: LinearTransformer, reference: LinearTransformer, share: float, prompts: Batch) -> jax.Array:
    return half_squared_error(interpolate(params, reference, share), prompts)
