"""`lrgd report`: one file that says what was run now and what was read, tables for LaTeX; nothing on wrong input."""

import json
import re
import sys
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.report.whole_report_latex import escape_latex

EVIL = "<script>alert(1)</script> \\input{x} 50% & $x_1$ \x1b[2J"
PIXEL = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def run(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)], catch_exceptions=False)


def verdict(**changes):
    row = {
        "slug": "linear-attention",
        "group": "A",
        "dtype": "float64",
        "holds": True,
        "instances": 8,
        "worst_ratio": 0.1,
        "detection_limit": 1e-14,
        "mutants": [{"name": EVIL, "rejected": True}],
        "seconds": 1.0,
    }
    return row | changes


@pytest.fixture
def files(tmp_path):
    """A file of verdicts, and a folder with one run."""
    quoted = {"slug": "linear-attention", "says": EVIL, "source": EVIL, "rather": EVIL}
    point = {"dimensions": {"n": 1}, "arguments": {"q": [1.0]}, "quoted": [["1"]], "right": [["2"]]}
    content = {
        "version": "0.0.9",
        "dtype": "float64",
        "seed": 3,
        "complete": True,
        "constants": {"text": "measured constants: here"},
        "claims": [verdict(), verdict(slug=EVIL, group=EVIL, worst_ratio=None, status="certified")],
        "misquotations": [quoted | {"counterexample": point}],
    }
    (tmp_path / "verdicts.json").write_text(json.dumps(content))
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    summary = {"gap": 0.5, EVIL: EVIL, "rows": [{"x": 1, EVIL: EVIL}]}
    kept = {"experiment": "mine", "title": EVIL, "versions": {"jax": "1"}, "rows": 2, "config": {"seeds": 1}}
    (folder / "summary.json").write_text(json.dumps(kept | {"summary": summary}))
    (folder / "figure.png").write_bytes(PIXEL)
    (tmp_path / "certificates").mkdir()
    certificate = {
        "format": 2,
        "claim": EVIL,
        "title": EVIL,
        "statement": "",
        "seed": 0,
        "versions": {"jax": "1"},
        "certified": True,
        "status": "certified",
        "exact": {"fields": [7, 11], "degree": 2, "false_accept": 1e-30},
        "rigorous": {"bits": 200, "radius": 0.0},
        "conditions": [],
        "mutants": [],
        "shapes": [{"dimensions": {"n": 1}, "programs": {"left": "a", "right": "b"}}],
    }
    (tmp_path / "certificates" / "one.json").write_text(json.dumps(certificate))
    (tmp_path / "runs" / "summary.json").write_text('{"another": "kind of summary"}')
    return tmp_path


