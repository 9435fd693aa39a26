"""An edited certificate is reported by the name of the field, whichever field it is."""

import copy
import json
from typing import Any

import jax.numpy as jnp
import pytest
from small_claims import TRUE, variant

from lrgd_jax.certify.verdicts.enclosures import RADIUS
from lrgd_jax.claims import Mutant
from lrgd_jax.claims.certificates import read_certificates, write_certificate
from lrgd_jax.claims.certify_claims import certify_claim
from lrgd_jax.claims.contradictions import contradictory_fields, moved_lines
from lrgd_jax.claims.recheck import recheck
from lrgd_jax.report.verdict_tables import recheck_table


def normalised(x):
    return jnp.exp(x) / jnp.sum(jnp.exp(x))


CLAIM = variant(
    slug="softmax",
    left=normalised,
    right=lambda x: 1 / jnp.sum(jnp.exp(x[None, :] - x[:, None]), axis=1),
    mutants=(
        Mutant("wrong sign", lambda x: -normalised(x)),
        Mutant("twice", lambda x: 2 * normalised(x), replaces="left"),
    ),
    shapes=({"n": 2}, {"n": 3}),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    write_certificate(folder, CLAIM, certify_claim(CLAIM))
    (certificate,) = read_certificates(folder)
    return certificate


@pytest.fixture(autouse=True)
def evaluated_once(monkeypatch):
    """The same evaluation is not repeated for every edit."""
    monkeypatch.setattr("lrgd_jax.claims.recheck.certify_claim", _certified)


_EVALUATED: dict[Any, Any] = {}


def _certified(claim, **options):
    key = claim.slug, *options.items()
    if key not in _EVALUATED:
        _EVALUATED[key] = certify_claim(claim, **options)
    return _EVALUATED[key]


def rechecked(certificate):
    return recheck(certificate, {CLAIM.slug: CLAIM})


def test_what_was_not_edited_is_borne_out(kept):
    again = rechecked(kept)
    assert again.holds
    assert not again.contradictions
    assert not again.changes


EDITS: dict[str, Any] = {
    "title": "Another",
    "statement": "$1 = 1$",
    "seed": 5,
    "certified": False,
    "reasons": {"exact": "none"},
    "exact.fields": [2**60 + 33, 2**60 + 35],
    "exact.fields[1]": 1152921504606846883,
    "exact.degree": 1,
    "exact.symbols": 0,
    "exact.false_accept": 1e-60,
    "exact.false_accept, upwards": 1e-31,
    "rigorous.bits": 3200,
    "rigorous.radius": 1e-300,
    "rigorous.radius, upwards": 1e-41,
    "conditions": [],
    "conditions[0].text": "none",
    "conditions[1].kind": "mask",
    "conditions[1].source": "another.py:12 (function)",
    "mutants[0].exact": False,
    "mutants[1].rigorous": None,
    "mutants[1].name": "another",
    "shapes[0].dimensions.n": 7,
    "shapes[1].exact.degree": 7,
    "shapes[1].exact": None,
    "shapes[2].rigorous.radius": 0.0,
    "shapes[2].programs.left": "0" * 64,
    "not_applicable": "it is",
}


def edited(certificate, path, value):
    """A copy with another value at a path."""
    content = copy.deepcopy(certificate)
    steps = path.split(",")[0].replace("[", ".[").split(".")
    place = content
    for step in steps[:-1]:
        place = place[int(step[1:-1])] if step.startswith("[") else place[step]
    last = steps[-1]
    place[int(last[1:-1]) if last.startswith("[") else last] = value
    assert content != certificate
    return content


@pytest.mark.parametrize("path", EDITS)
def test_an_edited_field_is_named(kept, path):
    again = rechecked(edited(kept, path, EDITS[path]))
    assert again.certified
    assert not again.holds
    name = path.split(",")[0]
    # the seed stands for the numbers that were drawn by it; a mutant of another name for its row
    expected = {"seed": "exact.fields[0] is"}.get(name, f"{name} is")
    listed = [line for line in again.contradictions if line.startswith((expected, name + "["))]
    assert listed or any(line.startswith(name.rsplit("[", 1)[0]) for line in again.contradictions)


@pytest.mark.parametrize("name", ["exact", "rigorous", "conditions", "reasons"])
def test_a_field_that_was_taken_out_is_named(kept, name):
    content = {key: x for key, x in kept.items() if key != name}
    again = rechecked(content | ({"conditions": []} if name == "conditions" else {}))
    assert not again.holds
    assert any(line.startswith(name) for line in again.contradictions)


def test_mutants_that_were_not_tried_are_no_contradiction(kept):
    assert rechecked(kept | {"mutants": []}).holds


def test_a_line_that_moved_is_a_change(kept):
    content = copy.deepcopy(kept)
    source = content["conditions"][1]["source"]
    file, _, function = source.partition(" ")
    moved = f"{file.split(':')[0]}:99999 {function}"
    content["conditions"][1]["source"] = moved
    again = rechecked(content)
    assert again.holds
    assert again.changes == (f"the line {moved} is {source} now",)
    assert moved_lines(kept, kept) == []


def test_a_reason_is_the_same_in_another_folder():
    here = {"reasons": {"exact": "'gt' at /one/place/claim.py:18 (side): no order"}, "not_applicable": "a.py:3:4 (f)"}
    there = {"reasons": {"exact": "'gt' at C:\\other\\claim.py:20 (side): no order"}, "not_applicable": "/b/a.py:9 (f)"}
    assert contradictory_fields(here, there, same_versions=True) == []
    for text in (
        "'lt' at /one/place/claim.py:18 (side): no order",
        "'gt' at /one/place/another.py:18 (side): no order",
    ):
        (line,) = contradictory_fields(here, there | {"reasons": {"exact": text}}, same_versions=True)
        assert line.startswith("reasons.exact is")
    assert contradictory_fields(here, {"shapes": []}, same_versions=True)[0].startswith("reasons is")


OTHER_VERSIONS = {
    "exact.false_accept": (1e-60, "exact.false_accept is 1e-60"),
    "exact.false_accept, too large": (1e-20, "exact.false_accept is 1e-20"),
    "exact.false_accept, no number": ("small", "exact.false_accept is no number"),
    "rigorous.radius": (2 * RADIUS, "rigorous.radius is 2e-40, but 200 bits allow"),
    "rigorous.bits": (-1, "rigorous.radius is"),
    "shapes[1].rigorous.bits": (100000, "shapes[1].rigorous.radius is"),
    "certified": (False, "certified is False"),
    "mutants[0].exact": (None, "mutants[0].exact is None"),
    "not_applicable": ("it is", "not_applicable is"),
}


@pytest.mark.parametrize("path", OTHER_VERSIONS)
def test_of_other_versions_what_was_decided_must_stand(kept, path):
    value, expected = OTHER_VERSIONS[path]
    other = kept | {"versions": kept["versions"] | {"jax": "0.0.1"}}
    assert rechecked(other).holds
    again = rechecked(edited(other, path, value))
    assert not again.holds
    assert any(line.startswith(expected) for line in again.contradictions)


def test_a_layer_that_says_nothing_now():
    said = {"shapes": [], "exact": {"degree": 2}}
    assert contradictory_fields(said, {"shapes": []}, same_versions=False) == [
        "exact is there, but this layer says nothing now"
    ]
    numbers = contradictory_fields({"a": 1}, {"a": 1.0}, same_versions=True)
    assert numbers == ["a is 1, comes out as 1.0"]


def test_the_table_shows_what_the_certificate_says_wrongly(kept):
    table = recheck_table([rechecked(edited(kept, "exact.degree", 1))])
    cells = [next(iter(column.cells)) for column in table.columns]
    assert "no" in str(cells[1])
    assert "exact.degree is 1, comes out as" in str(cells[2])


UNREADABLE = {
    "seed": -1,
    "claim": 3,
    "shapes": [1],
    "versions": [],
    "format": 1,
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_compared_is_refused(kept, name, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(kept | {name: UNREADABLE[name]}))
    with pytest.raises(ValueError, match=r"a\.json is no certificate"):
        read_certificates(tmp_path)


def test_the_squared_sum_is_borne_out_too(tmp_path):
    """A polynomial identity, whose balls meet in a point."""
    write_certificate(tmp_path, TRUE, certify_claim(TRUE))
    (certificate,) = read_certificates(tmp_path)
    assert recheck(certificate, {TRUE.slug: TRUE}).holds
