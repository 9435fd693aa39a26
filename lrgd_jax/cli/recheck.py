"""`lrgd recheck`: evaluate kept certificates anew, and say what changed."""

from pathlib import Path
from typing import Annotated

import typer

from lrgd_jax.cli.claims import ClaimsPath
from lrgd_jax.cli.errors import FALLEN, bad_input

__all__ = ["recheck"]


def recheck(
    directory: Annotated[Path, typer.Argument(help="The folder that `lrgd verify --certificates` wrote.")],
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Of the new evaluation; one more than the old by default.")
    ] = None,
    claims_path: ClaimsPath = None,
) -> None:
    """Evaluate certificates from scratch: traced anew without shortcuts, at other points of other prime fields.

    Exit code 0: all hold; 1: one does not hold any more; 2: bad input.
    """
    with bad_input():
        import jax

        jax.config.update("jax_enable_x64", True)
        from lrgd_jax.claims import load_claims
        from lrgd_jax.claims.certificates import read_certificates
        from lrgd_jax.claims.certificates import recheck as evaluate
        from lrgd_jax.cli.consoles import progress_bar, results
        from lrgd_jax.report.tables import recheck_table

        certificates = read_certificates(directory)
        known = load_claims(claims_path or ())
        found = []
        with progress_bar() as bar:
            task = bar.add_task("certificates", total=len(certificates))
            for certificate in certificates:
                found.append(evaluate(certificate, known, seed=seed))
                bar.update(task, advance=1, description=certificate["claim"])
    results().print(recheck_table(found))
    if not all(one.certified for one in found):
        raise typer.Exit(FALLEN)
