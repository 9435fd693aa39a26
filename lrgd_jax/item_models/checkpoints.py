"""States of training on the disk: whole or not at all, of one set-up, so that a killed run can go on."""

# the stubs of jax and orbax leave parts of trees and options without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from lrgd_jax.atomic import write_json
from lrgd_jax.item_models.training import TrainingState
from lrgd_jax.outside.json_files import read_json

__all__ = ["Checkpoints"]

SETUP = "setup.json"


class Checkpoints:
    """The states of one training run in one folder.

    The folder says which set-up it is of, and another one is refused: other settings, or other data.

    Args:
        folder: where; made if it is not there.
        setup: what distinguishes this run: settings and digests of data, as JSON has them.

    Raises:
        ValueError: the folder holds a run of another set-up, or something else.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Checkpoints(Path(folder) / "run", {"seed": 0}) as kept:
        ...     kept.latest_step is None
        True
    """

    def __init__(self, folder: Path, setup: Mapping[str, object]) -> None:
        expected = json.loads(json.dumps(setup))
        file = folder / SETUP
        if file.is_file():
            there = read_json(file, dict[str, object], what="set-up of a training run")
            differ = sorted(key for key in {*there, *expected} if there.get(key) != expected.get(key))
            if differ:
                raise ValueError(
                    f"{folder} holds a run of another set-up (it differs in {', '.join(differ)[:300]}); "
                    "a checkpoint of another catalogue is of no use here, give another folder"
                )
        elif folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f"{folder} is not empty and holds no training run; give a folder that is new or empty")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(file, setup)
        options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False)
        self._manager = ocp.CheckpointManager((folder / "checkpoints").absolute(), options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._manager.close()

    @property
    def latest_step(self) -> int | None:
        """How many steps the latest state has done; None where there is none."""
        return self._manager.latest_step()

    def load(self, like: TrainingState) -> TrainingState | None:
        """The latest state; None where there is none.

        Args:
            like: a state of the same structure.

        Raises:
            ValueError: the checkpoint is damaged, or has another structure.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        leaves, structure = jax.tree.flatten(like)
        expected = {f"{k:04d}": np.asarray(leaf) for k, leaf in enumerate(leaves)}
        try:
            stored = self._manager.restore(step, args=ocp.args.StandardRestore(expected))
        except Exception as error:
            # orbax raises errors of many kinds for what is missing or cut off
            raise ValueError(
                f"checkpoint {step} cannot be read ({type(error).__name__}); give another folder"
            ) from error
        values = [np.asarray(stored[name]) for name in expected]
        pairs = zip(values, leaves, strict=True)
        return jax.tree.unflatten(structure, [jnp.asarray(x) if isinstance(y, jax.Array) else x for x, y in pairs])

    def save(self, state: TrainingState) -> None:
        """Keeps a state beside the one before it, whole or not at all."""
        step = int(state.step)
        if step == self._manager.latest_step():
            return
        named = {f"{k:04d}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(state))}
        self._manager.save(step, args=ocp.args.StandardSave(named))
        self._manager.wait_until_finished()
