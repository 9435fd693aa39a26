"""An explanation as HTML: the prompt coloured by effect, ranking, probabilities, parts by layer and head, and cost."""

from typing import Literal

import numpy as np

from lrgd_jax.effect.prompt_attribution import PromptAttribution, TokenProbability
from lrgd_jax.report.html import STYLE, bar, decimal_format, escape_text, format_signed, heat_map, shade, table

__all__ = ["explanation_html"]

WIDEST = 760
"""Pixels of a row of layers."""

FULL = "ramp full"
"""The colours of a map, on which no text stands."""


def explanation_html(model: str, attribution: PromptAttribution, by: Literal["layer", "head"]) -> str:
    """The explanation as a piece of HTML, which brings its own style.

    Args:
        model: its name.
        attribution: what there is to show.
        by: "head" adds a map of layers and heads for each demonstration.
    """
    sections = [
        _heading(model, attribution),
        _prompt(attribution),
        _ranking(attribution),
        _interactions(attribution),
        _probabilities(attribution),
        _layers(attribution),
        _heads(attribution) if by == "head" else "",
        _reading(attribution),
    ]
    return f'<div class="lrgd"><style>{STYLE}</style>{"".join(sections)}</div>'


def _percent(share: float | None) -> str:
    """A share with its sign; a dash where there is none."""
    return "–" if share is None or not np.isfinite(share) else format_signed(share, ".0%")


def _show_blanks(token: str) -> str:
    """A token's text with its blanks made visible."""
    return token.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥")


def _heading(model: str, attribution: PromptAttribution) -> str:
    gap = "–" if attribution.gap is None else f"{attribution.gap:.1%}"
    relative = "–" if attribution.relative is None else format_signed(attribution.relative, ".3f")
    losses = {
        "Effect<sub>D</sub>": relative,
        "zero-shot loss": f"{attribution.zero_shot:.3g}",
        "few-shot loss": f"{attribution.few_shot:.3g}",
    }
    if attribution.contrast is not None:
        losses = {
            "zero-shot log odds": format_signed(-attribution.zero_shot, ".3g"),
            "few-shot log odds": format_signed(-attribution.few_shot, ".3g"),
        }
    tiles = {
        **losses,
        "completeness gap": gap,
        "forward passes": f"{attribution.scores.cost:.3g}",
        **({"seconds": f"{sum(attribution.seconds.values()):.1f}"} if attribution.seconds else {}),
    }
    made = "".join(f'<div class="tile"><b>{value}</b><span>{name}</span></div>' for name, value in tiles.items())
    counts = f"{len(attribution.prompt.demonstrations)} demonstrations, {len(attribution.prompt.tokens)} tokens"
    about = f"{escape_text(model)} · {escape_text(attribution.scores.method)} · {counts}"
    notes = "".join(f"<p>Note: {escape_text(note)}</p>" for note in attribution.notes)
    return (
        f'<h1>What each demonstration is worth</h1><p class="muted">{about}</p><p>{_verdict(attribution)}</p>{notes}'
        f'<div class="tiles">{made}</div>'
    )


def _verdict(attribution: PromptAttribution) -> str:
    """The whole effect and the largest part of it, in a sentence or two."""
    best, worst = int(attribution.ranking[0]), int(attribution.ranking[-1])
    values = attribution.scores.values
    whose = "the model's own answer" if attribution.own else "the target"
    if attribution.contrast is not None:
        answers = (escape_text(repr(text)) for text in (attribution.prompt.answer, attribution.contrast.answer))
        odds = (format_signed(-loss, ".3g") for loss in (attribution.zero_shot, attribution.few_shot))
        return (
            f"Together the demonstrations {'raise' if attribution.whole > 0 else 'lower'} the log odds of "
            f"{' against '.join(answers)} from {' to '.join(odds)} nats."
        )
    text = (
        f"Together the demonstrations {'lower' if attribution.whole > 0 else 'raise'} the loss of {whose} from "
        f"{attribution.zero_shot:.3g} to {attribution.few_shot:.3g} nats a token. "
    )
    if not attribution.in_nats:
        return f"{text}Demonstration {best + 1} has the largest score ({format_signed(float(values[best]))})."
    if values[best] > 0:
        text += f"Demonstration {best + 1} helps most ({format_signed(float(values[best]))})"
        return text + (
            f", demonstration {worst + 1} harms ({format_signed(float(values[worst]))})." if values[worst] < 0 else "."
        )
    return (
        f"{text}No demonstration helps; demonstration {worst + 1} harms most ({format_signed(float(values[worst]))})."
    )


