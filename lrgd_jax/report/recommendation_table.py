"""Why an item was recommended, as a table for a terminal."""

from rich.table import Table

from lrgd_jax.recommend.serving.named_explanation import NamedExplanation
from lrgd_jax.report.recommendation_reasons import place_words, why_sentence
from lrgd_jax.report.rows_table import rows_table

__all__ = ["recommendation_heading", "recommendation_table"]


def recommendation_heading(explanation: NamedExplanation) -> str:
    """Whose score of which item is explained, where that puts the item in the list, and why."""
    item = f"item {explanation.name} ({explanation.item})"
    score = f"score {explanation.score:.6g}, {place_words(explanation)}"
    return f"user {explanation.user}, {item}: {score}\n{why_sentence(explanation)}"


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
