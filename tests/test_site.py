"""The check of the built site: it finds each fault that it is there for, and passes a page without one."""

import importlib
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
FAULTS = {
    '<a href="nowhere.html">a</a>': "a link to nowhere: nowhere.html",
    '<a href="other.html#there">a</a>': "a link to nowhere: other.html#there",
    '<img src="https://example.org/a.png">': "a browser would fetch https://example.org/a.png",
    '<span class="math-broken" title="unknown command \\x">\\x</span>': "a formula cannot be converted",
    "<p>The price $x of it</p>": "a dollar sign is left",
    "<p>--8&lt;-- results</p>": "a file that should be shown",
}
RIGHT = (
    '<h1 id="here">a</h1><a href="#here">b</a><a href="other.html#place">c</a><code>$x</code><pre>--8&lt;--</pre>'
    '<a href="https://arxiv.org/abs/2504.04386">d</a><math><mi>x</mi><annotation>$</annotation></math>'
)


@pytest.fixture
def check(monkeypatch):
    pytest.importorskip("markdown", reason="needs the extra docs")
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("check_site")


def ended(check, monkeypatch, site, page):
    (site / "index.html").write_text(page)
    (site / "other.html").write_text('<h2 id="place">e</h2>')
    monkeypatch.setattr(sys, "argv", ["check_site.py", str(site)])
    with pytest.raises(SystemExit) as end:
        check.main()
    return end.value.code


@pytest.mark.parametrize(("page", "message"), FAULTS.items())
def test_faults_are_found(check, monkeypatch, tmp_path, capsys, page, message):
    assert ended(check, monkeypatch, tmp_path, page)
    assert message in capsys.readouterr().out


def test_a_page_without_fault_passes(check, monkeypatch, tmp_path, capsys):
    assert not ended(check, monkeypatch, tmp_path, RIGHT)
    assert "0 faults" in capsys.readouterr().out
