"""A trained stack of linear self-attention beside the constructed one that is gradient descent, and beside GD++."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.experiments.running.interface import Row, Rows, Summary, Value
from lrgd_jax.incontext import (
    Batch,
    LinearTransformer,
    RegressionTasks,
    Training,
    TrainingConfig,
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

REFERENCES = ("descent", "GD++")
SHIFTS: tuple[Literal["input_scale", "weight_scale"], ...] = ("input_scale", "weight_scale")


@dataclass(frozen=True)
class Config:
    """The setting.

    Attributes:
        seeds: independent trainings of each depth.
        layers: depths.
        dimension: d of an input.
        demonstrations: N of a prompt.
        inputs: their law.
        noise: standard deviation on the demonstrations' targets.
        steps: of training.
        batch: tasks in a step.
        learning_rate: peak.
        warmup: steps until then.
        clip: largest norm of a gradient.
        init_scale: of the initial weights.
        checkpoints: at which the learner is compared.
        prompts: new tasks for the comparison.
        spectra: prompts from which the best rates are found.
        scales: of the shifted inputs and tasks.
        shares: of the constructed weights in a mixture.
        dtype: float64 or float32.
    """

    seeds: int = 3
    layers: tuple[int, ...] = (1, 2)
    dimension: int = 10
    demonstrations: int = 20
    inputs: Literal["uniform", "normal"] = "uniform"
    noise: float = 0.0
    steps: int = 3000
    batch: int = 512
    learning_rate: float = 0.01
    warmup: int = 100
    clip: float = 1.0
    init_scale: float = 0.3
    checkpoints: int = 20
    prompts: int = 4096
    spectra: int = 16384
    scales: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
    shares: tuple[float, ...] = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
    dtype: Literal["float64", "float32"] = "float32"

    def __post_init__(self) -> None:
        if not self.layers or min(self.layers) < 1 or min(self.prompts, self.spectra) < 1:
            raise ValueError(
                "constructed-vs-trained: layers, prompts and spectra must be at least 1, got "
                f"layers={self.layers}, prompts={self.prompts}, spectra={self.spectra}"
            )
        # both say what is wrong with their own fields
        _ = self.tasks, self.training

    @property
    def tasks(self) -> RegressionTasks:
        """The distribution of tasks."""
        return RegressionTasks(self.dimension, self.demonstrations, self.inputs, noise=self.noise)

    @property
    def training(self) -> TrainingConfig:
        """How to train."""
        return TrainingConfig(self.steps, self.batch, self.learning_rate, self.warmup, self.clip, self.checkpoints)


QUICK = Config(seeds=1, steps=600, batch=256, checkpoints=12, prompts=2048, spectra=2048)


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
        rows += _shifted(config, learners, which, of_shift)
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


def summary(config: Config, rows: Rows) -> Summary:
    """Of each depth at the end of training: excess loss over each reference, cosines, losses between the weights."""
    found: dict[str, Any] = {}
    for layers in config.layers:
        chosen = [row for row in rows if row["layers"] == layers]
        found[f"{layers} layers" if layers > 1 else "1 layer"] = {
            **{f"against {name}": _final(chosen, name) for name in REFERENCES},
            "losses": {
                learner: _mean([row["loss"] for row in _last(chosen, "loss") if row["learner"] == learner])
                for learner in ("trained", *REFERENCES)
            },
        }
    if 1 in config.layers:
        found["best loss of one step, closed form"] = one_step(config.tasks).loss
    return found


def _curves(training: Training, references: Mapping[str, LinearTransformer], prompts: Batch) -> list[dict[str, Value]]:
    """Losses at every checkpoint, and how close the predictions and sensitivities are to each reference's."""
    rows: list[dict[str, Value]] = []
    known = {name: float(_loss(stack, prompts)) for name, stack in references.items()}
    for k, step in enumerate(training.checkpoint_steps.tolist()):
        params = jax.tree.map(lambda x, k=k: x[k], training.checkpoints)
        losses = {"trained": float(_loss(params, prompts)), **known}
        rows += [{"kind": "loss", "step": step, "learner": name, "loss": loss} for name, loss in losses.items()]
        for name, stack in references.items():
            measures = {key: float(value) for key, value in _aligned(params, stack, prompts)._asdict().items()}
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


def _shifted(
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
def _aligned(params: LinearTransformer, reference: LinearTransformer, prompts: Batch):
    return compare_learners(partial(_prediction, params), partial(_prediction, reference), prompts.tokens)


@jax.jit
def _mixed_loss(params: LinearTransformer, reference: LinearTransformer, share: float, prompts: Batch) -> jax.Array:
    return half_squared_error(interpolate(params, reference, share), prompts)


def _last(rows: Rows, kind: str) -> list[Row]:
    """The rows of a kind at the last checkpoint."""
    chosen = [row for row in rows if row["kind"] == kind]
    end = max(row["step"] for row in chosen)
    return [row for row in chosen if row["step"] == end]


def _final(rows: Rows, reference: str) -> dict[str, Any]:
    """What is said of one depth against one reference; the worst over seeds beside the mean."""
    losses = {(row["seed"], row["learner"]): float(row["loss"]) for row in _last(rows, "loss")}
    seeds = sorted({seed for seed, _ in losses})
    excess = [losses[seed, "trained"] / losses[seed, reference] - 1 for seed in seeds]
    aligned = [row for row in _last(rows, "alignment") if row["reference"] == reference]
    between = [row for row in rows if row["kind"] == "between" and row["reference"] == reference]
    hump = [
        max(float(row["loss"]) for row in between if row["seed"] == seed)
        / max(losses[seed, "trained"], losses[seed, reference])
        - 1
        for seed in seeds
    ]
    cosines = [float(row["prediction_cosine"]) for row in aligned]
    return {
        "excess loss": _mean(excess),
        "largest excess loss": max(excess),
        "prediction cosine": _mean(cosines),
        "smallest prediction cosine": min(cosines),
        "prediction distance": _mean([row["prediction_distance"] for row in aligned]),
        "sensitivity cosine": _mean([row["sensitivity_cosine"] for row in aligned]),
        "sensitivity distance": _mean([row["sensitivity_distance"] for row in aligned]),
        "largest loss between the weights, over the worse end": max(hump),
        "largest ratio of the losses at other scales": _apart(rows, reference),
    }


def _apart(rows: Rows, reference: str) -> float:
    """The largest factor between the trained and the constructed learner's loss, either way, on shifted tasks."""
    losses = {
        (row["learner"], (row["kind"], row["seed"], row["scale"])): float(row["relative_loss"])
        for row in rows
        if row["kind"] in SHIFTS
    }
    pairs = [(loss, losses["trained", place]) for (learner, place), loss in losses.items() if learner == reference]
    return max(max(one / other, other / one) for one, other in pairs)


def _mean(numbers: Sequence[Value]) -> float:
    return float(np.mean([float(x) for x in numbers]))
