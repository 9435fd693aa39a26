"""Titles as people write them: without the markup and the scripts of the pages that they were taken from."""

import html
import re

__all__ = ["clean_title"]

BLOCKS = re.compile(r"<(script|style)\b[^>]*>.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
TAGS = re.compile(r"<(?:!--.*?-->|/?[a-zA-Z][^<>]*>)", re.DOTALL)
SCRIPT = re.compile(r"^\s*var \w+\s*=|\(new Date\(\)\)\.getTime\(\)")
"""How a text begins, or what it holds, that is the script of a page and no title."""

LONGEST = 4096
"""How many letters of a text are read; titles of people have a tenth of that."""


def clean_title(value: object) -> str:
    r"""A title in one line: entities decoded, tags dropped, parts of a list joined; empty where there is none.

    Args:
        value: a text, a list of texts, or something that is no title.

    Examples:
        >>> clean_title("Salt &amp; <b>Pepper</b>\n mill")
        'Salt & Pepper mill'
        >>> clean_title(["Atlas", "of Seas"])
        'Atlas, of Seas'
        >>> clean_title("var aPageStart = (new Date()).getTime();")
        ''
    """
    if isinstance(value, list):
        # a list within a list is no title, however deep it goes
        parts = (clean_title(part) for part in value if not isinstance(part, list))
        return ", ".join(title for title in parts if title)
    if not isinstance(value, str | int | float):
        return ""
    text = BLOCKS.sub(" ", html.unescape(str(value)[:LONGEST]))
    if SCRIPT.search(text):
        return ""
    # half of a surrogate pair is no letter
    return " ".join(TAGS.sub("", text).encode("utf-8", "ignore").decode().split())
