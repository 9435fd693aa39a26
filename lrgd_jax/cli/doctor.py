"""`lrgd doctor`: what verdicts depend on here, and the measuring of what is not known yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.errors import complain
from lrgd_jax.cli.files import complain_if_unwritable, require_writable, write_json_result
from lrgd_jax.cli.terminal import write_line
from lrgd_jax.compilation_cache import clear_programs, read_programs

if TYPE_CHECKING:
    from lrgd_jax.certify.rounding.constants import Constants

__all__ = ["DEFAULT_PATHS", "doctor"]

DEFAULT_PATHS = {
    "../shared/data/amazon_beauty": "data of most experiments on recommendation",
    "../shared/data/amazon_office": "data of `lrgd experiment adaptability`",
    "../shared/data/amazon_industrial": "data of `lrgd experiment adaptability`",
    "../shared/data/amazon_cds": "data of `lrgd experiment adaptability` and `lrgd train`",
    "../shared/data/amazon_games": "data of `lrgd train`",
    "../shared/data/stories260K": "checkpoint of `lrgd experiment` dual-of-a-layer and icl-against-fine-tuning",
    "../shared/data/prompts/stories.txt": "prompt of `lrgd experiment dual-of-a-layer`",
}
"""What commands read where no option names another place, from the folder in which they run."""


def doctor(
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure the constants even if those of this stack are known.")
    ] = False,
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Remove the compiled programs that commands have kept, and end.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write the same to this file.")] = None,
) -> None:
    """Show what verdicts depend on here; measure XLA's elementary functions if this stack was never measured.

    How far exp, log and their like are off depends on the version of jaxlib and on the device. The constants of some
    stacks come with the package. On any other one this command measures them, which takes less than a minute, and keeps
    them in your cache, from where every later verdict takes them.
    """
    if clear_cache:
        _clear()
        return
    import jax

    from lrgd_jax.certify.environment import read_environment
    from lrgd_jax.certify.rounding.constants import constants_in_use
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.report.environment_table import environment_table

    require_writable({"--json": json})
    constants = constants_in_use()
    if constants.refused is not None:
        complain(f"{constants.refused}; it is measured again")
    before = read_environment()
    if measure or constants.refused is not None or constants.source == "largest":
        jax.config.update("jax_enable_x64", True)
        _measure(constants)
    after, programs = read_environment(), read_programs(os.environ)
    results_console().print(environment_table(after, programs, DEFAULT_PATHS, x64=before.x64))
    found = {path: Path(path).exists() for path in DEFAULT_PATHS}
    more = {"x64": before.x64, "compiled": programs.as_dict(), "found": found}
    write_json_result(json, after.as_dict() | more)


def _clear() -> None:
    removed = clear_programs()
    write_line(f"removed {removed.programs} compiled programs, {removed.size / 1e6:.1f} MB")


def _measure(constants: Constants) -> None:
    """Measures the running stack and keeps what was seen."""
    from lrgd_jax.certify.rounding.constants import Record, record_file, write_record
    from lrgd_jax.certify.rounding.measuring import FUNCTIONS, measure_all
    from lrgd_jax.cli.terminal import progress_bar

    measured = {}
    with progress_bar() as bar:
        task = bar.add_task("measuring", total=len(FUNCTIONS))
        for name, row in measure_all():
            measured[name] = row
            bar.update(task, advance=1, description=f"measuring {name}")
    file = record_file(constants.running)
    with complain_if_unwritable(str(file)):
        write_record(Record(constants.running, measured), file)
