"""Statements that are quoted and wrong: each falls at the numbers shown for it, where what is right holds.

That they fall at every layer, and that the claims are certified, tests/test_proofs.py sees as of all other mutants.
"""

import json
import runpy

import numpy as np
import pytest
from conftest import ROOT
from typer.testing import CliRunner

from lrgd_jax.certify.points.function_pairs import difference_at
from lrgd_jax.claims import Misquotation, load_claims
from lrgd_jax.claims.exact_counterexample import pair_of_sides
from lrgd_jax.claims.misquotations import quoted_form
from lrgd_jax.cli import app

CLAIMS = load_claims()
MISQUOTED = {(claim.slug, mutant.name): mutant for claim in CLAIMS.values() for mutant in claim.misquoted}
SUMMARY = json.loads((ROOT / "docs" / "results" / "misquoted" / "summary.json").read_text())
SHOWN = {(one["slug"], one["mutant"]): one for one in SUMMARY["misquotations"]}


def test_all_are_shown_and_say_what_the_claims_say():
    assert len(MISQUOTED) >= 10
    quoted = {place: mutant.quoted for place, mutant in MISQUOTED.items()}
    said = {place: (one.says, one.source, one.rather) for place, one in quoted.items() if one is not None}
    assert {place: (one["says"], one["source"], one["rather"]) for place, one in SHOWN.items()} == said


def test_the_kept_run_certified_the_claims_and_rejected_every_wrong_version():
    assert SUMMARY["complete"]
    assert {row["slug"] for row in SUMMARY["claims"]} == {slug for slug, _ in MISQUOTED}
    for row in SUMMARY["claims"]:
        assert row["holds"]
        assert row["certified"]
        assert all(mutant["rejected"] and mutant["exact"] and mutant["rigorous"] for mutant in row["mutants"])


@pytest.mark.parametrize(("slug", "name"), MISQUOTED)
def test_the_wrong_form_falls_where_it_is_shown_and_the_right_one_holds(slug, name):
    claim, mutant, shown = CLAIMS[slug], MISQUOTED[slug, name], SHOWN[slug, name]["counterexample"]
    sizes = shown["dimensions"]
    point = {argument: np.asarray(shown["arguments"][argument], np.float64) for argument in claim.arguments}
    assert {argument: x.shape for argument, x in point.items()} == {x: claim.shape_of(x, sizes) for x in point}
    assert difference_at(pair_of_sides(claim, sizes, point), point, claim.relation) is None
    difference = difference_at(pair_of_sides(quoted_form(claim, mutant), sizes, point), point, claim.relation)
    assert difference is not None
    quoted, right = difference.right, difference.left
    if mutant.replaces == "left":
        quoted, right = right, quoted
    assert difference.numbers == shown["numbers"]
    if difference.numbers == "rational numbers":
        assert (list(quoted), list(right)) == (shown["quoted"], shown["right"])


def test_the_page_is_the_one_that_is_generated():
    page = runpy.run_path(str(ROOT / "docs" / "pages" / "misquoted.py"))["misquoted_page"](SUMMARY)
    assert (ROOT / "docs" / "misquoted.md").read_text() == page
    for slug, name in MISQUOTED:
        assert f"lrgd verify {slug} --group misquoted --exact" in page
        assert f"\u201c{name}\u201d" in page
    assert "misquoted.md" in (ROOT / "docs" / "navigation.py").read_text()


def test_a_reader_sees_the_wrong_form_fall(tmp_path):
    file = tmp_path / "out.json"
    arguments = (
        "verify",
        "attention-sink",
        "linear-attention",
        "--group",
        "misquoted",
        "--instances",
        "1",
        "--json",
        str(file),
    )
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "misquoted: attention-sink" in result.stdout
    assert "falls at n = 1, d = 1, dv = 1" in result.stdout
    content = json.loads(file.read_text())
    assert [row["slug"] for row in content["claims"]] == ["attention-sink"]
    assert [one["slug"] for one in content["misquotations"]] == ["attention-sink"]
    assert content["misquotations"][0]["counterexample"]["quoted"] == [["1.00000000000"]]


def test_no_claim_of_those_named_is_misquoted():
    result = CliRunner().invoke(app, ("verify", "linear-attention", "--group", "misquoted"))
    assert result.exit_code == 2
    assert "there are no claims of 'misquoted'; there are A (attention)" in result.stderr


def test_a_misquotation_needs_its_words():
    with pytest.raises(ValueError, match="source must be a sentence"):
        Misquotation(says="The square of a sum is the sum of the squares.", source=" ", rather="It is not.")
