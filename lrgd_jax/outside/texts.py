"""Texts from outside, as a terminal may show them."""

import re

__all__ = ["show_controls"]

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves the cursor, clears the screen or turns the direction of writing, and halves of surrogate pairs, which
cannot be written at all; not tab and newline."""
SHORTEST = 0xFF


def show_controls(text: str) -> str:
    r"""A text whose control characters are visible; tab and newline stay.

    Args:
        text: of whatever origin, such as the title of an item or the name of a file.

    Returns:
        The text with escapes, as Python writes them, in place of what would act on a terminal.

    Examples:
        >>> print(show_controls("atlas\x1b[2J"))
        atlas\x1b[2J
        >>> print(show_controls("atlas\u202eknuj"))
        atlas\u202eknuj
    """
    return CONTROLS.sub(_escape, text)


def _escape(letter: re.Match[str]) -> str:
    code = ord(letter[0])
    return f"\\x{code:02x}" if code <= SHORTEST else f"\\u{code:04x}"
