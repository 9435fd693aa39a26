"""Small parts of HTML, of which the displays of objects are made; what is called a text is escaped, HTML is not."""

from collections.abc import Iterable, Mapping

import numpy as np

from lrgd_jax.report.html import STYLE, escape_text, heat_map

__all__ = ["badge", "code", "cut", "definitions", "folded", "grid", "number_map", "piece", "tiles"]

MARKS = {True: ("yes", "✓"), False: ("no", "✗"), None: ("open", "?")}
"""The class and the sign of a badge, which does not speak by its colour alone."""

LONGEST = 300
"""Letters of a text that stands in a cell."""

MOST_CELLS = 24
"""Rows or columns of an array that is drawn."""


def piece(body: str) -> str:
    """A part of a page that brings its own style.

    Args:
        body: HTML.
    """
    return f'<div class="lrgd"><style>{STYLE}</style>{body}</div>'


def badge(text: str, holds: bool | None) -> str:
    """A word that says how something ended.

    Args:
        text: any; it is escaped.
        holds: None where neither is known.

    Examples:
        >>> badge("holds", True)
        '<span class="badge yes">✓ holds</span>'
    """
    kind, sign = MARKS[holds]
    return f'<span class="badge {kind}">{sign} {escape_text(text)}</span>'


def cut(text: str) -> str:
    """A text that fits into a cell, escaped; what is left out is marked.

    Args:
        text: any.
    """
    return escape_text(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def code(text: str) -> str:
    """A name or numbers in letters of one width; escaped, and cut where long.

    Args:
        text: any.
    """
    return f"<code>{cut(text)}</code>"


def definitions(rows: Mapping[str, str]) -> str:
    """A table of two columns: what it is, and what it is here.

    Args:
        rows: HTML by HTML; no table where there is none.
    """
    made = "".join(f"<tr><th scope=row>{name}</th><td class=said>{said}</td></tr>" for name, said in rows.items())
    return f'<div class="wide"><table class="lrgd-table facts">{made}</table></div>' if made else ""


def folded(title: str, body: str) -> str:
    """A part that is opened by its title.

    Args:
        title: text.
        body: HTML.
    """
    return f"<details><summary>{escape_text(title)}</summary>{body}</details>"


def grid(rows: Iterable[Iterable[str]]) -> str:
    """A matrix of texts, which are escaped.

    Args:
        rows: of the matrix.
    """
    made = "".join(f"<tr>{''.join(f'<td>{cut(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table class="lrgd-table matrix">{made}</table></div>'


def tiles(numbers: Mapping[str, str]) -> str:
    """Numbers beside each other, each with its name.

    Args:
        numbers: text by text.
    """
    made = [f"<b>{cut(said)}</b><span>{escape_text(name)}</span>" for name, said in numbers.items()]
    return f'<div class="tiles">{"".join(f"<div class=tile>{one}</div>" for one in made)}</div>'


def number_map(name: str, values: np.ndarray) -> str:
    """A small picture of a vector or a matrix with its name; nothing where it is too large, or not finite.

    Args:
        name: of the array.
        values: of any shape.
    """
    rows = np.atleast_2d(values)
    if rows.ndim != 2 or not 0 < max(rows.shape) <= MOST_CELLS or not rows.size or not np.isfinite(rows).all():
        return ""
    down, across = ([str(i) for i in range(size)] for size in rows.shape)
    drawn = heat_map(np.asarray(rows, np.float64), down, across, label=f"Numbers of {name}", cell=(14, 14), every=5)
    return f"<figure>{drawn}<figcaption>{escape_text(name)}</figcaption></figure>"
