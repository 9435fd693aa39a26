"""HTML that stands alone, without script, font or address, in colours for light and dark.

Blue helps and orange harms: of Okabe and Ito's palette, which colour-blind readers can tell apart. No number stands as
colour alone.
"""

import html
import math
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

__all__ = ["STYLE", "bar", "decimal_format", "escape_text", "format_signed", "heat_map", "page", "shade", "table"]

STRONGEST = 0.62
"""Opacity of the largest effect, such that text on it can still be read."""

FAINTEST = 0.02
"""Opacity below which a cell is left out."""

STYLE = """
.lrgd { --ink:#1b1f24; --muted:#56606b; --paper:#ffffff; --panel:#f4f6f8; --line:#d9dee4; --helps:0,114,178;
  --harms:213,94,0; --grey:139,148,158; --holds:#00674b; --falls:#a83f00; color:var(--ink); background:var(--paper);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
  padding:1.2rem 1.4rem; max-width:66rem; margin:0 auto;
  text-align:left; overflow-wrap:anywhere; }
@media (prefers-color-scheme: dark) { .lrgd { --ink:#e8ebef; --muted:#a3adb8; --paper:#14171b; --panel:#1e2329;
  --line:#343b44; --helps:86,180,233; --harms:255,140,60; --grey:125,135,146; --holds:#4fd1a5; --falls:#ff9d5c; } }
.lrgd * { box-sizing:border-box; }
.lrgd h1 { font-size:1.5rem; line-height:1.2; margin:0 0 .2rem; color:inherit; }
.lrgd h2 { font-size:1.08rem; margin:1.9rem 0 .5rem; color:inherit; }
.lrgd p { margin:.35rem 0 .6rem; max-width:50rem; }
.lrgd .muted { color:var(--muted); font-size:.88rem; }
.lrgd .tiles { display:flex; flex-wrap:wrap; gap:.6rem; margin:.9rem 0 0; padding:0; }
.lrgd .tile { background:var(--panel); border:1px solid var(--line); border-radius:8px; padding:.5rem .8rem;
  min-width:7.5rem; }
.lrgd .tile b { display:block; font-size:1.2rem; font-variant-numeric:tabular-nums; }
.lrgd .tile span { color:var(--muted); font-size:.8rem; }
.lrgd .piece { display:grid; grid-template-columns:2.4rem 1fr 9.5rem; gap:.7rem; align-items:start; margin:.3rem 0; }
.lrgd .piece > .n { color:var(--muted); text-align:right; padding-top:.3rem; }
.lrgd .piece > .text { white-space:pre-wrap; font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
  font-size:.85rem; padding:.35rem .6rem; border-radius:6px; border:1px solid var(--line); }
.lrgd .piece > .worth { font-variant-numeric:tabular-nums; padding-top:.3rem; font-size:.88rem; }
.lrgd .query > .text { border-style:dashed; }
.lrgd mark { background:none; color:inherit; font-weight:700; border-bottom:3px double currentColor; }
.lrgd table { border-collapse:collapse; font-size:.9rem; margin:.4rem 0; display:table; width:auto; }
.lrgd th, .lrgd td { padding:.22rem .7rem .22rem 0; text-align:right; font-variant-numeric:tabular-nums; border:0;
  border-bottom:1px solid var(--line); background:none; color:inherit; vertical-align:middle; }
.lrgd th { color:var(--muted); font-weight:600; font-size:.82rem; }
.lrgd .words { text-align:left; white-space:pre-wrap; font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
  font-size:.82rem; max-width:24rem; }
.lrgd svg { display:block; max-width:100%; height:auto; }
.lrgd svg text { fill:var(--muted); font-size:10px; font-family:inherit; }
.lrgd .helps { fill:rgb(var(--helps)); } .lrgd .harms { fill:rgb(var(--harms)); } .lrgd .grey { fill:rgb(var(--grey)); }
.lrgd .axis { stroke:var(--muted); stroke-width:1; } .lrgd .frame { fill:none; stroke:var(--line); }
.lrgd .whisker { stroke:var(--ink); stroke-width:1.4; }
.lrgd .legend { display:flex; align-items:center; gap:.6rem; font-size:.82rem; color:var(--muted);
  margin:.2rem 0 .7rem; }
.lrgd .ramp { width:11rem; height:.8rem; border-radius:3px; border:1px solid var(--line);
  background:linear-gradient(to right, rgba(var(--harms),STRONGEST), transparent, rgba(var(--helps),STRONGEST)); }
.lrgd .ramp.full { background:linear-gradient(to right, rgb(var(--harms)), transparent, rgb(var(--helps))); }
.lrgd .wide { overflow-x:auto; } .lrgd .many { display:flex; flex-wrap:wrap; gap:1.1rem; }
.lrgd figure { margin:0; } .lrgd figcaption { color:var(--muted); font-size:.82rem; max-width:16rem; }
.lrgd .key { display:inline-block; width:.8rem; height:.8rem; border-radius:2px; margin:0 .3rem 0 .7rem; }
.lrgd h3 { font-size:.95rem; margin:1.1rem 0 .3rem; color:inherit; }
.lrgd code { font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; font-size:.88em; background:none;
  color:inherit; padding:0; }
.lrgd pre { overflow-x:auto; background:var(--panel); border-radius:6px; padding:.5rem .8rem; }
.lrgd .badge { display:inline-block; border:1px solid currentColor; border-radius:1rem; padding:0 .55rem;
  font-size:.8rem; font-weight:600; white-space:nowrap; }
.lrgd .yes { color:var(--holds); } .lrgd .no { color:var(--falls); } .lrgd .open { color:var(--muted); }
.lrgd .facts th { text-align:left; vertical-align:top; padding-right:1.2rem; white-space:nowrap; }
.lrgd .said, .lrgd td.text { text-align:left; }
.lrgd .matrix { margin:0; } .lrgd .matrix td { padding:.1rem .6rem .1rem 0; border:0; }
.lrgd details { margin:.5rem 0; } .lrgd summary { cursor:pointer; font-weight:600; font-size:.92rem; }
.lrgd details > :not(summary) { margin-left:1rem; } .lrgd li > p { margin:.15rem 0; }
.lrgd .picture { max-width:100%; height:auto; background:#fff; border-radius:6px; margin:.6rem 0; }
.lrgd .prose { font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif; }
.lrgd h4 { font-size:.88rem; margin:.8rem 0 .2rem; } .lrgd h3 > p { margin:0; } .lrgd a { color:inherit; }
.lrgd math { font-size:1.05em; } .lrgd math[display="block"] { overflow-x:auto; overflow-y:hidden; max-width:100%; }
.lrgd .wide th, .lrgd .wide td { overflow-wrap:normal; } .lrgd .wide .words, .lrgd .wide .said {
  overflow-wrap:anywhere; min-width:9rem; }
@media (max-width: 40rem) { .lrgd .facts th { white-space:normal; padding-right:.7rem; } }
@media (max-width: 40rem) { .lrgd .piece { grid-template-columns:1.4rem 1fr; } .lrgd .worth { grid-column:2; } }
@media print { .lrgd { print-color-adjust:exact; -webkit-print-color-adjust:exact; } }
""".replace("STRONGEST", str(STRONGEST))


