"""What verdicts depend on, as a table for a terminal."""

from rich.markup import escape
from rich.table import Table

from lrgd_jax.certify.environment import Environment

__all__ = ["surroundings_table"]


def surroundings_table(found: Environment, *, x64: bool) -> Table:
    """Two columns: what, and which; `x64` says whether 64 bits were on before the command turned them on."""
    table = Table("what", "here", show_lines=False)
    table.columns[0].no_wrap = True
    for name, version in found.versions.items():
        table.add_row(name, escape(version))
    table.add_row("machine", escape(found.machine))
    table.add_row("backend", escape(f"{found.platform}: {', '.join(found.devices)}"))
    table.add_row("64 bits", "on" if x64 else "off unless a command asks for float64, which turns them on")
    table.add_row("XLA_FLAGS", escape(found.flags) or "none")
    table.add_row("constants", escape(found.constants.text))
    table.add_row("come from", _ORIGIN[found.constants.source].format(escape(found.cache)))
    for extra, modules in found.missing.items():
        table.add_row("not installed", escape(f"{', '.join(modules)}: install lrgd-jax[{extra}] for it"))
    return table


_ORIGIN = {
    "package": "the package; `lrgd doctor --measure` widens them by what is seen here",
    "cache": "{}",
    "largest": "the package: the largest of all that it has",
}
