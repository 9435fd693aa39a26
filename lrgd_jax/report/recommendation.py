"""Why an item was recommended, as a picture and as a page that needs nothing else."""

from matplotlib.figure import Figure

from lrgd_jax.recommend.serving.named_explanation import NamedExplanation, NamedPart
from lrgd_jax.report.figures import BLUE, GREEN, INK, ORANGE, _style
from lrgd_jax.report.html import STYLE, bar, escaped, page, signed, table

__all__ = ["reason_label", "recommendation_figure", "recommendation_page"]

COLOURS = {"transition": BLUE, "text": GREEN, "popularity": ORANGE}
WIDTH = 46
"""Characters of a label."""


def reason_label(reason: NamedPart) -> str:
    """One line about one part of a score."""
    if reason.source == "popularity":
        return "popularity (initial weights)"
    if reason.source == "text":
        return f"similar text: {reason.item}"
    return f"user {reason.user} took it after {reason.item}"


def recommendation_figure(found: NamedExplanation, top: int = 15) -> Figure:
    """The largest parts of a score as bars, and the rest of them in one.

    Args:
        found: the explanation.
        top: how many parts have a bar of their own.
    """
    shown, rest = found.parts[:top], found.parts[top:]
    labels = [_short(reason_label(reason)) for reason in shown]
    values, colours = [reason.part for reason in shown], [COLOURS[reason.source] for reason in shown]
    if rest:
        labels.append(f"{len(rest)} more")
        values.append(sum(reason.part for reason in rest))
        colours.append(INK)
    with _style():
        figure = Figure(figsize=(9.2, 1.6 + 0.32 * len(labels)), layout="constrained")
        axes = figure.subplots()
        axes.barh(range(len(labels)), values, color=colours, height=0.7)
        axes.set_yticks(range(len(labels)), labels, fontsize=9)
        axes.set(ylim=(len(labels) - 0.5, -0.5), xlabel=f"part of the score {found.score:.4g}")
        axes.set_title(f"Why user {found.user} is shown {_short(found.item)}", x=0, fontsize=11)
        axes.grid(visible=False, axis="y")
        for source in dict.fromkeys(reason.source for reason in shown):
            axes.barh([0], [0], color=COLOURS[source], label=source)
        axes.legend(loc="lower right")
    return figure


def recommendation_page(found: NamedExplanation, top: int = 50) -> str:
    """The same as a page of HTML: past users, then every part up to a number of them.

    Args:
        found: the explanation.
        top: rows of the longer table.
    """
    place = "had already" if found.place is None else f"place {found.place}"
    check = f"parts sum to {found.total!r}, {abs(found.total - found.score):.1e} from the score; rounding allows"
    title = f"Why user {escaped(found.user)} is shown {escaped(found.item)}"
    body = (
        f'<div class="lrgd"><style>{STYLE}</style><h1>{title}</h1>'
        f'<p class="muted">Score {found.score:.6g}, {place}. The {check} {found.bound:.1e}.</p>'
        f"<h2>Past users</h2>{_users(found, top)}<h2>Every part of the score</h2>{_parts(found, top)}</div>"
    )
    return page(f"Recommendation for {found.user}", body)


def _users(found: NamedExplanation, top: int) -> str:
    largest = max((abs(part) for _, part in found.users), default=0.0)
    rows = ((escaped(user), signed(part), bar(part, largest)) for user, part in found.users[:top])
    return table(("user", "sum of parts", ""), rows, words=(0,))


def _parts(found: NamedExplanation, top: int) -> str:
    largest = max((abs(reason.part) for reason in found.parts), default=0.0)
    rows = (
        (escaped(reason_label(x)), escaped("; ".join(x.shared)), signed(x.part), bar(x.part, largest))
        for x in found.parts[:top]
    )
    return table(("what", "shared with the own history", "part", ""), rows, words=(0, 1))


def _short(text: str) -> str:
    # a dollar sign would start a formula
    text = text.replace("$", r"\$")
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
