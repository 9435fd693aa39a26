"""`lrgd plot`: the figure of a finished run."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from lrgd_jax.cli.terminal import write_line

__all__ = ["plot"]


class Format(enum.StrEnum):
    """File formats of a picture."""

    PNG = "png"
    SVG = "svg"


def plot(
    directory: Annotated[Path, typer.Argument(help="The folder that `lrgd experiment` wrote.")],
    format_: Annotated[Format, typer.Option("--format", help="File format of the picture.")] = Format.PNG,
) -> None:
    """Draw the results of a finished run into its folder."""
    from lrgd_jax.atomic import atomic_write
    from lrgd_jax.experiments import find
    from lrgd_jax.experiments.running.runner import load_run
    from lrgd_jax.report.style import save_figure

    finished = load_run(directory)
    target = directory / f"{finished.name}.{format_}"
    figure = find(finished.name).figure(finished.config, finished.rows)
    with atomic_write(target) as written:
        save_figure(figure, written)
    write_line(str(target))
