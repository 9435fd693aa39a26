"""What an import of data read, dropped, kept and noticed, for a terminal."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from rich.table import Table

from lrgd_jax.report.plain_text import TITLE, plain

__all__ = ["ImportReport", "import_lines", "import_table"]

ImportReport: TypeAlias = Mapping[str, Any]
"""The report of an import, as JSON holds it: nested counts and names."""


def import_table(report: ImportReport, folder: str) -> Table:
    """How many interactions, users and items were read, dropped for each reason, and kept.

    Args:
        report: of the import.
        folder: where the data lie, the title of the table.
    """
    columns = ("interactions", "users", "items")
    table = Table("", *columns, title=plain(folder, TITLE), title_justify="left")
    steps = [("read", report["read"]), *((f"dropped: {step['reason']}", step) for step in report["dropped"])]
    for name, counts in (*steps, ("kept", report["kept"])):
        table.add_row(plain(name), *(f"{counts[column]:,}" for column in columns))
    return table


def import_lines(report: ImportReport) -> list[str]:
    """What the split and the check for leakage say, a sentence each.

    Args:
        report: of the import, as `report.json` in its folder holds it.
    """
    split, leakage = report["split"], report["leakage"]
    queries = f"{split['valid']:,} validation and {split['test']:,} test queries"
    others = "no times: what others did later cannot be told from what they did before"
    if leakage["timed"]:
        late = leakage["late_demonstrations"]
        others = f"queries with others' training events at or after their time (masked when read): {late:,}"
    return [
        f"items without a title: {report['items_without_title']:,}",
        f"{split['kind']}: {split['train']:,} for training, {queries}",
        f"later events that are no query, for their user has no past: {split['not_asked']:,}",
        f"queries whose target was seen before (no hit is possible): {leakage['seen_target']:,}",
        others,
        *_ties(report.get("ties")),
        *(
            f"not read: column {name!r}{guess and ', which ' + guess}"
            for name, guess in report.get("unread", {}).items()
        ),
    ]


def _ties(count: int | None) -> list[str]:
    """One sentence; none for a folder of an older import, which did not count them."""
    if count is None:
        return []
    return [f"interactions at the time of their user's one before, whose order is unknown (kept): {count:,}"]
