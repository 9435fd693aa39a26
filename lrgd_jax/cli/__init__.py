"""The command line: `lrgd claims`, `lrgd verify` and `lrgd certify`."""

import typer

from lrgd_jax.cli.certify import certify
from lrgd_jax.cli.claims import claims
from lrgd_jax.cli.recheck import recheck
from lrgd_jax.cli.verify import verify

__all__ = ["app", "main"]

app = typer.Typer(
    name="lrgd",
    help="In-context learning as gradient descent: attention beside its dual, every claim checked.",
    no_args_is_help=True,
    add_completion=False,
)
app.command()(claims)
app.command()(verify)
app.command()(certify)
app.command()(recheck)


def main() -> None:
    """The entry point."""
    app()
