"""`lrgd train`: trains a set-up into a folder; a run that was stopped goes on by the same command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.errors import INTERRUPTED, complain
from lrgd_jax.cli.files import make_folder, require_writable, write_json_result
from lrgd_jax.cli.options import LARGEST_SEED, JsonFile, require_at_least_one

if TYPE_CHECKING:
    from lrgd_jax.item_models.setups import Setup, Trained
    from lrgd_jax.item_models.training import TrainingState

__all__ = ["train"]

CATALOGUES = Path("../shared/data/amazon_games"), Path("../shared/data/amazon_cds")


def train(
    name: Annotated[str, typer.Argument(help="What to train; unseen-catalogue is the one that there is.")],
    out: Annotated[Path, typer.Option(help="The folder for checkpoints, loss curve and parameters.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of a catalogue with title vectors; may be repeated. Games and CDs unless given."),
    ] = None,
    kind: Annotated[
        str, typer.Option(help="The kind of layers: softmax, linear, normalised, ridge, delta, gated-delta.")
    ] = "softmax",
    layers: Annotated[int, typer.Option(help="How many layers.")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="The seed of all that is random.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Train a small setting, which takes under a minute.")] = False,
    json: JsonFile = None,
) -> None:
    """Train a model over items; the same command goes on with a run that was stopped.

    A run that was killed and goes on ends with the same parameters, bit for bit, as one that was not.
    """
    from lrgd_jax.item_models.setups import SETUPS, TrainingOptions
    from lrgd_jax.suggestions import did_you_mean

    require_at_least_one({"--layers": layers})
    require_writable({"--json": json})
    if name not in SETUPS:
        known = did_you_mean(name, SETUPS) or f"known are {', '.join(SETUPS)}"
        raise ValueError(f"there is no set-up {name!r} to train; {known}")
    setup = SETUPS[name](TrainingOptions(data or CATALOGUES, kind, layers, seed, quick))
    make_folder("--out", out)
    trained = _train(setup, name, out)
    write_json_result(json, trained.summary)
    _show(trained, out)


def _train(setup: Setup, name: str, out: Path) -> Trained:
    from lrgd_jax.cli.terminal import progress_bar
    from lrgd_jax.item_models.setups import run_setup

    with progress_bar() as bar:
        task = bar.add_task(name, total=setup.schedule.steps)

        def show(state: TrainingState) -> None:
            loss = float(state.validation_losses[int(state.step) // setup.schedule.every])
            bar.update(task, completed=int(state.step), description=f"{name}, validation loss {loss:.3f}")

        try:
            return run_setup(setup, out, show)
        except KeyboardInterrupt:
            complain(f"interrupted; what is done lies in {out}, go on by the same command")
            raise typer.Exit(INTERRUPTED) from None


def _show(trained: Trained, out: Path) -> None:
    from lrgd_jax.cli.terminal import write_line

    shown = trained.summary
    write_line(
        f"validation loss {shown['validation_loss_before']:.3f} before and {shown['validation_loss']:.3f} after "
        f"{shown['best_step']} steps; parameters in {out / 'model.json'}, losses in {out / 'curve.csv'}"
    )
