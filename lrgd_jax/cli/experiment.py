"""`lrgd experiment`: list the experiments, or run one, unit by unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrgd_jax.cli.errors import complain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lrgd_jax.experiments.running.runner import Run

__all__ = ["experiment"]

INTERRUPTED = 130
"""The exit code of a process that Ctrl-C ended."""
WIDEST = 9
"""Columns of a table; more would be squeezed to a letter each."""
DETAILS = (" low", "_low", " high", "_high", " p", "_p")
"""Ends of the names of columns that a table leaves out: the ends of an interval, and p-values."""


def experiment(
    name: Annotated[str | None, typer.Argument(help="Which experiment; all are listed if none is named.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for the results; made if it is not there.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that lies in --out.")] = False,
    seeds: Annotated[int | None, typer.Option(help="How many seeds.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A small setting, under a minute.")] = False,
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings; a run's config.toml is one.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="One setting, key=value; may be repeated.")] = None,
) -> None:
    """List the experiments, or run one and write its results.

    A run that was killed goes on with --resume, and then writes the same bytes as one that was not.
    """
    if name is None:
        _list()
    else:
        _show(_run(name, out, resume, seeds, quick, config, set_ or ()), out)


def _list() -> None:
    from rich.table import Table
    from rich.text import Text

    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.experiments import find, names

    table = Table("experiment", "title")
    table.columns[0].no_wrap = True
    for name in names():
        try:
            table.add_row(name, Text(find(name).TITLE))
        except ValueError as error:
            table.add_row(name, Text(f"cannot be run: {error}", style="red"))
    results_console().print(table)


def _run(
    name: str,
    out: Path | None,
    resume: bool,
    seeds: int | None,
    quick: bool,
    file: Path | None,
    overrides: Sequence[str],
) -> Run:
    from rich.markup import escape

    from lrgd_jax.cli.terminal import progress_bar
    from lrgd_jax.experiments import find
    from lrgd_jax.experiments.running.config import resolve
    from lrgd_jax.experiments.running.runner import run

    config = resolve(find(name), quick=quick, file=file, overrides=overrides, seeds=seeds)
    if out is None:
        raise ValueError(f"where do the results go? give --out DIR, such as --out runs/{name}")
    with progress_bar() as bar:
        task = bar.add_task(name, total=None)
        try:
            return run(
                name,
                config,
                out,
                resume=resume,
                progress=lambda unit, done, total: bar.update(
                    task, completed=done, total=total, description=escape(unit)
                ),
            )
        except KeyboardInterrupt:
            complain(f"interrupted; what is finished lies in {out}, go on by the same command with --resume")
            raise typer.Exit(INTERRUPTED) from None


def _show(finished: Run, out: Path | None) -> None:
    from lrgd_jax.cli.terminal import results_console

    console = results_console()
    for part in summary_tables(finished.name, finished.summary):
        console.print(part)
    console.print(f"results: {out}; draw them by `lrgd plot {out}`", markup=False, highlight=False, soft_wrap=True)


def summary_tables(title: str, summary: Mapping[str, Any]) -> Iterator[RenderableType]:
    """A summary as tables: one of its single entries, one for each list of dictionaries."""
    from rich.markup import escape
    from rich.table import Table

    entries = list(_flat(summary))
    plain = [entry for entry in entries if not _records(entry[1])]
    if plain:
        table = Table(title, "", title_justify="left")
        for key, value in plain:
            table.add_row(escape(key), _cell(value))
        yield table
    for key, value in entries:
        if _records(value):
            yield _record_table(f"{title}: {key}", value)


def _records(value: Any) -> bool:
    """Whether a value is a list of dictionaries."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _record_table(title: str, records: Sequence[Mapping[str, Any]]) -> RenderableType:
    from rich.markup import escape
    from rich.table import Table

    columns = list(dict.fromkeys(key for record in records for key in record))
    shown = [column for column in columns if not column.endswith(DETAILS)][:WIDEST]
    left = [column for column in columns if column not in shown]
    caption = f"{len(left)} more columns in summary.json: {', '.join(left)}" if left else None
    table = Table(*map(escape, shown), title=escape(title), title_justify="left", caption=caption and escape(caption))
    for record in records:
        table.add_row(*(_cell(record.get(column, "")) for column in shown))
    return table


def _flat(summary: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in summary.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key} / ")
        else:
            yield f"{prefix}{key}", value


def _cell(value: Any) -> str:
    from rich.markup import escape

    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return "not finite" if value is None else escape(str(value))
