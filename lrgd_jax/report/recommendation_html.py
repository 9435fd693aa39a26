"""Why an item was recommended, as a page that needs nothing else."""

from lrgd_jax.recommend.serving.named_explanation import NamedExplanation, NamedPart
from lrgd_jax.report.html import STYLE, bar, escape_text, format_signed, page, table

__all__ = ["reason_label", "recommendation_page"]


def reason_label(reason: NamedPart) -> str:
    """One line about one part of a score."""
    if reason.source == "popularity":
        return "popularity (initial weights)"
    if reason.source == "text":
        return f"similar text: {reason.item}"
    return f"user {reason.user} took it after {reason.item}"


def recommendation_page(found: NamedExplanation, top: int = 50) -> str:
    """The same as a page of HTML: past users, then every part up to a number of them.

    Args:
        found: the explanation.
        top: rows of the longer table.
    """
    place = "had already" if found.place is None else f"place {found.place}"
    check = f"parts sum to {found.total!r}, {abs(found.total - found.score):.1e} from the score; rounding allows"
    title = f"Why user {escape_text(found.user)} is shown {escape_text(found.item)}"
    body = (
        f'<div class="lrgd"><style>{STYLE}</style><h1>{title}</h1>'
        f'<p class="muted">Score {found.score:.6g}, {place}. The {check} {found.bound:.1e}.</p>'
        f"<h2>Past users</h2>{_users(found, top)}<h2>Every part of the score</h2>{_parts(found, top)}</div>"
    )
    return page(f"Recommendation for {found.user}", body)


def _users(found: NamedExplanation, top: int) -> str:
    largest = max((abs(part) for _, part in found.users), default=0.0)
    rows = ((escape_text(user), format_signed(part), bar(part, largest)) for user, part in found.users[:top])
    return table(("user", "sum of parts", ""), rows, words=(0,))


def _parts(found: NamedExplanation, top: int) -> str:
    largest = max((abs(reason.part) for reason in found.parts), default=0.0)
    rows = (
        (escape_text(reason_label(x)), escape_text("; ".join(x.shared)), format_signed(x.part), bar(x.part, largest))
        for x in found.parts[:top]
    )
    return table(("what", "shared with the own history", "part", ""), rows, words=(0, 1))
