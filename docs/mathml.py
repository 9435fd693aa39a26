"""LaTeX to MathML while the site is built: formulas need no JavaScript, no network and no web font.

A Markdown extension: `$…$` within a line and `$$…$$` on lines of their own or within a paragraph. It works in pages
and in docstrings alike. What cannot be converted is left in a marked element, at which `check_site.py` fails.
"""

import html

from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

from lrgd_jax.report.mathml import FormulaError, to_mathml

BROKEN = "math-broken"
DISPLAY = r"\$\$(.+?)\$\$"
INLINE = r"(?<![\\$])\$(?=[^\s$])([^$]+?)(?<=[^\s\\])\$(?!\d)"


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
