"""The command line: claims and certificates, explanations, experiments and their pictures."""

import typer

from lrgd_jax.cli.certify import certify
from lrgd_jax.cli.claims import claims
from lrgd_jax.cli.data import data
from lrgd_jax.cli.experiment import experiment
from lrgd_jax.cli.explain import explain
from lrgd_jax.cli.plot import plot
from lrgd_jax.cli.recheck import recheck
from lrgd_jax.cli.recommend import recommend
from lrgd_jax.cli.verify import verify

__all__ = ["app", "main"]

app = typer.Typer(
    name="lrgd",
    help="In-context learning as gradient descent: attention beside its dual, every claim checked.",
    no_args_is_help=True,
    add_completion=False,
)
for command in (claims, verify, certify, recheck, explain, experiment, plot):
    app.command()(command)
app.add_typer(data, name="data")
app.add_typer(recommend, name="recommend")


def main() -> None:
    """The entry point."""
    app()
