"""`lrgd experiment`: list the experiments, or run one, unit by unit."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.errors import INTERRUPTED, complain
from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import JsonFile, Scheduler, require_at_least_one

if TYPE_CHECKING:
    from lrgd_jax.experiments.running.runner import Run

__all__ = ["experiment"]


def experiment(
    name: Annotated[str | None, typer.Argument(help="Which experiment; all are listed if none is named.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for the results; made if it is not there.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that lies in --out.")] = False,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Run a small setting, which takes under a minute.")] = False,
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings; a run's config.toml is one.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="One setting, key=value; may be repeated.")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes of this machine compute the units.")] = None,
    scheduler: Scheduler = None,
    json: JsonFile = None,
) -> None:
    """List the experiments, or run one and write its results.

    A run that was killed goes on with --resume, and then writes the same bytes as one that was not.
    """
    require_writable({"--json": json})
    if name is None:
        write_json_result(json, {"experiments": _list()})
        return
    finished = _run(name, out, resume, seeds, quick, config, set_ or (), _executor(workers, scheduler))
    _show(finished, out)
    write_json_result(json, {"experiment": name, "out": str(out), "summary": finished.summary})


def _list() -> dict[str, str | None]:
    """Shows all of them; returns their titles, None where one cannot be run."""
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.experiments import find, names
    from lrgd_jax.report.summary_tables import experiment_table

    titles: dict[str, str | ValueError] = {}
    for name in names():
        try:
            titles[name] = find(name).TITLE
        except ValueError as error:
            titles[name] = error
    results_console().print(experiment_table(titles))
    return {name: title if isinstance(title, str) else None for name, title in titles.items()}


def _run(
    name: str,
    out: Path | None,
    resume: bool,
    seeds: int | None,
    quick: bool,
    file: Path | None,
    overrides: Sequence[str],
    executor: contextlib.AbstractContextManager[Executor | None],
) -> Run:
    from lrgd_jax.cli.terminal import progress_bar
    from lrgd_jax.experiments import find
    from lrgd_jax.experiments.running.config import resolve
    from lrgd_jax.experiments.running.runner import run

    require_at_least_one({"--seeds": seeds})
    config = resolve(find(name), quick=quick, file=file, overrides=overrides, seeds=seeds)
    if out is None:
        raise ValueError(f"where do the results go? give --out DIR, such as --out runs/{name}")
    with executor as elsewhere, progress_bar() as bar:
        task = bar.add_task(name, total=None)
        try:
            return run(
                name,
                config,
                out,
                resume=resume,
                executor=elsewhere,
                progress=lambda unit, done, total: bar.update(task, completed=done, total=total, description=unit),
            )
        except KeyboardInterrupt:
            complain(f"interrupted; what is finished lies in {out}, go on by the same command with --resume")
            raise typer.Exit(INTERRUPTED) from None


def _executor(workers: int | None, scheduler: str | None) -> contextlib.AbstractContextManager[Executor | None]:
    """Who computes the units."""
    from lrgd_jax.executors import dask_workers, local_processes

    require_at_least_one({"--workers": workers})
    if workers is not None and scheduler is not None:
        raise ValueError("--workers and --scheduler were both given; a scheduler has workers of its own: give one")
    if scheduler is not None:
        return dask_workers(scheduler)
    return contextlib.nullcontext() if workers is None else local_processes(workers)


def _show(finished: Run, out: Path | None) -> None:
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.report.summary_tables import summary_tables

    console = results_console()
    for part in summary_tables(finished.name, finished.summary):
        console.print(part)
    console.print(f"results: {out}; draw them by `lrgd plot {out}`", markup=False, highlight=False, soft_wrap=True)
