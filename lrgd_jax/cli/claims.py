"""`lrgd claims`: the list, or one claim with its proof."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ClaimsPath", "claims"]

ClaimsPath = Annotated[
    list[Path] | None,
    typer.Option(help="A file that defines `claim` or `claims`, or a folder of such files; may be repeated."),
]


def claims(
    slug: Annotated[str | None, typer.Argument(help="Show this claim: statement, assumptions, proof, source.")] = None,
    claims_path: ClaimsPath = None,
) -> None:
    """List all claims, or show one with its proof, as Markdown."""
    from lrgd_jax.claims import find_claim, load_claims
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.report.claim_pages import claim_page, claim_table

    known = load_claims(claims_path or ())
    if slug is None:
        results_console().print(claim_table(known.values()))
    else:
        typer.echo(claim_page(find_claim(known, slug)), nl=False)
