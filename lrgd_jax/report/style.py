"""How figures look, and how they are written to files.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; no meaning hangs on colour alone. No
figure opens a window or keeps a global state, so all of them work on a machine without a display.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

__all__ = [
    "BLUE",
    "CYCLE",
    "GREEN",
    "INK",
    "MARKERS",
    "ORANGE",
    "PURPLE",
    "SKY",
    "STYLE",
    "figure_png",
    "figure_style",
    "save_figure",
]

INK, BLUE, ORANGE, GREEN, PURPLE, SKY = "#222222", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY)
MARKERS = ("o", "s", "D", "^", "v")

STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "svg.hashsalt": "lrgd_jax",
}


PIXELS_AN_INCH, COLOURS = 80, 64
"""So that a dozen pictures are small enough for a page."""


@contextmanager
def figure_style() -> Iterator[None]:
    """Within this context matplotlib draws in the style of the package."""
    with mpl.rc_context(STYLE):
        yield


def save_figure(figure: Figure, path: str | os.PathLike[str], *, dpi: int = 110) -> Path:
    """Writes a figure to a file whose suffix names the format; the same figure always gives the same bytes.

    Args:
        figure: what to write.
        path: where; its folder must exist.
        dpi: pixels an inch, of formats that have pixels.

    Raises:
        FileNotFoundError: the folder is not there.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} is not a folder; make it, or name another place for {target.name}")
    # the date of writing, which svg and pdf would otherwise carry
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with figure_style():
        figure.savefig(target, dpi=dpi, bbox_inches="tight", metadata=dated.get(target.suffix))
    return target


def figure_png(figure: Figure) -> bytes:
    """A small PNG of few colours, for a page that holds it.

    Args:
        figure: what to draw.
    """
    drawn, target = io.BytesIO(), io.BytesIO()
    with figure_style():
        figure.savefig(drawn, format="png", dpi=PIXELS_AN_INCH)
    few = Image.open(drawn).convert("RGB").quantize(COLOURS)
    few.save(target, format="png", optimize=True)
    return target.getvalue()
