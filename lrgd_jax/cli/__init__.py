"""The command line: `lrgd claims` and `lrgd verify`."""

import typer

from lrgd_jax.cli.claims import claims
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


def main() -> None:
    """The entry point."""
    app()
