"""Where output goes: results to standard output, progress and messages to standard error; no text acts on it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from lrgd_jax.outside.texts import show_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["QUIET", "progress_bar", "quiet", "results_console", "waiting", "write_line"]

WIDTH = 132
"""Width of tables that go to a file or a pipe."""


QUIET = "LRGD_QUIET"
"""The variable of the environment that `--quiet` sets."""


def quiet() -> bool:
    """Whether no results and no bars are wanted; messages and errors go to standard error all the same."""
    return os.environ.get(QUIET, "") not in ("", "0")


def write_line(text: str, *, err: bool = False) -> None:
    """A text on standard output, or standard error, with its control characters visible.

    Args:
        text: of one line or several.
        err: whether it goes to standard error.
    """
    if err or not quiet():
        typer.echo(show_controls(text), err=err)


def results_console() -> Console:
    """A console for tables of results, on standard output."""
    from lrgd_jax.report.plain_text import PlainConsole

    console = PlainConsole(emoji=False, quiet=quiet())
    return console if console.is_terminal else PlainConsole(width=WIDTH, emoji=False, quiet=quiet())


def progress_bar() -> Progress:
    """A bar on standard error, if that is a terminal, with the time passed and left; it vanishes when done."""
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
    left = TimeRemainingColumn(elapsed_when_finished=True), TextColumn("left", style="progress.remaining")
    columns = description, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), *left
    console = PlainConsole(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=quiet() or not console.is_terminal)


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Around work of which nobody knows how long it takes: what is done, and since when, on a terminal.

    Args:
        what: is being done.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from lrgd_jax.report.plain_text import PlainConsole

    console = PlainConsole(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=quiet() or not console.is_terminal) as shown:
        shown.add_task(what, total=None)
        yield
