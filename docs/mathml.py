"""LaTeX to MathML while the site is built: formulas need no JavaScript, no network and no web font.

A Markdown extension: `$…$` within a line and `$$…$$` on lines of their own or within a paragraph. It works in pages
and in docstrings alike. What cannot be converted is left in a marked element, for which `hooks.py` fails the build.
"""

import html
import re
import unicodedata

from latex2mathml.converter import convert
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

BROKEN = "math-broken"
DISPLAY = r"\$\$(.+?)\$\$"
INLINE = r"(?<![\\$])\$(?=[^\s$])([^$]+?)(?<=[^\s\\])\$(?!\d)"
STYLES = {"double-struck": "DOUBLE-STRUCK", "script": "SCRIPT", "fraktur": "FRAKTUR", "bold": "MATHEMATICAL BOLD"}


class FormulaError(ValueError):
    """A formula that cannot be converted."""


def to_mathml(latex, display):
    """MathML that browsers of today draw without help; the LaTeX stays as its alternative text.

    Raises:
        FormulaError: the converter fails, or it leaves a command as it stands.
    """
    try:
        markup = convert(latex, display="block" if display else "inline")
    except Exception as error:
        raise FormulaError(f"{type(error).__name__} {error}".strip()) from error
    left = re.search(r"\\\w*", markup)
    if left:
        raise FormulaError(f"unknown command {left[0]}")
    markup = re.sub(r'<mi mathvariant="([a-z-]+)">(\w)</mi>', _letter, markup)
    # named spaces are gone from MathML Core
    markup = markup.replace('"negativethinmathspace"', '"-0.167em"')
    markup = markup.replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")
    # a bar between letters is a bracket here, not a relation, and one of a stated size must be told to stretch
    markup = re.sub(
        r"<mo([^>]*)>(\||&#x0007C;|&#x02016;|/|&#x0002F;)</mo>", r'<mo\1 lspace="0" rspace="0">\2</mo>', markup
    )
    markup = re.sub(r'<mo minsize="([^"]+)"', r'<mo stretchy="true" symmetric="true" minsize="\1"', markup)
    return markup.replace("<math ", f'<math alttext="{html.escape(latex.strip())}" ', 1)


def _letter(match):
    """A styled letter as a character of its own, since browsers ignore every `mathvariant` but "normal"."""
    style, letter = match.groups()
    if style not in STYLES:
        return match[0]
    kind = "CAPITAL" if letter.isupper() else "SMALL"
    for name in (f"{STYLES[style]} {kind} {letter}", f"MATHEMATICAL {STYLES[style]} {kind} {letter}"):
        try:
            return f"<mi>{unicodedata.lookup(name.upper())}</mi>"
        except KeyError:
            continue
    return match[0]


class _Formula(InlineProcessor):
    def __init__(self, pattern, md, display):
        super().__init__(pattern, md)
        self.display = display

    def handleMatch(self, m, data):  # noqa: N802 (Markdown's name)
        latex = m[1]
        try:
            markup = to_mathml(latex, self.display)
        except FormulaError as error:
            markup = f'<span class="{BROKEN}" title="{html.escape(str(error))}">{html.escape(latex)}</span>'
        return self.md.htmlStash.store(markup), m.start(0), m.end(0)


class MathMLExtension(Extension):
    """After code spans, before everything else that looks into a line."""

    def extendMarkdown(self, md):  # noqa: N802 (Markdown's name)
        md.inlinePatterns.register(_Formula(DISPLAY, md, True), "math-display", 188)
        md.inlinePatterns.register(_Formula(INLINE, md, False), "math", 187)
