"""`lrgd gradient`: is an update of a user's the gradient of some loss?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.errors import FALLEN, HOLDS, ONLY_POINTS
from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import LARGEST_SEED
from lrgd_jax.cli.terminal import waiting, write_line

if TYPE_CHECKING:
    from lrgd_jax.certify.gradients import Conservative, Rotational, Undecided

__all__ = ["gradient"]

_PLACE = "FILE.py:FUNCTION or package.module:FUNCTION"


def gradient(
    update: Annotated[str, typer.Argument(metavar="UPDATE", help=f"A function of the state and more: {_PLACE}.")],
    wrt: Annotated[str, typer.Option(help="Name of the state among the arguments.")],
    shapes: Annotated[str, typer.Option(help="Shapes of the arguments, such as 'S:dv=2,dk=2; k:dk; v:dv'.")],
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="FUNCTION",
            help="A metric, a function of a tangent of the state and of other arguments by name, or 'any' to search "
            "for a constant one; Euclidean without it.",
        ),
    ] = None,
    step: Annotated[bool, typer.Option("--step", help="UPDATE returns the new state, not its change.")] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the random points, primes and symbols.")
    ] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the verdict, its loss or its witness to this file.")] = None,
) -> None:
    """Decide whether an update is the gradient of some loss of the state: its Jacobian is symmetric, or it is not.

    Example: lrgd gradient mine.py:delta --wrt S --shapes 'S:dv=2,dk=2; k:dk; v:dv'

    Exit code 0: it is one, and the loss is shown where it can be integrated; 1: it is none, and two entries of its
    Jacobian show it; 2: bad input; 3: internal error; 4: undecided; 130: interrupted.
    """
    require_writable({"--json": json})
    verdict = _decide(update, wrt, shapes, metric, step=step, seed=seed)
    write_line(str(verdict))
    write_json_result(json, verdict.as_dict())
    code = _code(verdict)
    if code != HOLDS:
        raise typer.Exit(code)


def _decide(
    update: str, wrt: str, shapes: str, metric: str | None, *, step: bool, seed: int
) -> Conservative | Rotational | Undecided:
    import jax

    # what a file computes while it is imported is in 64 bits too
    jax.config.update("jax_enable_x64", True)
    from lrgd_jax.certify import is_gradient
    from lrgd_jax.claims.user_files import find_function

    function = find_function(update)
    chosen = metric if metric is None or metric == "any" else find_function(metric)
    with waiting(f"deciding whether {update} is a gradient"):
        return is_gradient(function, shapes, wrt=wrt, metric=chosen, step=step, seed=seed)


def _code(verdict: Conservative | Rotational | Undecided) -> int:
    from lrgd_jax.certify.gradients import Rotational

    if verdict:
        return HOLDS
    return FALLEN if isinstance(verdict, Rotational) else ONLY_POINTS
