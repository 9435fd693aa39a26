"""`lrgd certify`: two functions of a user's, equal or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lrgd_jax.cli.errors import FALLEN, ONLY_POINTS
from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import LARGEST_SEED
from lrgd_jax.cli.terminal import waiting, write_line

if TYPE_CHECKING:
    from lrgd_jax.certify import Certificate, Counterexample, Unrefuted

__all__ = ["certify"]

_PLACE = "FILE.py:FUNCTION or package.module:FUNCTION"


def certify(
    first: Annotated[str, typer.Argument(metavar="FIRST", help=f"A function: {_PLACE}.")],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="The other, with parameters of the same names.")],
    shapes: Annotated[
        str, typer.Option(help="Shapes of the arguments, such as 'q:d=4; k:n=6,d; v:n,dv=3; tokens:n below 10'.")
    ],
    at_most: Annotated[
        bool, typer.Option("--at-most", help="Certify FIRST <= SECOND in every entry, not equality.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the random points, primes and symbols.")
    ] = 0,
    constants: Annotated[
        str,
        typer.Option(
            help="rounded: a literal is the number that its format holds; meant: one that a format has for 1/3, "
            "1/sqrt(3), pi and their like is that number, and the result lists it."
        ),
    ] = "rounded",
    json: Annotated[Path | None, typer.Option(help="Write the certificate or the counterexample to this file.")] = None,
) -> None:
    """Certify that two JAX functions are equal in real arithmetic, or find the smallest arguments where they differ.

    Exit code 0: certified; 1: a counterexample was found; 2: bad input, or functions that cannot be compared; 3:
    internal error; 4: they are equal at all points that were tried, which certifies nothing else; 130: interrupted.
    """
    require_writable({"--json": json})
    if constants not in ("rounded", "meant"):
        raise ValueError(f"--constants must be 'rounded' or 'meant', got {constants!r}")
    answer = _compare(first, second, shapes, at_most=at_most, seed=seed, constants=constants)
    write_line(str(answer))
    write_json_result(json, answer.as_dict())
    if not answer:
        from lrgd_jax.certify import Counterexample

        raise typer.Exit(FALLEN if isinstance(answer, Counterexample) else ONLY_POINTS)


def _compare(
    first: str, second: str, shapes: str, *, at_most: bool, seed: int, constants: Literal["rounded", "meant"]
) -> Certificate | Counterexample | Unrefuted:
    import jax

    # what a file computes while it is imported is in 64 bits too
    jax.config.update("jax_enable_x64", True)
    from lrgd_jax.certify import equal
    from lrgd_jax.claims.user_files import find_function

    f, g = find_function(first), find_function(second)
    with waiting(f"comparing {first} and {second}"):
        return equal(f, g, shapes, relation="at most" if at_most else "equal", seed=seed, constants=constants)
