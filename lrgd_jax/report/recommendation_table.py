"""Why an item was recommended, as a table for a terminal."""

from rich.table import Table

from lrgd_jax.recommend.serving.named_explanation import NamedExplanation
from lrgd_jax.report.rows_table import rows_table

__all__ = ["recommendation_heading", "recommendation_table"]


def recommendation_heading(explanation: NamedExplanation) -> str:
    """Whose score of which item is explained, and where that puts the item in the list."""
    place = "had already" if explanation.place is None else f"place {explanation.place}"
    return (
        f"user {explanation.user}, item {explanation.name} ({explanation.item}): score {explanation.score:.6g}, {place}"
    )


def recommendation_table(explanation: NamedExplanation, top: int) -> Table:
    """The largest parts of a score, the rest in one row, and the sum.

    Args:
        explanation: of the score.
        top: how many parts have a row of their own.
    """
    rows = [[x.source, x.user, x.item, "; ".join(x.shared), x.part] for x in explanation.parts[:top]]
    rest = explanation.parts[top:]
    if rest:
        rows.append([f"{len(rest)} more", "", "", "", sum(x.part for x in rest)])
    rows.append(["sum", "", "", f"rounding allows {explanation.bound:.1e}", explanation.total])
    return rows_table(["source", "user", "item", "shared with the own history", "part"], rows)
