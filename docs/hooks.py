"""What mkdocs does besides: formulas become MathML, papers links, and generated pages find their place in the menu."""

import html
import re
import sys
from pathlib import Path

from mkdocs.exceptions import PluginError

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))

from arxiv import ArxivExtension  # noqa: E402
from mathml import BROKEN, MathMLExtension  # noqa: E402 (beside this file, which is on no path)

GENERATED = ("claims", "api", "notebooks")


def on_config(config):
    """Adds the extensions, and lists the generated pages where the navigation names their folder."""
    config.markdown_extensions += [MathMLExtension(), ArxivExtension()]
    config.nav = [_expanded(entry) for entry in config.nav]
    return config


def _expanded(entry):
    if not isinstance(entry, dict):
        return entry
    ((title, target),) = entry.items()
    folder = str(target).rstrip("/")
    if folder not in GENERATED:
        return entry
    pages = sorted((DOCS / folder).glob("*.md"), key=lambda page: (page.name != "index.md", page.name))
    if not pages:
        raise PluginError(f"docs/{folder} is empty: run `python docs/generate.py` first, as `make docs` does")
    return {title: [f"{folder}/{page.name}" for page in pages]}


def on_page_content(content, page, config, files):
    """Fails the build at a formula that did not become MathML, naming page and formula, and at a missing snippet."""
    broken = re.search(rf'<span class="{BROKEN}" title="([^"]*)">(.*?)</span>', content, re.DOTALL)
    if broken:
        why, latex = (html.unescape(part) for part in broken.groups())
        raise PluginError(f"{page.file.src_uri}: the formula {latex!r} cannot be converted: {why}")
    if re.search(r"--8\W*(<|&lt;)", re.sub(r"<[^>]*>", "", content)):
        raise PluginError(f"{page.file.src_uri}: a file that should be shown in the page was not included")
    text = re.sub(r"<(pre|code|math)\b.*?</\1>", "", content, flags=re.DOTALL)
    raw = re.search(r".{0,60}\$.{0,60}", re.sub(r"<[^>]*>", "", text))
    if raw:
        raise PluginError(f"{page.file.src_uri}: a dollar sign is left, so a formula was not seen: {raw[0]!r}")
    return content
