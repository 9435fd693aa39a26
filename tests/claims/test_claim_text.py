"""Claims are listed without being imported, and say the same as if they were."""

import pytest
from conftest import ROOT

from lrgd_jax.claims import claim_text, load_claims
from lrgd_jax.claims.claim_text import ClaimText, parse_claim_text, read_claim_texts

FILES = sorted(path for path in (ROOT / "proofs_checks").glob("[!_]*.py"))
CLAIM = """
claim = Claim(slug="a-claim", title="T", group="A", statement="S", assumptions=("one", "two"), proof="P", source="X",
              mutants=(Mutant("first", f), Mutant("second", g)))
"""


def test_the_words_are_those_of_the_imported_claims_in_their_order():
    imported = {slug: ClaimText.of(claim) for slug, claim in load_claims().items()}
    assert list(read_claim_texts().items()) == list(imported.items())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_claim_is_read_without_an_import(file):
    assert parse_claim_text(file.read_text()) is not None


def test_a_claim_that_is_written_in_literals():
    text = parse_claim_text(CLAIM)
    assert text == ClaimText("a-claim", "T", "A", "S", ("one", "two"), "P", "X", ("first", "second"))


@pytest.mark.parametrize(
    ("literal", "instead"),
    [
        ('title="T"', "title=TITLE"),
        ('title="T"', 'title=f"{T}"'),
        ('title="T"', "**title"),
        ('(Mutant("first", f), Mutant("second", g))', "MUTANTS"),
        ('Mutant("second", g)', "*others"),
        ('Mutant("second", g)', "SECOND"),
        ("claim = Claim", "claim = other = 3\nclaim = Claim"),
        ("claim = Claim", "claims = ()\nclaim = Claim"),
        ("claim = Claim", "from elsewhere import claims\nclaim = Claim"),
        ("claim = Claim", "something = Claim"),
    ],
)
def test_what_only_an_import_can_tell_is_left_to_it(literal, instead):
    assert literal in CLAIM
    assert parse_claim_text(CLAIM.replace(literal, instead)) is None


def test_a_file_that_must_be_imported_is(monkeypatch):
    parsed = read_claim_texts()
    monkeypatch.setattr(claim_text, "parse_claim_text", lambda source: None)
    assert read_claim_texts() == parsed
