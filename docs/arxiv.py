"""Numbers of papers on arXiv become links while the site is built, in pages and in docstrings alike."""

import re
from xml.etree.ElementTree import Element

from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

PAPER = r"\barXiv[ :]\s*(\d{4}\.\d{4,5})(?:v\d+)?"


class _Paper(InlineProcessor):
    # within a link there is one already
    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m, data):  # noqa: N802 (Markdown's name)
        link = Element("a", {"href": f"https://arxiv.org/abs/{m[1]}"})
        link.text = re.sub(r"\s+", " ", m[0])
        return link, m.start(0), m.end(0)


class ArxivExtension(Extension):
    """After code spans and links, which stay as they are."""

    def extendMarkdown(self, md):  # noqa: N802 (Markdown's name)
        md.inlinePatterns.register(_Paper(PAPER, md), "arxiv", 115)
