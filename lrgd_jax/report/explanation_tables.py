"""An explanation as tables for a terminal."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from lrgd_jax.effect.interactions import Interactions
from lrgd_jax.effect.prompt_attribution import PromptAttribution
from lrgd_jax.report.html import decimal_format
from lrgd_jax.report.plain_text import TITLE, plain

__all__ = ["explanation_tables"]

LONGEST = 56
"""Most characters of a demonstration in a table."""

MOST = 10
"""Most layers, heads or pairs in a table."""


def explanation_tables(
    model: str, attribution: PromptAttribution, by: Literal["layer", "head"] | None
) -> Iterator[RenderableType]:
    """What was explained, the ranking, the probabilities and, by layer or head, the largest parts.

    Args:
        model: its name.
        attribution: what there is to show.
        by: of which parts a table is made; of none unless given.
    """
    asked = " ".join(attribution.prompt.query.split())
    whose = "the model's own answer" if attribution.own else "the target"
    yield Text.assemble("query   ", plain(_cut(asked, 110), "bold"))
    yield Text.assemble("answer  ", plain(repr(attribution.prompt.answer), "bold"), f", {whose}")
    if attribution.contrast is not None:
        yield Text.assemble("against ", plain(repr(attribution.contrast.answer), "bold"))
    yield _ranking(model, attribution)
    yield Text(_summary(attribution))
    yield _probabilities(attribution)
    if attribution.interactions is not None:
        yield _interactions(attribution.interactions)
    if by is not None:
        yield _parts(attribution, by)
    for note in attribution.notes:
        yield plain(f"note: {note}")


def _ranking(model: str, attribution: PromptAttribution) -> Table:
    interval, shares, counts = attribution.scores.interval, attribution.shares, attribution.prompt.counts()
    table = Table(
        "demonstration", "text", "tokens", "score", "share", title=plain(f"{model}: {attribution.scores.method}", TITLE)
    )
    if interval is not None:
        table.add_column(f"{interval.level:.0%} interval")
    for column in (table.columns[0], *table.columns[2:]):
        column.justify = "right"
    table.columns[1].no_wrap = True
    form = decimal_format(float(np.max(np.abs(attribution.scores.values), initial=0.0)))
    for i in attribution.ranking.tolist():
        value = float(attribution.scores.values[i])
        share = "-" if shares is None else f"{shares[i]:+.0%}"
        text = plain(_cut(" ".join(attribution.prompt.demonstrations[i].split()), LONGEST))
        score = Text(f"{value:+{form}}", style="blue" if value > 0 else "red" if value < 0 else "")
        cells: list[RenderableType] = [str(i + 1), text, str(counts[i]), score, share]
        if interval is not None:
            cells.append(f"{interval.lower[i]:+{form}} to {interval.upper[i]:+{form}}")
        table.add_row(*cells)
    return table


def _summary(attribution: PromptAttribution) -> str:
    relative = "-" if attribution.relative is None else f"{attribution.relative:+.3f}"
    gap = "-" if attribution.gap is None else f"{attribution.gap:.1%}"
    seconds = sum(attribution.seconds.values())
    unit = (
        "nats a token of the answer by which a demonstration lowers its loss" if attribution.in_nats else "see the note"
    )
    losses = f"loss: zero-shot {attribution.zero_shot:.4g}, few-shot {attribution.few_shot:.4g}, Effect_D {relative}"
    if attribution.contrast is not None:
        unit = "nats by which a demonstration raises the log odds of the answer against the other"
        losses = f"log odds: zero-shot {-attribution.zero_shot:.4g}, few-shot {-attribution.few_shot:.4g}"
    return (
        f"score: {unit}; positive helps\n{losses}; "
        f"cost {attribution.scores.cost:.3g} forward passes, completeness gap {gap}, {seconds:.1f} s"
    )


def _probabilities(attribution: PromptAttribution) -> Table:
    table = Table("token", "zero-shot", "few-shot", "", title="probability of the answer's tokens")
    for column in table.columns[1:3]:
        column.justify = "right"
    other = () if attribution.contrast is None else attribution.contrast.tokens
    rows = [
        *((one, "answer") for one in attribution.target),
        *((one, "the other answer") for one in other),
        *((one, "instead of its first") for one in attribution.alternatives),
    ]
    for one, what in rows:
        table.add_row(plain(repr(one.token)), f"{one.zero_shot:.3g}", f"{one.few_shot:.3g}", what)
    return table


def _interactions(interactions: Interactions) -> Table:
    """The pairs with the strongest interactions."""
    pairs = interactions.pairs()[:MOST]
    form = decimal_format(float(np.max(np.abs(interactions.values), initial=0.0)))
    table = Table("pair", "interaction", "", title="what pairs do together beyond what both do apart")
    table.columns[1].justify = "right"
    for i, j in pairs:
        value = float(interactions.values[i, j])
        table.add_row(f"{i + 1} and {j + 1}", f"{value:+{form}}", _kind(value))
    return table


def _kind(interaction: float) -> str:
    if interaction == 0:
        return ""
    return "more together" if interaction > 0 else "each makes the other superfluous"


def _parts(attribution: PromptAttribution, by: Literal["layer", "head"]) -> RenderableType:
    if attribution.heads is None or attribution.layers is None:
        return Text(f"{attribution.scores.method} knows no parts by {by}")
    if by == "layer":
        parts, names = attribution.layers, [f"layer {k + 1}" for k in range(len(attribution.layers))]
    else:
        layers, heads, n = attribution.heads.shape
        parts = attribution.heads.reshape(-1, n)
        names = [f"layer {k + 1}, head {h + 1}" for k in range(layers) for h in range(heads)]
    largest = np.argsort(-np.abs(parts).sum(axis=1), kind="stable")[:MOST]
    columns = [f"{i + 1}" for i in range(parts.shape[1])]
    title = f"the {len(largest)} {by}s with the largest parts of the scores, by demonstration"
    table = Table(by, *columns, "all", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for k in largest.tolist():
        table.add_row(names[k], *(f"{x:+.3f}" for x in (*parts[k], parts[k].sum())))
    return table


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
