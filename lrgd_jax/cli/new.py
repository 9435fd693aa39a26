"""`lrgd new`: files to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from lrgd_jax.cli.errors import CODES
from lrgd_jax.cli.terminal import write_line

__all__ = ["new"]

new = typer.Typer(help="Write a file to begin with: a claim.", no_args_is_help=True)


@new.callback()
def _kinds() -> None:
    """Keeps the name of the only kind, which Typer leaves out where it stands alone."""


@new.command("claim", epilog=CODES)
def new_claim(
    slug: Annotated[str, typer.Argument(help="The name of the claim, such as my-claim.")],
    group: Annotated[str, typer.Option(help="Letter or word of the group, such as attention; else your own.")] = "user",
    directory: Annotated[Path, typer.Option("--dir", help="The folder of the file.")] = Path(),
) -> None:
    """Write a claim that can be verified at once, and certified; then change it into yours."""
    from lrgd_jax.claims import load_claims
    from lrgd_jax.claims.new_claim import write_new_claim

    file = write_new_claim(slug, directory, group)
    # in the package's own folder it is found, and given a second time it would be there twice
    path = "" if slug in load_claims() else f" --claims-path {file}"
    write_line(f"{file} is written; check it: lrgd verify {slug}{path}")