def escape_text(text: str) -> str:
    r"""Text as text: nothing in it is read as HTML, and control characters are made visible.

    Args:
        text: of anybody's; a newline and a tab stay as they are.

    Examples:
        >>> escape_text("a < b\x00")
        'a &lt; b\\u0000'
    """
    seen = "".join(c if c in "\n\t" or c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return html.escape(seen)


def format_signed(number: float, form: str = ".3g") -> str:
    """A number with its sign, a minus that is as wide as a plus.

    Args:
        number: any.
        form: how it is written, as `format` takes it.

    Examples:
        >>> format_signed(0.25), format_signed(-0.25, ".0%")
        ('+0.25', '−25%')
    """
    return f"{number:+{form}}".replace("-", "\u2212", 1) if number < 0 else f"{number:+{form}}"


def decimal_format(largest: float) -> str:
    """A format for numbers up to this size that gives all of them the same decimals, four digits to the largest.

    Args:
        largest: size of the largest number; not negative.

    Examples:
        >>> decimal_format(0.9), decimal_format(40.0)
        ('.4f', '.2f')
    """
    return f".{max(0, 3 - math.floor(math.log10(largest)))}f" if largest > 0 else ".3f"


def page(title: str, body: str, *, pictures: bool = False) -> str:
    """A whole page; its policy forbids scripts and whatever would have to be fetched.

    Args:
        title: text.
        body: HTML.
        pictures: whether it holds pictures, as data.
    """
    images = " img-src data:;" if pictures else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none';{images} style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape_text(title)}</title>\n"
        "<style>body { margin:0; background:#fff; } "
        "@media (prefers-color-scheme: dark) { body { background:#14171b; } }</style>\n"
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def shade(value: float, largest: float) -> tuple[str, float]:
    """Which of the two colours a number has, and how strong it is.

    Args:
        value: positive helps.
        largest: the size of the strongest colour.
    """
    strength = min(abs(value) / largest, 1.0) if largest > 0 else 0.0
    return ("helps" if value >= 0 else "harms"), round(STRONGEST * strength, 3)


def bar(
    value: float, largest: float, interval: tuple[float, float] | None = None, *, width: int = 220, height: int = 16
) -> str:
    """A bar from zero in the middle to a number, with its interval as a whisker.

    Args:
        value: to the right where it helps, to the left where it harms.
        largest: at the edge.
        interval: lower and upper end.
        width: pixels.
        height: pixels.
    """
    middle = width / 2

    def place(x: float) -> float:
        return round(middle + (middle - 2) * max(-1.0, min(1.0, x / largest if largest > 0 else 0.0)), 1)

    start, end = sorted((middle, place(value)))
    drawn = f'<rect class="{shade(value, 1)[0]}" x="{start}" y="3" width="{end - start:.1f}" height="{height - 6}"/>'
    if interval is not None:
        low, high = map(place, interval)
        drawn += f'<path class="whisker" d="M{low} {height / 2}H{high}M{low} 4V{height - 4}M{high} 4V{height - 4}"/>'
    axis = f'<path class="axis" d="M{middle} 0V{height}"/>'
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" aria-hidden="true">{drawn}{axis}</svg>'
    )