class Page(HTMLParser):
    """Tags that close, where attributes lead, and words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.words = [], set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_a_report_of_files_is_whole_and_says_where_all_of_it_comes_from(files):
    done = run(
        *("--verdicts", files / "verdicts.json", "--results", files / "runs", "--latex", files / "tex"),
        *("--certificates", files / "certificates", "--out", files / "report.html"),
    )
    assert done.exit_code == 0, done.output
    text = (files / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert "script" not in page.tags
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in page.links)
    assert "<script>alert(1)</script>" in page.words
    assert "\x1b" not in text
    assert "default-src 'none'; img-src data:;" in text
    assert "prefers-color-scheme: dark" in text
    for said in (
        "read from",
        str(files / "verdicts.json"),
        "by lrgd_jax 0.0.9, in float64, seed 3",
        f"read from {files / 'certificates'}",
        "certificates certified",
        "≤ 1e-30",
        "run now of the process that wrote this report",
        "measured constants: here",
        "2/2",
        "mine, 2 rows",
    ):
        assert said in page.words, said
    assert re.search(r"Written 20\d\d-\d\d-\d\d \d\d:\d\d UTC by lrgd_jax \d", page.words)
    tables = {file.name: file.read_text() for file in (files / "tex").iterdir()}
    assert set(tables) == {
        "verdicts.tex",
        "certificates.tex",
        "misquoted.tex",
        "environment.tex",
        "mine.tex",
        "mine-1.tex",
    }
    for text in tables.values():
        assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == text.count(r"\bottomrule") == 1
        assert r"\input{" not in text
        assert "\x1b" not in text
        plain = re.sub(r"\\[{}]", "", text)
        assert plain.count("{") == plain.count("}")
        rows = [line for line in text.splitlines() if line.endswith(r" \\")]
        assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1


def test_what_falls_is_an_exit_code_and_an_error_is_told(files):
    content = json.loads((files / "verdicts.json").read_text())
    error = {"slug": "mine", "group": "user", "dtype": "float64", "holds": None, "error": EVIL, "seconds": 0.0}
    content |= {"claims": [verdict(holds=False), error], "complete": False, "misquotations": None}
    (files / "verdicts.json").write_text(json.dumps(content))
    done = run("--verdicts", files / "verdicts.json", "--out", files / "report.html")
    assert done.exit_code == 1
    words = Page((files / "report.html").read_text()).words
    assert "✗ falls" in words
    assert "? error" in words
    assert "The run was not finished" in words
    assert "0/2" in words
    assert "missing give --certificates" in words


def test_no_table_takes_the_name_of_another(files):
    kept = (files / "runs" / "mine" / "summary.json").read_text()
    for name in ("verdicts", "Mine", "mine-1", "?"):
        (files / "runs" / name).mkdir()
        (files / "runs" / name / "summary.json").write_text(kept)
    given = ("--verdicts", files / "verdicts.json", "--results", files / "runs", "--out", files / "report.html")
    assert run(*given, "--latex", files / "tex").exit_code == 0
    tables = {file.stem: file.read_text() for file in (files / "tex").iterdir()}
    assert len(tables) == 3 + 2 * 5
    assert r"\caption{Verdicts}" in tables["verdicts"]
    for name, text in tables.items():
        assert f"\\label{{tab:{name}}}" in text


def test_a_certificate_that_is_none_is_an_exit_code(files):
    file = files / "certificates" / "one.json"
    file.write_text(file.read_text().replace('"status": "certified"', '"status": "not certified"'))
    given = ("--verdicts", files / "verdicts.json", "--certificates", file.parent, "--out", files / "report.html")
    assert run(*given).exit_code == 1
    assert "✗ not certified" in Page((files / "report.html").read_text()).words


def test_without_its_folder_for_tables_nothing_is_written(files):
    given = ("--verdicts", files / "verdicts.json", "--out", files / "report.html")
    assert run(*given, "--latex", files / "verdicts.json" / "tex").exit_code == 2
    assert not (files / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--verdicts", "no.json"], "there is no"),
        (["--verdicts", "wrong.json"], "wrong.json: claims"),
        (["--verdicts", "verdicts.json", "--results", "nowhere"], "nowhere is not a folder"),
        (["--verdicts", "verdicts.json", "--results", "empty"], "holds no finished run"),
        (["--verdicts", "verdicts.json", "--results", "damaged"], "summary.json"),
        (["--verdicts", "verdicts.json", "--certificates", "empty"], "there are no certificates"),
        (["--verdicts", "verdicts.json", "--latex", "verdicts.json"], "is a file"),
        (["linear-attention", "--verdicts", "verdicts.json"], "not both"),
        (["no-such-claim"], "there is no claim"),
    ],
)
def test_wrong_input_writes_nothing(files, monkeypatch, arguments, said):
    monkeypatch.chdir(files)
    (files / "empty").mkdir()
    (files / "damaged").mkdir()
    (files / "damaged" / "summary.json").write_text('{"experiment": "x", "rows": "many"}')
    (files / "wrong.json").write_text((files / "verdicts.json").read_text().replace('"holds": true', '"holds": 3', 1))
    before = sorted(files.rglob("*"))
    done = run(*arguments, "--out", "report.html", *([] if "--latex" in arguments else ["--latex", "tex"]))
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(files.rglob("*")) == before


def test_claims_are_checked_now(tmp_path):
    done = run("attention-sink", "--out", tmp_path / "report.html")
    assert done.exit_code == 0, done.output
    words = Page((tmp_path / "report.html").read_text()).words
    assert "run now in float64, seed 0: 1 of 1 claims" in words
    assert "contributes nothing to the output" in words
    assert "An attention sink is a null demonstration" in words


def test_an_interruption_leaves_what_is_done(tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    # the package has the command under the name of its module
    monkeypatch.setattr(sys.modules["lrgd_jax.cli.verify"], "evaluate_claims", stop)
    done = run("attention-sink", "--out", tmp_path / "report.html")
    assert done.exit_code == 130
    assert "0 of 1 claims" in Page((tmp_path / "report.html").read_text()).words
    assert "holds what was done" in done.stderr


def test_text_is_text_in_latex():
    said = escape_latex(EVIL)
    assert said.startswith(r"\textless{}script\textgreater{}alert(1)")
    assert r"\textbackslash{}input\{x\} 50\% \& \$x\_1\$" in said
