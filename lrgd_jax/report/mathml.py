"""Formulas as MathML, and short texts of Markdown with formulas as HTML: no script, no network, no font from elsewhere.

Browsers draw MathML since Chrome 109, Firefox and Safari for longer.
"""

import html
import re
import unicodedata
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown_it import MarkdownIt

from lrgd_jax.report.html import escape_text

__all__ = ["FormulaError", "formula", "markdown_html", "to_mathml"]

STYLES = {"double-struck": "DOUBLE-STRUCK", "script": "SCRIPT", "fraktur": "FRAKTUR", "bold": "MATHEMATICAL BOLD"}

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
ELEMENTS = re.compile(
    "math|menclose|mfrac|mi|mmultiscripts|mn|mo|mover|mpadded|mphantom|mprescripts|mroot|mrow|mspace|msqrt|mstyle|msub|"
    "msubsup|msup|mtable|mtd|mtext|mtr|munder|munderover|none|semantics"
)
ATTRIBUTES = re.compile(
    "accent|accentunder|align|columnalign|columnlines|columnspacing|depth|dir|display|displaystyle|fence|form|height|"
    "largeop|linethickness|lspace|mathbackground|mathcolor|mathsize|mathvariant|maxsize|minsize|movablelimits|notation|"
    "rowlines|rowspacing|rspace|scriptlevel|separator|stretchy|symmetric|voffset|width"
)
"""What a formula may be made of: no link, no script, no style."""

LONGEST = 4000
"""Letters of a formula that is converted; a longer one is shown as it stands."""

# code first, in which a dollar is a dollar
PIECES = re.compile(
    r"(`+)(?:(?!\1).)+?\1|\$\$(?P<display>.+?)\$\$|(?<![\\$])\$(?P<inline>[^\s$](?:[^$]*[^\s\\$])?)\$(?!\d)",
    re.DOTALL,
)
MARK = "\ue000{}\ue001"
"""In the place of a formula while the text around it is read: letters of the private area, which no text keeps."""


class FormulaError(ValueError):
    """A formula that cannot be converted."""


def to_mathml(latex: str, display: bool) -> str:
    """MathML that browsers of today draw without help; the LaTeX stays as its alternative text.

    Args:
        latex: a formula without its dollars.
        display: whether it stands on a line of its own.

    Raises:
        FormulaError: the converter fails, or it leaves a command as it stands.

    Examples:
        >>> to_mathml("x^2", display=False).startswith('<math alttext="x^2"')
        True
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
    _check(markup)
    return markup.replace("<math ", f'<math alttext="{html.escape(latex.strip())}" ', 1)


def _check(markup: str) -> None:
    """Raises FormulaError for what is more than MathML: the converter copies the text of a formula as it stands."""
    try:
        elements = list(ElementTree.fromstring(markup).iter())
    except ElementTree.ParseError as error:
        raise FormulaError(f"no well-formed MathML: {error}") from None
    for element in elements:
        name = element.tag.removeprefix(NAMESPACE)
        more = [key for key in element.attrib if not ATTRIBUTES.fullmatch(key)]
        if more or not ELEMENTS.fullmatch(name):
            raise FormulaError(f"<{name}> with {more} is no MathML that a formula needs")


def _letter(match: re.Match[str]) -> str:
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


def formula(latex: str, display: bool = False) -> str:
    r"""A formula of anybody's: as MathML, or as code where it cannot be converted.

    Args:
        latex: without its dollars.
        display: whether it stands on a line of its own.

    Examples:
        >>> formula(r"\no\such")
        '<code>\\no\\such</code>'
    """
    if len(latex) > LONGEST:
        return f"<code>{escape_text(latex)}</code>"
    try:
        return to_mathml(latex, display)
    except FormulaError:
        return f"<code>{escape_text(latex)}</code>"


def markdown_html(text: str) -> str:
    r"""A text of Markdown with LaTeX as HTML; tags, links and pictures in it stay text.

    Args:
        text: of anybody's.

    Examples:
        >>> markdown_html("*two* <b>lines</b>")
        '<p><em>two</em> &lt;b&gt;lines&lt;/b&gt;</p>\n'
    """
    formulas: list[str] = []

    def keep(piece: re.Match[str]) -> str:
        latex = piece["display"] or piece["inline"]
        if latex is None:
            return piece[0]
        formulas.append(formula(latex, display=piece["display"] is not None))
        return MARK.format(len(formulas) - 1)

    plain = "".join(c if c in "\n\t" or c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    reader = MarkdownIt("commonmark", {"html": False}).disable(["link", "image", "autolink", "reference"])
    written = reader.render(PIECES.sub(keep, plain))
    return re.sub("\ue000(\\d+)\ue001", lambda mark: formulas[int(mark[1])], written)
