"""`lrgd model`: what a checkpoint is, before it is worked with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.errors import CODES
from lrgd_jax.cli.files import require_writable, write_json_result
from lrgd_jax.cli.options import JsonFile

if TYPE_CHECKING:
    from lrgd_jax.decoder.inspection import Greedy, Inspection

__all__ = ["model"]

model = typer.Typer(help="Look at a checkpoint before working with it.", no_args_is_help=True)


@model.callback()
def _kinds() -> None:
    """Keeps the name of the only command, which Typer leaves out where it stands alone."""


@model.command("inspect", epilog=CODES)
def inspect(
    path: Annotated[str, typer.Argument(help="A Hugging Face directory, a .gguf file, or smollm2.")],
    text: Annotated[
        str | None, typer.Option(help="A text in a language that the model knows; a plain English one unless given.")
    ] = None,
    weights: Annotated[
        bool, typer.Option(help="Load the weights too, where they fit into memory, and let the model continue a text.")
    ] = True,
    json: JsonFile = None,
) -> None:
    """Show family, sizes, memory, tokenizer and template of a checkpoint, and whether it speaks.

    A setting that is not known here is refused by name, as in every command. A model that was read as its makers meant
    it expects a text better than by guessing, which this command measures.
    """
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.decoder.inspection import PLAIN_TEXT, inspect_model, try_text
    from lrgd_jax.report.inspection_table import inspection_table

    require_writable({"--json": json})
    inspection = inspect_model(path)
    reason = _reason(inspection) if weights else "not tried: --no-weights"
    greedy: Greedy | str = reason or try_text(path, PLAIN_TEXT if text is None else text)
    results_console().print(inspection_table(inspection, greedy))
    result = None if isinstance(greedy, str) else vars(greedy) | {"plausible": greedy.plausible}
    write_json_result(json, inspection.as_dict() | {"greedy": result})


def _reason(inspection: Inspection) -> str | None:
    """Why no text is tried; None where one can be."""
    if inspection.tokenizer.startswith("none"):
        return "not tried: there is no tokenizer"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if inspection.memory() > memory / 2:
        return f"not tried: the weights would take more than half of the {memory / 1e9:.0f} GB of memory"
    return None
