"""Options that several commands have, and what their values must be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["LARGEST_SEED", "ClaimsPath", "JsonFile", "Scheduler", "require_at_least_one", "require_positive"]

LARGEST_SEED = 2**32 - 1
"""Of every option that is a seed; the smallest is 0. NumPy takes no negative one, JAX none of more than 63 bits."""

ClaimsPath = Annotated[
    list[Path] | None,
    typer.Option(help="A file that defines `claim` or `claims`, or a folder of such files; may be repeated."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="A Dask scheduler whose workers do it, such as tcp://127.0.0.1:8786; needs lrgd-jax[dask]."),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")]


def require_at_least_one(numbers: Mapping[str, int | None]) -> None:
    """Refuses, before anything is computed, a number of things that is zero or negative.

    Args:
        numbers: by option, such as {"--steps": 120}; None where the option was not given.

    Raises:
        ValueError: one is below one.
    """
    for option, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{option} must be at least 1, got {number}")


def require_positive(numbers: Mapping[str, float]) -> None:
    """Refuses, before anything is computed, a number that is not positive and finite.

    Args:
        numbers: by option, such as {"--rate": 0.03}.

    Raises:
        ValueError: one is zero, negative, infinite or no number.
    """
    for option, number in numbers.items():
        if not 0 < number < float("inf"):
            raise ValueError(f"{option} must be a positive number, got {number}")
