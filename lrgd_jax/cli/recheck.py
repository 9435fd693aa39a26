"""`lrgd recheck`: evaluate kept certificates anew, and say what changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.errors import FALLEN, HOLDS, INTERRUPTED, complain, exit_code_of_fault, worst
from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import LARGEST_SEED, ClaimsPath, JsonFile

if TYPE_CHECKING:
    from lrgd_jax.claims.recheck import Recheck
    from lrgd_jax.claims.verdicts import Unevaluated

__all__ = ["recheck"]


def recheck(
    directory: Annotated[Path, typer.Argument(help="The folder that `lrgd verify --certificates` wrote.")],
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SEED, help="Seed of the new evaluation; one more than the old by default."),
    ] = None,
    claims_path: ClaimsPath = None,
    json: JsonFile = None,
) -> None:
    """Evaluate certificates from scratch: traced anew without shortcuts, at other points of other prime fields.

    Exit code 0: all hold; 1: one does not hold any more, or says what no evaluation bears out; 2: bad input, or a
    claim's own functions cannot be evaluated; 3: internal error; 130: interrupted. Of several the worst counts: 3,
    then 2, then 1.
    """
    require_writable({"--json": json})
    import jax

    jax.config.update("jax_enable_x64", True)
    from lrgd_jax.claims import load_claims
    from lrgd_jax.claims.certificates import read_certificates
    from lrgd_jax.claims.certify_claims import EXACT_LAYERS
    from lrgd_jax.claims.evaluations import attempt
    from lrgd_jax.claims.recheck import recheck as evaluate
    from lrgd_jax.cli.terminal import progress_bar, results_console
    from lrgd_jax.report.verdict_tables import recheck_table

    certificates = read_certificates(directory)
    known, rechecks, interrupted = load_claims(claims_path or ()), [], False
    try:
        with progress_bar() as bar:
            task = bar.add_task("certificates", total=len(certificates))
            for certificate in certificates:
                evaluation = partial(evaluate, certificate, known, seed=seed)
                claim = known.get(certificate["claim"])
                # of a claim that is gone there is nothing to evaluate
                rechecks.append(evaluation() if claim is None else attempt(claim, EXACT_LAYERS, evaluation))
                bar.update(task, advance=1, description=certificate["claim"])
    except KeyboardInterrupt:
        interrupted = True
    results_console().print(recheck_table(rechecks))
    rows = [one.as_dict() for one in rechecks]
    write_json_result(json, {"complete": not interrupted, "certificates": rows})
    codes = [_code(one) for one in rechecks]
    if interrupted:
        complain(f"interrupted: {len(rechecks)} of {len(certificates)} certificates are evaluated")
        codes.append(INTERRUPTED)
    if worst(codes):
        raise typer.Exit(worst(codes))


def _code(one: Recheck | Unevaluated) -> int:
    from lrgd_jax.claims.verdicts import Unevaluated

    if isinstance(one, Unevaluated):
        return exit_code_of_fault(one.fault, internal=one.internal)
    return HOLDS if one.holds else FALLEN
