"""Recommendations as HTML: why an item was recommended, as a page that needs nothing else; a list; a recommender."""

from itertools import islice

import numpy as np

from lrgd_jax.display import field_texts
from lrgd_jax.recommend.serving.named_explanation import NamedExplanation, NamedPart
from lrgd_jax.recommend.serving.recommended import Recommended
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.report.html import bar, escape_text, format_signed, page, table
from lrgd_jax.report.html_pieces import code, cut, definitions, folded, piece, tiles
from lrgd_jax.report.recommendation_reasons import explanation_title, place_words, why_sentence

__all__ = ["explanation_body", "reason_label", "recommendation_page", "recommended_html", "recommender_html"]

MOST_ITEMS = 25
"""Rows of a list that is shown."""


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
    return page(f"Recommendation for {explanation.user}", piece(explanation_body(explanation, top)))


def explanation_body(explanation: NamedExplanation, top: int = 50) -> str:
    """The same as a part of a page, without its style.

    Args:
        explanation: of the score.
        top: rows of the longer table.
    """
    difference = abs(explanation.total - explanation.score)
    check = f"parts sum to {explanation.total!r}, {difference:.1e} from the score; rounding allows"
    place = place_words(explanation)
    return (
        f"<h1>{escape_text(explanation_title(explanation))}</h1>"
        f"<p>{escape_text(why_sentence(explanation))}</p>"
        f'<p class="muted">Score {explanation.score:.6g}, {place}. The {check} {explanation.bound:.1e}.</p>'
        f"<h2>Past users</h2>{_users(explanation, top)}<h2>Every part of the score</h2>{_parts(explanation, top)}"
    )


def recommended_html(listed: Recommended) -> str:
    """A list of items with their scores, best first.

    Args:
        listed: what a recommender answers.
    """
    largest = float(np.max(np.abs(listed.scores), initial=0.0))
    rows = [
        [
            str(row.place),
            cut(row.item),
            cut("" if row.title == row.item else row.title),
            f"{row.score:.4g}",
            bar(row.score, largest),
            "had already" if row.had else "",
        ]
        for row in islice(listed.rows, MOST_ITEMS)
    ]
    left = len(listed) - len(rows)
    more = f'<p class="muted">and {left} more</p>' if left else ""
    head = ["", "item", "title", "score", "", ""]
    words = f"{len(listed)} item{'' if len(listed) == 1 else 's'}"
    return f"<h2>{words}, best first</h2><div class=wide>{table(head, rows, words=[1, 2])}</div>{more}"


def recommender_html(recommender: Recommender) -> str:
    """What a recommender knows: form, users, items, interactions, meta-parameters.

    Args:
        recommender: fitted or not.
    """
    numbers = {"form": recommender.form, "items": f"{len(recommender.catalogue):,}"}
    title = f"<h2>{code(type(recommender).__name__)}</h2>"
    if not recommender.fitted:
        return f"{title}{tiles(numbers)}<p>Not fitted: it knows the catalogue and nobody's history.</p>"
    memory = recommender.memory
    numbers |= {"users": f"{len(memory.histories):,}", "interactions": f"{int(memory.counts.sum()):,}"}
    said = {**field_texts(recommender.meta), **{name: str(value) for name, value in recommender.options.items()}}
    meta = definitions({code(name): code(text) for name, text in said.items()})
    return f"{title}{tiles(numbers)}{folded('Meta-parameters', meta)}"


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
