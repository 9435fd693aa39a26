"""What verdicts depend on, as a table for a terminal."""

from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from lrgd_jax.certify.environment import Environment
from lrgd_jax.compilation_cache import CompilationCache
from lrgd_jax.report.plain_text import plain

__all__ = ["environment_table"]


PURPOSES = {
    "test": "the test suite",
    "smollm2": "the checkpoint smollm2",
    "parity": "comparisons with other libraries",
    "dask": "--scheduler",
}
"""What an extra is for."""


def environment_table(
    environment: Environment, programs: CompilationCache, found: Mapping[str, str], *, x64: bool
) -> Table:
    """Two columns: what verdicts depend on, and what it is here.

    Args:
        environment: versions, devices, flags and measured constants.
        programs: compiled ones that are kept.
        found: paths of data and checkpoints, and what uses each where no other is named.
        x64: whether 64 bits were on before the command turned them on.
    """
    table = Table("what", "here", show_lines=False)
    table.columns[0].no_wrap = True
    for name, version in environment.versions.items():
        table.add_row(name, plain(version))
    table.add_row("machine", plain(environment.machine))
    table.add_row("backend", plain(f"{environment.platform}: {', '.join(environment.devices)}"))
    table.add_row("64 bits", "on" if x64 else "off unless a command asks for float64, which turns them on")
    table.add_row("XLA_FLAGS", plain(environment.flags or "none"))
    table.add_row("constants", plain(environment.constants.text))
    table.add_row("come from", plain(_ORIGIN[environment.constants.source].format(environment.cache)))
    kept = f"{programs.programs} in {programs.size / 1e6:.1f} MB, {programs.folder}"
    table.add_row("compiled", plain(kept + ("" if programs.enabled else "; not used by this command")))
    for extra, modules in environment.missing.items():
        needs = f"{', '.join(modules)}, for {PURPOSES[extra]}: pip install 'lrgd-jax[{extra}]'"
        table.add_row("not installed", plain(needs))
    for path, use in found.items():
        table.add_row("found" if Path(path).exists() else "not found", plain(f"{path}, {use}"))
    return table


_ORIGIN = {
    "package": "the package; `lrgd doctor --measure` widens them by what is seen here",
    "cache": "{}",
    "largest": "the package: the largest of all that it has",
}
