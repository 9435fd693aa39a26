"""Fails at formulas that did not become MathML, tables that were not included, dead links, and what needs a network.

python docs/check_site.py [SITE]
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mathml import BROKEN

UNREAD = ("pre", "code", "math", "script", "style", "annotation")
"""What in these stands as it is meant."""
LOADED = {"img": "src", "script": "src", "source": "src", "iframe": "src", "link": "href"}
"""What a browser fetches by itself, and by which attribute."""


class Page(HTMLParser):
    """What one page links to and what can be linked to in it; its faults so far."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.faults = set(), [], []
        self.unread, self.broken = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Notes ids and links, and whether text that follows is to be read."""
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        target = given.get("href" if tag == "a" else LOADED.get(tag, ""))
        if target and tag != "a" and urlsplit(target).scheme in ("http", "https"):
            self.faults.append(f"a browser would fetch {target}")
        elif target:
            self.links.append(target)
        if tag in UNREAD:
            self.unread.append(tag)
        if given.get("class") == BROKEN:
            self.broken = True
            self.faults.append(f"a formula cannot be converted: {given.get('title')}")

    def handle_endtag(self, tag):
        """Text after it is read again."""
        if self.unread and self.unread[-1] == tag:
            self.unread.pop()

    def handle_data(self, data):
        """Finds what Markdown left as it was."""
        if self.unread:
            return
        if "--8<--" in data:
            self.faults.append("a file that should be shown in the page was not included")
        if "$" in data and not self.broken:
            self.faults.append(f"a dollar sign is left, so a formula was not seen: {data.strip()[:80]!r}")
        self.broken = False


def read(site):
    """The pages of a site by their paths."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def dead_links(site, pages):
    """(page, link) where a link of the site leads to no file, or to no place in one."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            root = site if parts.path.startswith("/") else path.parent
            target = (root / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                yield path, link


def main():
    """Prints every fault, and exits with 1 if there is one."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site").resolve()
    pages = read(site)
    faults = [(path, fault) for path, page in pages.items() for fault in page.faults]
    # the page for what is not found has the links of a site that stands at the root of a server
    faults += [
        (path, f"a link to nowhere: {link}") for path, link in dead_links(site, pages) if path.name != "404.html"
    ]
    for path, fault in faults:
        print(f"{path.relative_to(site)}: {fault}")
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links, {len(faults)} faults")
    sys.exit(bool(faults) or not pages)


if __name__ == "__main__":
    main()
