"""Where output goes: results to standard output, progress and messages to standard error; no text acts on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lrgd_jax.outside.texts import show_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["progress_bar", "results_console", "write_line"]

WIDTH = 132
"""Width of tables that go to a file or a pipe."""


def write_line(text: str, *, err: bool = False) -> None:
    """A text on standard output, or standard error, with its control characters visible.

    Args:
        text: of one line or several.
        err: whether it goes to standard error.
    """
    typer.echo(show_controls(text), err=err)


def results_console() -> Console:
    """A console for tables of results, on standard output."""
    from lrgd_jax.report.plain_text import PlainConsole

    console = PlainConsole(emoji=False)
    return console if console.is_terminal else PlainConsole(width=WIDTH, emoji=False)


def progress_bar(*, remaining: bool = False) -> Progress:
    """A bar on standard error, if that is a terminal; it vanishes when done.

    Args:
        remaining: show the time that is left too, where steps take about the same time.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from lrgd_jax.report.plain_text import PlainConsole

    description = TextColumn("{task.description}", markup=False)
    columns = description, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    if remaining:
        columns = *columns, TextColumn("left"), TimeRemainingColumn()
    console = PlainConsole(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
