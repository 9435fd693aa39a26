"""Texts of people on a terminal: shown letter by letter, never acting as markup, colour or movement of the cursor."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from lrgd_jax.outside.texts import show_controls

__all__ = ["CAPTION", "TITLE", "PlainConsole", "plain"]

TITLE = "table.title"
"""The style that rich gives the title of a table."""
CAPTION = "table.caption"


def plain(text: str, style: str = "") -> Text:
    """A text for a cell, a title or a line: no markup, no codes of emoji, control characters visible.

    Args:
        text: of whatever origin.
        style: of all of it, such as `TITLE`.

    Examples:
        >>> plain("[red]atlas[/red] :cat:").plain
        '[red]atlas[/red] :cat:'
    """
    return Text(show_controls(text), style)


class PlainConsole(Console):
    """A console that sends no control character but its own, whatever is printed."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of something, whose control characters are visible."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=show_controls(segment.text))
