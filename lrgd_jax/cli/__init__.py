"""The command line: claims and certificates, explanations, experiments and their pictures."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from lrgd_jax import __version__
from lrgd_jax.cli.certify import certify
from lrgd_jax.cli.claims import claims
from lrgd_jax.cli.data import data
from lrgd_jax.cli.doctor import doctor
from lrgd_jax.cli.errors import CODES, CommandGroup, caching, complain, leave
from lrgd_jax.cli.examples import BEGIN, add_examples
from lrgd_jax.cli.experiment import experiment
from lrgd_jax.cli.explain import explain
from lrgd_jax.cli.gradient import gradient
from lrgd_jax.cli.model import model
from lrgd_jax.cli.new import new
from lrgd_jax.cli.plot import plot
from lrgd_jax.cli.recheck import recheck
from lrgd_jax.cli.recommend import recommend
from lrgd_jax.cli.report import report
from lrgd_jax.cli.terminal import write_line
from lrgd_jax.cli.train import train
from lrgd_jax.cli.verify import verify
from lrgd_jax.compilation_cache import disable_programs, enable_programs, ignore_damaged_programs

__all__ = ["app", "main"]

app = typer.Typer(
    name="lrgd",
    cls=CommandGroup,
    help="In-context learning as gradient descent: attention beside its dual, every claim checked.",
    epilog="Exit codes: 0 done, and what was asked holds; 1 it does not hold; 2 bad input; 3 internal error; "
    "4 equal at the points that were tried, and no more is known; 130 interrupted.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
PANELS: Mapping[str, Sequence[Callable[..., None]]] = {
    "Claims and certificates": (claims, verify, certify, gradient, recheck),
    "Decoders": (explain,),
    "Experiments": (experiment, plot, train),
    "This machine and its results": (report, doctor),
}
"""The commands by what they are about, in the order of the help."""
for panel, commands in PANELS.items():
    for command in commands:
        # the commands that give a verdict say what their exit codes mean
        codes = None if command in (verify, certify, gradient, recheck, report) else CODES
        app.command(epilog=codes, rich_help_panel=panel)(command)
app.add_typer(new, name="new", rich_help_panel="Claims and certificates")
app.add_typer(model, name="model", rich_help_panel="Decoders")
app.add_typer(recommend, name="recommend", rich_help_panel="Recommender")
app.add_typer(data, name="data", rich_help_panel="Recommender")
add_examples(app)


NOT_COMPILING = ("claims", "data", "new", "plot")


def _show_version(asked: bool) -> None:
    if asked:
        write_line(f"lrgd_jax {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of errors too; may stand anywhere, or set LRGD_DEBUG=1.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache", help="Keep and take no compiled programs; may stand anywhere, or set LRGD_NO_CACHE=1."
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            help="Show no result and no bar: the exit code and files tell; may stand anywhere, or set LRGD_QUIET=1.",
        ),
    ] = False,
    unpack_all: Annotated[
        bool,
        typer.Option(
            "--unpack-all",
            help="Read files that unpack to very much too; may stand anywhere, or set LRGD_UNPACK_ALL=1.",
        ),
    ] = False,
) -> None:
    """Options of all commands; `CommandGroup` reads them."""
    if ctx.invoked_subcommand is None:
        write_line(BEGIN)
        return
    ignore_damaged_programs()
    # a program that has imported JAX already has decided where its compiled programs go
    if "jax" in sys.modules or ctx.invoked_subcommand in NOT_COMPILING:
        return
    if not caching():
        disable_programs(os.environ)
    elif (reason := enable_programs(os.environ)) is not None:
        complain(reason)


def main() -> None:
    """The entry point."""
    try:
        app()
    except SystemExit as end:
        leave(end.code)
        raise
