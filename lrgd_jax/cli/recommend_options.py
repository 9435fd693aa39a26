"""Options that several commands of `lrgd recommend` have."""

from pathlib import Path
from typing import Annotated

import typer

from lrgd_jax.cli.options import LARGEST_SEED
from lrgd_jax.recommend.forms.registry import FORMS

__all__ = ["Data", "Form", "MetaFile", "Model", "Seed", "Ties", "TiesSeed", "Time"]

Data = Annotated[Path | None, typer.Option("--data", help="A folder of data; a generated catalogue unless given.")]
Model = Annotated[Path | None, typer.Option("--model", help="A file that `lrgd recommend fit` wrote.")]
Form = Annotated[str, typer.Option("--form", help=f"{', '.join([*FORMS][:-1])} or {[*FORMS][-1]}.")]
Seed = Annotated[int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of the generated catalogue.")]
MetaFile = Annotated[Path | None, typer.Option("--meta", help="Meta-parameters that `lrgd recommend learn` wrote.")]
Time = Annotated[int | None, typer.Option("--time", help="Seconds since 1970: only what was before counts.")]
Ties = Annotated[
    str,
    typer.Option(
        "--ties",
        help="Interactions of a user at one time: basket (no order), shuffle (a random one), or as-stored "
        "(the order of the file, as in the literature).",
    ),
]
TiesSeed = Annotated[
    int | None,
    typer.Option("--ties-seed", min=0, max=LARGEST_SEED, help="Seed of the order of --ties shuffle."),
]
