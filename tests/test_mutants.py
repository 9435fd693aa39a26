"""The kept result of mutation testing adds up and is explained; and the parts of the benchmark that need no tool."""

import json
import runpy
import sys
from collections import Counter

import pytest
from conftest import ROOT

FOLDER = ROOT / "docs" / "results" / "mutants"
BENCHMARKS = ROOT / "benchmarks"


def part(name):
    return runpy.run_path(str(BENCHMARKS / f"mutants_{name}.py"))


@pytest.fixture(scope="module")
def summary():
    return json.loads((FOLDER / "summary.json").read_text())


def test_at_least_nine_in_ten_of_two_hundred_mutants_are_killed(summary):
    assert summary["total"]["mutants"] >= 200
    assert summary["total"]["dead"] >= 0.9 * summary["total"]["mutants"]
    assert set(summary["packages"]) == {"attention", "dual", "effect", "certify", "recommend"}
    for found in summary["packages"].values():
        assert found["mutants"] == summary["config"]["mutants_a_package"]


def test_the_totals_are_those_of_the_mutants(summary):
    mutants = summary["mutants"]
    assert len({key for key, *_ in mutants}) == len(mutants) == summary["total"]["mutants"]
    for name, rows in (("packages", lambda place, _: place.split("/")[1]), ("operators", lambda _, operator: operator)):
        counted = Counter((rows(place, operator), status) for _, place, operator, status in mutants)
        told = Counter(
            {
                (key, status): n
                for key, found in summary[name].items()
                for status, n in found.items()
                if n and status != "dead"
            }
        )
        assert counted == Counter({key: n for key, n in told.items() if key[1] != "mutants"})
    for found in (summary["total"], *summary["packages"].values(), *summary["operators"].values()):
        assert found["dead"] == found["killed"] + found["timeout"] + found["crashed"]
        assert found["mutants"] == found["dead"] + found["survived"] + found["not reached"]


def test_every_survivor_is_explained(summary):
    kinds, explained = part("summary")["KINDS"], json.loads((FOLDER / "explained.json").read_text())
    assert {x["key"] for x in summary["survivors"]} == {
        key for key, _, _, status in summary["mutants"] if status in ("survived", "not reached")
    }
    for survivor in summary["survivors"]:
        assert survivor["kind"] in kinds, survivor
        assert len(survivor["why"]) > 10
        assert explained[survivor["key"]] == {"kind": survivor["kind"], "why": survivor["why"]}
        assert (ROOT / survivor["place"].split(":")[0]).is_file()


def test_the_page_shows_the_figure_and_every_survivor(summary):
    page = "\n".join(runpy.run_path(str(ROOT / "docs" / "pages" / "mutants.py"))["mutant_tables"](summary))
    assert f"{summary['total']['dead']} of {summary['total']['mutants']} mutants are killed" in page
    for survivor in summary["survivors"]:
        assert survivor["place"].removeprefix("lrgd_jax/") in page
    assert '--8<-- "results/mutants.md"' in (ROOT / "docs" / "mutation-testing.md").read_text()


SOURCE = '''\
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import x
__all__ = ["f" + "g"]

@decorated(1)
def f(a: int | None, b=2) -> "x":
    """3"""
    if a < 4:
        raise ValueError(f"é {a + 5}" + "6")
    try:
        return dict(zip(a,
                        b, strict=True))
    except KeyError:
        return 7
'''


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        ('"f" + "g"', True),
        ("decorated(1)", True),
        ("int | None", True),
        ('"x"', True),
        ('f"é {a + 5}" + "6"', True),
        ("True", True),
        ("import x", True),
        ("b=2", False),
        ("a < 4", False),
        ("return 7", False),
    ],
)
def test_idle_places_are_known(text, idle):
    line = next(k for k, line in enumerate(SOURCE.splitlines(), 1) if text in line)
    column = SOURCE.splitlines()[line - 1].index(text)
    start, end = (line, column), (line, column + len(text))
    assert any(low <= start and end <= high for low, high in part("places")["idle_spans"](SOURCE)) == idle


