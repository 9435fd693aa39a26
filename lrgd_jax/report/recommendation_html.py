"""Why an item was recommended, as a page that needs nothing else."""

from lrgd_jax.recommend.serving.named_explanation import NamedExplanation, NamedPart
from lrgd_jax.report.html import STYLE, bar, escape_text, format_signed, page, table
from lrgd_jax.report.recommendation_reasons import explanation_title, place_words, why_sentence

__all__ = ["reason_label", "recommendation_page"]


def reason_label(reason: NamedPart) -> str:
    """One line about one part of a score.

    Args:
        reason: the part, with the past user and the item that it comes from.
    """
    if reason.source == "popularity":
        return "popularity (initial weights)"
    if reason.source == "text":
        return f"similar text: {reason.item}"
    return f"user {reason.user} took it after {reason.item}"


def recommendation_page(explanation: NamedExplanation, top: int = 50) -> str:
    """The explanation of a score as a page of HTML: why, then past users, then every part up to a number of them.

    Args:
        explanation: of the score.
        top: rows of the longer table.
    """
    difference = abs(explanation.total - explanation.score)
    check = f"parts sum to {explanation.total!r}, {difference:.1e} from the score; rounding allows"
    place = place_words(explanation)
    body = (
        f'<div class="lrgd"><style>{STYLE}</style><h1>{escape_text(explanation_title(explanation))}</h1>'
        f"<p>{escape_text(why_sentence(explanation))}</p>"
        f'<p class="muted">Score {explanation.score:.6g}, {place}. The {check} {explanation.bound:.1e}.</p>'
        f"<h2>Past users</h2>{_users(explanation, top)}<h2>Every part of the score</h2>{_parts(explanation, top)}</div>"
    )
    return page(f"Recommendation for {explanation.user}", body)


def _users(explanation: NamedExplanation, top: int) -> str:
    largest = max((abs(part) for _, part in explanation.users), default=0.0)
    rows = ((escape_text(user), format_signed(part), bar(part, largest)) for user, part in explanation.users[:top])
    return table(("user", "sum of parts", ""), rows, words=(0,))


def _parts(explanation: NamedExplanation, top: int) -> str:
    largest = max((abs(reason.part) for reason in explanation.parts), default=0.0)
    rows = (
        (escape_text(reason_label(x)), escape_text("; ".join(x.shared)), format_signed(x.part), bar(x.part, largest))
        for x in explanation.parts[:top]
    )
    return table(("what", "shared with the own history", "part", ""), rows, words=(0, 1))
