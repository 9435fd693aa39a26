"""Bad input ends a command with one clear message and exit code 2; nothing else is caught."""

import contextlib
from collections.abc import Iterator

import typer

__all__ = ["BAD_INPUT", "FALLEN", "ONLY_POINTS", "bad_input", "complain"]

FALLEN = 1
BAD_INPUT = 2
ONLY_POINTS = 4
"""Nothing differed at the points that were tried, which certifies nothing."""


def complain(message: str) -> None:
    """One message on standard error."""
    typer.echo(f"lrgd: {message}", err=True)


@contextlib.contextmanager
def bad_input() -> Iterator[None]:
    """Turns what the package raises on wrong input into a message and exit code 2."""
    try:
        yield
    except (ValueError, NotImplementedError, OSError) as error:
        complain(str(error))
        raise typer.Exit(BAD_INPUT) from None
