"""What `lrgd train` can train, by name: a new one is a function and a line of the table."""

# the stubs of jax leave parts of trees without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import jax
import numpy as np

from lrgd_jax.atomic import write_json, write_text
from lrgd_jax.item_models.checkpoints import Checkpoints
from lrgd_jax.item_models.stack import Design
from lrgd_jax.item_models.training import Schedule, Task, TrainingState, train
from lrgd_jax.item_models.training_data import CataloguePool, EpisodeSizes
from lrgd_jax.item_models.unseen_catalogue import UnseenCatalogue, load_pools, unseen_catalogue_task

__all__ = ["SETUPS", "Setup", "Trained", "TrainingOptions", "run_setup"]

QUICK_SCHEDULE = Schedule(steps=8, every=4, patience=2)
QUICK_SIZES = EpisodeSizes(demonstrations=8, candidates=64, questions=64)


class TrainingOptions(NamedTuple):
    """What the command line chooses.

    Attributes:
        data: folders of catalogues.
        kind: of the layers.
        layers: how many.
        seed: of all that is random.
        quick: a small setting, which takes under a minute.
    """

    data: Sequence[Path]
    kind: str = "softmax"
    layers: int = 1
    seed: int = 0
    quick: bool = False


class Setup(NamedTuple):
    """A set-up that is ready to be trained.

    Attributes:
        task: what `train` reads.
        schedule: how long.
        says: settings and digests of the data, which a folder must agree with to go on.
    """

    task: Task
    schedule: Schedule
    says: Mapping[str, object]


class Trained(NamedTuple):
    """How a run ended.

    Attributes:
        state: its last state.
        summary: what is written beside the parameters.
    """

    state: TrainingState
    summary: Mapping[str, object]


def _unseen_catalogue(options: TrainingOptions) -> Setup:
    config = UnseenCatalogue(Design(options.kind, options.layers), seed=options.seed)
    if options.quick:
        config = replace(config, schedule=QUICK_SCHEDULE, sizes=QUICK_SIZES, batch=8)
    pools = load_pools(options.data, config.sizes, config.seed)
    says = {"name": "unseen-catalogue", **asdict(config), "catalogues": [_digest(pool) for pool in pools]}
    return Setup(unseen_catalogue_task(config, pools), config.schedule, says)


SETUPS: Mapping[str, Callable[[TrainingOptions], Setup]] = MappingProxyType({"unseen-catalogue": _unseen_catalogue})
"""The set-ups, by name."""


def run_setup(setup: Setup, out: Path, progress: Callable[[TrainingState], None] | None = None) -> Trained:
    """Trains into a folder, or goes on with what lies there.

    Writes `setup.json`, `checkpoints/`, and at the end `curve.csv` with the losses and `model.json` with the parameters
    of the lowest validation loss.

    Args:
        setup: what.
        out: the folder.
        progress: called with the state after each validation.

    Raises:
        ValueError: the folder holds a run of another set-up, or something else.
    """
    with Checkpoints(out, setup.says) as kept:
        state = train(setup.task, setup.schedule, keeper=kept, progress=progress)
    write_text(out / "curve.csv", _curve(state, setup.schedule))
    summary: dict[str, object] = {
        "steps": int(state.step),
        "best_step": state.best_step * setup.schedule.every,
        "validation_loss_before": float(state.validation_losses[0]),
        "validation_loss": float(np.nanmin(state.validation_losses)),
    }
    numbers = jax.tree.map(float, state.best)
    write_json(out / "model.json", {**setup.says, **summary, "parameters": numbers})
    return Trained(state, {**summary, "parameters": numbers})


def _curve(state: TrainingState, schedule: Schedule) -> str:
    lines = ["step,loss,validation_loss"]
    for step in range(int(state.step) + 1):
        loss = state.losses[step - 1] if step else np.nan
        checked = state.validation_losses[step // schedule.every] if step % schedule.every == 0 else np.nan
        lines.append(",".join([str(step), *("" if np.isnan(x) else repr(float(x)) for x in (loss, checked))]))
    return "\n".join(lines) + "\n"


def _digest(pool: CataloguePool) -> str:
    digest = hashlib.sha256()
    for array in (pool.vectors, pool.pool.histories, pool.pool.targets, *pool.similar):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