def _legend(attribution: PromptAttribution, largest: float, kind: str = "ramp") -> str:
    return (
        f'<div class="legend"><span>harms, −{largest:.3g}</span><span class="{kind}"></span>'
        f"<span>+{largest:.3g}, helps ({attribution.unit})</span></div>"
    )


def _prompt(attribution: PromptAttribution) -> str:
    values = attribution.scores.values
    largest = float(np.max(np.abs(values), initial=0.0))
    form = decimal_format(largest)
    pieces = [_legend(attribution, largest)]
    for i, text in enumerate(attribution.prompt.demonstrations):
        kind, strength = shade(float(values[i]), largest)
        share = None if attribution.shares is None else float(attribution.shares[i])
        worth = f"{format_signed(float(values[i]), form)}<br><span class=muted>{_percent(share)} of the whole</span>"
        pieces.append(_piece(str(i + 1), text, f"rgba(var(--{kind}),{strength})", worth))
    asked = f"{escape_text(attribution.prompt.query)}<mark>{escape_text(attribution.prompt.answer or '')}</mark>"
    label = "the model's own answer" if attribution.own else "the target"
    pieces.append(
        f'<div class="piece query"><div class="n">?</div><div class="text">{asked}</div>'
        f'<div class="worth muted">query, {label} underlined</div></div>'
    )
    return f"<h2>The prompt, coloured by effect</h2>{''.join(pieces)}"


def _piece(name: str, text: str, background: str, worth: str) -> str:
    visible = escape_text(text.rstrip("\n"))
    return (
        f'<div class="piece"><div class="n">{name}</div>'
        f'<div class="text" style="background:{background}">{visible}</div><div class="worth">{worth}</div></div>'
    )


def _ranking(attribution: PromptAttribution) -> str:
    scores, shares = attribution.scores, attribution.shares
    interval = scores.interval
    ends = [scores.values] if interval is None else [scores.values, interval.lower, interval.upper]
    largest = max(float(np.max(np.abs(x), initial=0.0)) for x in ends)
    form = decimal_format(largest)
    head = ["", "demonstration", "score", "share", "", "text"]
    if interval is not None:
        head.insert(4, f"{interval.level:.0%} interval")
    rows = []
    for rank, i in enumerate(attribution.ranking.tolist(), 1):
        pair = None if interval is None else (float(interval.lower[i]), float(interval.upper[i]))
        cells = [
            str(rank),
            str(i + 1),
            format_signed(float(scores.values[i]), form),
            _percent(None if shares is None else float(shares[i])),
        ]
        if pair is not None:
            cells.append(f"{format_signed(pair[0], form)} to {format_signed(pair[1], form)}")
        words = " ".join(attribution.prompt.demonstrations[i].split())
        cut = words if len(words) <= 60 else words[:59] + "…"
        rows.append([*cells, bar(float(scores.values[i]), largest, pair), escape_text(cut)])
    return f'<h2>Ranking</h2><div class="wide">{table(head, rows, words=[len(head) - 1])}</div>'


def _interactions(attribution: PromptAttribution) -> str:
    """A map of all pairs, where they were asked for."""
    if attribution.interactions is None:
        return ""
    values = attribution.interactions.values
    names = [f"demonstration {i + 1}" for i in range(len(values))]
    columns = [str(i + 1) for i in range(len(values))]
    drawn = heat_map(values, names, columns, label="Interaction of each pair of demonstrations", cell=(34, 22))
    text = (
        "What a pair does together beyond what both do apart (Shapley interaction index). Negative: each makes the "
        "other superfluous, as copies do."
    )
    legend = _legend(attribution, float(np.max(np.abs(values), initial=0.0)), FULL)
    return f'<h2>Pairs</h2><p class="muted">{text}</p>{legend}<div class="wide">{drawn}</div>'


def _probabilities(attribution: PromptAttribution) -> str:
    key = (
        '<p class="muted">Probability of each token of the answer after those before it:'
        '<span class="key" style="background:rgb(var(--grey))"></span>zero-shot'
        '<span class="key" style="background:rgb(var(--helps))"></span>few-shot</p>'
    )
    rows = [_token_row(one) for one in attribution.target]
    others = [_token_row(one) for one in attribution.alternatives]
    if attribution.contrast is not None:
        rows += [["<i>the other answer</i>", "", "", ""], *map(_token_row, attribution.contrast.tokens)]
    instead = [["<i>instead of its first</i>", "", "", ""]] if others else []
    made = table(["token", "zero-shot", "few-shot", ""], [*rows, *instead, *others], words=[0])
    return f'<h2>Zero-shot against few-shot</h2>{key}<div class="wide">{made}</div>'


