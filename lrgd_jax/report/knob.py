"""Pictures that are turned through: one for every setting of a knob, drawn beforehand.

Nothing runs behind it, neither a kernel nor a script, so the same output works in a notebook, on a page of the
documentation and in a file that was saved. The settings are radio buttons, through which the arrow keys go.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from lrgd_jax.report.html import STYLE, escape_text
from lrgd_jax.report.style import figure_png

__all__ = ["Knob"]


@dataclass(frozen=True)
class Knob:
    """A figure for every setting of one quantity; a notebook shows the one that is chosen.

    All figures should have the same size and the same limits, so that only what the knob changes moves.

    Attributes:
        label: the quantity.
        figures: by the text of its setting, in the order in which they are turned through.
        start: the setting that is shown first; the first one unless given.

    Raises:
        ValueError: there is no figure, or none of the first setting.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> knob = Knob("rate", {"0.1": Figure(), "0.2": Figure()}, start="0.2")
        >>> knob._repr_html_().count("<img")
        2
    """

    label: str
    figures: Mapping[str, Figure]
    start: str | None = None

    def __post_init__(self) -> None:
        if not self.figures:
            raise ValueError(f"a knob needs a figure for every setting of {self.label!r}, got none")
        if self.start is not None and self.start not in self.figures:
            settings = ", ".join(map(repr, self.figures))
            raise ValueError(f"start must be one of the settings {settings} of {self.label!r}, got {self.start!r}")

    def __repr__(self) -> str:
        return f"Knob({self.label}: {', '.join(self.figures)})"

    def _repr_png_(self) -> bytes:
        """The first picture alone, for what shows no HTML."""
        return figure_png(self.figures[self._first])

    @property
    def _first(self) -> str:
        return next(iter(self.figures)) if self.start is None else self.start

    def _repr_html_(self) -> str:
        pictures = [base64.b64encode(figure_png(figure)).decode() for figure in self.figures.values()]
        # the same pictures give the same names, and two knobs on a page do not turn each other
        name = "knob-" + hashlib.sha256("".join([self.label, *self.figures, *pictures]).encode()).hexdigest()[:10]
        buttons, frames = [], []
        rules = [
            f".{name} img {{ display:none; max-width:100%; background:#fff; border-radius:6px; }}",
            f".{name} fieldset {{ border:1px solid var(--line); border-radius:8px; margin:0; padding:.4rem .8rem; }}",
            f".{name} label {{ margin:0 .9rem 0 .2rem; font-variant-numeric:tabular-nums; }}",
        ]
        for k, (setting, picture) in enumerate(zip(self.figures, pictures, strict=True)):
            text, checked = escape_text(setting), " checked" if setting == self._first else ""
            buttons.append(
                f'<input type="radio" name="{name}" id="{name}-{k}"{checked}><label for="{name}-{k}">{text}</label>'
            )
            about = f"{escape_text(self.label)} {text}"
            frames.append(f'<img class="frame-{k}" alt="{about}" src="data:image/png;base64,{picture}">')
            rules.append(f"#{name}-{k}:checked ~ .frames .frame-{k} {{ display:block; }}")
        return (
            f'<div class="lrgd {name}"><style>{STYLE.strip()}{"".join(rules)}</style>'
            f"<fieldset><legend>{escape_text(self.label)}</legend>{''.join(buttons)}"
            f'<div class="frames">{"".join(frames)}</div></fieldset></div>'
        )