@pytest.mark.parametrize(
    ("line", "wanted"),
    [(4, [4]), (6, [6, 7]), (9, [9]), (10, [10]), (11, [11]), (13, [12, 13]), (14, [14]), (15, [15])],
)
def test_a_statement_ends_where_its_body_begins(line, wanted):
    assert list(part("places")["statement"](SOURCE, line)) == wanted


def test_the_nearest_tests_run_first(tmp_path):
    for name, text in {
        "lrgd_jax/a/b.py": "def one(): ...\ndef two(): ...\ndef _own(): ...\n",
        "tests/a/test_b.py": "",
        "tests/a/test_all.py": "from lrgd_jax.a import one, two\n",
        "tests/a/test_imports.py": "from lrgd_jax.a import b\n",
        "tests/a/test_one.py": "from lrgd_jax.a import one\n",
        "tests/a/test_other.py": "_own",
        "tests/c/test_b.py": "from lrgd_jax.a.b import one, two\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = part("tests")["mirrored"](tmp_path, "lrgd_jax/a/b.py")
    assert [name.removeprefix("tests/a/test_") for name in found] == [
        "b.py",
        "imports.py",
        "all.py",
        "one.py",
        "other.py",
    ]


def test_the_test_that_failed_is_read_from_what_pytest_prints():
    killer = part("tests")["killer"]
    assert killer("....F\nFAILED tests/a/test_b.py::test_c[1-x y] - assert 1 == 2\n1 failed") == (
        "tests/a/test_b.py",
        "test_c[1-x",
    )
    assert killer("ERROR tests/a/test_b.py - NameError: name 'x'") == ("tests/a/test_b.py", "")
    assert killer("5 passed in 0.1s") is None


def test_a_verdict_rests_on_the_test_that_gave_it(tmp_path):
    file, text = tmp_path / "test_x.py", part("tests")["function_text"]
    file.write_text(
        "LOW = 1\n\n@pytest.mark.parametrize('x', [1, 2])\ndef test_a(x):\n    assert x\n\ndef test_b(): ...\n"
    )
    before = text(file, "test_a[1-x]")
    assert "parametrize('x', [1, 2])" in before
    assert "test_b" not in before
    file.write_text(file.read_text().replace("LOW = 1", "LOW = 1  # a comment"))
    assert text(file, "test_a[2]") == before
    file.write_text(file.read_text().replace("[1, 2]", "[1]"))
    assert text(file, "test_a[1-x]") != before
    assert text(file, "") == file.read_text()
    assert text(tmp_path / "gone.py", "test_a") == ""


def test_no_mutant_that_nobody_explained_is_hidden(tmp_path, capsys, monkeypatch):
    """A summary is written even so, says which survivor lacks an explanation, and counts it as one."""
    monkeypatch.setitem(sys.modules, "mutants_sample", None)
    summary = part("summary")

    class Mutant:
        module, operator, definition, key, start = (
            "lrgd_jax/a/b.py",
            "core/ReplaceBinaryOperator_Add_Sub",
            "f",
            "k",
            (3, 4),
        )

    found = {"k": {"status": "not reached", "diff": ["-x + y", "+x - y"]}}
    summary["write_summary"](tmp_path, {"a": [Mutant]}, found, {"seed": 1})
    told = json.loads((tmp_path / "docs" / "results" / "mutants" / "summary.json").read_text())
    assert told["total"] == {
        "mutants": 1,
        "dead": 0,
        "killed": 0,
        "timeout": 0,
        "crashed": 0,
        "survived": 0,
        "not reached": 1,
    }
    assert told["operators"] == {"Binary: Add to Sub": told["total"]}
    assert told["survivors"][0]["why"] == ""
    assert "not explained: k lrgd_jax/a/b.py:3" in capsys.readouterr().out