def _token_row(one: TokenProbability) -> list[str]:
    width = 240
    lengths = [round(width * min(max(p, 0.0), 1.0), 1) for p in (one.zero_shot, one.few_shot)]
    bars = (
        f'<svg width="{width}" height="18" viewBox="0 0 {width} 18" aria-hidden="true">'
        f'<rect class="grey" x="0" y="2" width="{lengths[0]}" height="6"/>'
        f'<rect class="helps" x="0" y="10" width="{lengths[1]}" height="6"/><path class="axis" d="M0.5 0V18"/></svg>'
    )
    return [escape_text(_show_blanks(one.token)), f"{one.zero_shot:.3g}", f"{one.few_shot:.3g}", bars]


def _layers(attribution: PromptAttribution) -> str:
    parts = attribution.layers
    if parts is None:
        return (
            "<h2>By layer</h2><p>This method takes the loss apart by demonstration only; for parts by layer and head "
            "choose one that follows a path.</p>"
        )
    rows = [f"demonstration {i + 1}" for i in range(parts.shape[1])]
    columns = [f"layer {k + 1}" for k in range(parts.shape[0])]
    width = max(8, min(34, WIDEST // len(columns)))
    label = "Effect of each demonstration by layer"
    drawn = heat_map(parts.T, rows, columns, label=label, cell=(width, 22), every=1 if width > 14 else 5)
    largest = float(np.max(np.abs(parts), initial=0.0))
    text = "Where in the model the effect arises. The cells of a row add up to the demonstration's score."
    legend = _legend(attribution, largest, FULL)
    return f'<h2>By layer</h2><p class="muted">{text}</p>{legend}<div class="wide">{drawn}</div>'


def _heads(attribution: PromptAttribution) -> str:
    parts = attribution.heads
    if parts is None:
        return ""
    largest = float(np.max(np.abs(parts), initial=0.0))
    layers, heads = parts.shape[:2]
    rows, columns = [f"head {h + 1}" for h in range(heads)], [f"layer {k + 1}" for k in range(layers)]
    figures, form = [], decimal_format(float(np.max(np.abs(attribution.scores.values), initial=0.0)))
    for i in attribution.ranking.tolist():
        label = f"Effect of demonstration {i + 1} by layer and head"
        drawn = heat_map(
            parts[:, :, i].T, rows, columns, label=label, largest=largest, cell=(10, 10), every=5 if layers > 9 else 1
        )
        caption = f"demonstration {i + 1}, {format_signed(float(attribution.scores.values[i]), form)}"
        figures.append(f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>")
    text = "One map a demonstration, layers from left to right; all maps have the same colours."
    legend = _legend(attribution, largest, FULL)
    return f'<h2>By head</h2><p class="muted">{text}</p>{legend}<div class="many">{"".join(figures)}</div>'


def _reading(attribution: PromptAttribution) -> str:
    gap = attribution.gap
    missing = "" if gap is None or not np.isfinite(gap) else f" Here they miss it by {gap:.2%}."
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in attribution.seconds.items())
    odds = (
        "<b>Log odds</b> are the difference of the logarithms of both answers' probabilities, each summed over the "
        "answer's tokens and not averaged: what is scored here is their rise, in nats."
    )
    lines = [
        *([] if attribution.contrast is None else [odds]),
        "<b>Sign.</b> Positive helps: the demonstration lowers the loss of the answer, its mean negative log "
        "likelihood in nats a token. Negative harms.",
        "<b>Zero-shot</b> is the same prompt with every demonstration's learning rate at zero in every layer: nothing "
        "sees the demonstrations, and all else keeps its position. <b>Effect<sub>D</sub></b> is the fall of the loss "
        "from zero-shot to few-shot over the zero-shot loss.",
        "<b>Share</b> is the score over the size of the whole fall. <b>Completeness gap</b> is how far the scores' sum "
        f"is from the whole fall, relative to it.{missing} Leave-one-out and gradients need not add up to it.",
        f"<b>Cost.</b> The method took {attribution.scores.cost:.3g} forward passes of this prompt, counted in "
        f"multiplications{'; ' + escape_text(stages) if stages else ''}.",
        "What is scored is what the model does with the demonstrations, not whether they are true.",
    ]
    return f"<h2>How to read this</h2>{''.join(f'<p class=muted>{line}</p>' for line in lines)}"