def heat_map(
    values: Float[np.ndarray, "rows columns"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str,
    largest: float | None = None,
    cell: tuple[int, int] = (22, 20),
    every: int = 1,
) -> str:
    """A map of two-sided colours; every visible cell tells its number where the pointer rests.

    Args:
        values: positive helps.
        rows: names of the rows.
        columns: names of the columns.
        label: what it shows, for those who do not see it.
        largest: the size of the strongest colour; the largest value unless given.
        cell: width and height, pixels.
        every: which columns bear their name.
    """
    largest = float(np.max(np.abs(values), initial=0.0)) if largest is None else largest
    w, h = cell
    left, top = 8 + 6 * max(map(len, rows), default=0), 14
    width, height = left + w * len(columns) + 2, top + h * len(rows) + 2
    drawn = []
    for i, row in enumerate(rows):
        drawn.append(
            f'<text x="{left - 5}" y="{top + h * i + h / 2 + 3.5:.1f}" text-anchor="end">{escape_text(row)}</text>'
        )
        for j, column in enumerate(columns):
            kind, strength = shade(float(values[i, j]), largest)
            if strength >= FAINTEST:
                # on a map, without text upon it, the whole range of opacity is free
                place = f'x="{left + w * j}" y="{top + h * i}" width="{w}" height="{h}"'
                told = f"<title>{escape_text(row)}, {escape_text(column)}: {format_signed(float(values[i, j]))}</title>"
                opacity = f"{strength / STRONGEST:.2f}"
                drawn.append(f'<rect class="{kind}" fill-opacity="{opacity}" {place}>{told}</rect>')
    for j in range(0, len(columns), every):
        name = columns[j].split()[-1]
        drawn.append(f'<text x="{left + w * (j + 0.5):.1f}" y="10" text-anchor="middle">{escape_text(name)}</text>')
    frame = f'<rect class="frame" x="{left}" y="{top}" width="{w * len(columns)}" height="{h * len(rows)}"/>'
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg {size} role="img" aria-label="{escape_text(label)}">{"".join(drawn)}{frame}</svg>'


def table(head: Iterable[str], rows: Iterable[Iterable[str]], words: Iterable[int] = ()) -> str:
    """A table of cells that are HTML already.

    Args:
        head: a cell a column.
        rows: likewise.
        words: the columns that are text, by their place; the others are numbers.

    Examples:
        >>> table(["a"], [["1"]])
        '<table class=lrgd-table><tr><th>a</th></tr><tr><td>1</td></tr></table>'
    """
    textual = set(words)

    def line(cells: Iterable[str], kind: str) -> str:
        styled = (f"<{kind}{' class=words' if k in textual else ''}>{cell}</{kind}>" for k, cell in enumerate(cells))
        return f"<tr>{''.join(styled)}</tr>"

    return f"<table class=lrgd-table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"
