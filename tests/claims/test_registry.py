"""Claims are found in the package and in users' files; what is wrong with a file is named."""

import pytest

from lrgd_jax.claims import Claim, find_claim, load_claims

GOOD = """
from small_claims import TRUE as claim
"""
SEVERAL = """
from dataclasses import replace
from small_claims import TRUE
claims = tuple(replace(TRUE, slug=f"claim-{k}") for k in "ab")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one.py").write_text(GOOD)
    (tmp_path / "two.py").write_text(SEVERAL)
    (tmp_path / "_shared.py").write_text("")
    return tmp_path


def test_the_package_has_claims_sorted_by_group_and_name():
    claims = load_claims()
    assert "linear-attention" in claims
    assert all(isinstance(claim, Claim) and claim.slug == slug for slug, claim in claims.items())
    order = [(claim.group, slug) for slug, claim in claims.items()]
    assert order == sorted(order)


def test_users_claims_come_last(folder):
    assert list(load_claims([folder]))[-3:] == ["squared-sum", "claim-a", "claim-b"]
    assert list(load_claims([folder / "two.py", folder / "one.py"]))[-3:] == ["claim-a", "claim-b", "squared-sum"]


def test_a_private_module_hides_none_of_the_same_name(tmp_path):
    import json

    (tmp_path / "json.py").write_text(GOOD)
    assert "squared-sum" in load_claims([tmp_path / "json.py"])
    assert json.dumps({}) == "{}"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "got neither"),
        ("claim = 1", "got a int"),
        ("claims = ()", "got neither"),
        ("claims = (1,)", "got a int"),
        ("import no_such_module", "no_such_module"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("from small_claims import TRUE as claim; from dataclasses import replace; replace(claim, mutants=())", "two"),
    ],
)
def test_a_file_that_is_no_claim_is_named(tmp_path, source, message):
    file = tmp_path / "mine.py"
    file.write_text(source)
    with pytest.raises(ValueError, match=message) as caught:
        load_claims([file])
    assert "mine.py" in str(caught.value)


def test_what_a_claim_refuses_is_shown_in_its_own_words(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from small_claims import variant\nclaim = variant(mutants=())")
    with pytest.raises(ValueError, match="at least two mutants") as caught:
        load_claims([file])
    assert str(caught.value).startswith(f"{file}: claim squared-sum: at least two mutants")
    assert "cannot be imported" not in str(caught.value)


def test_a_slug_that_is_taken_twice_is_named(tmp_path, folder):
    (tmp_path / "three.py").write_text(GOOD)
    with pytest.raises(ValueError, match=r"'squared-sum' is taken twice.*one\.py.*three\.py"):
        load_claims([folder])


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_claims([tmp_path / "nowhere"])
    with pytest.raises(ValueError, match="no Python file"):
        load_claims([tmp_path])


def test_a_file_that_is_not_python(tmp_path):
    (tmp_path / "claims.txt").write_text("")
    with pytest.raises(ValueError, match="not a Python file"):
        load_claims([tmp_path / "claims.txt"])


def test_an_unknown_slug_suggests_the_nearest():
    claims = load_claims()
    assert find_claim(claims, "linear-attention").slug == "linear-attention"
    with pytest.raises(ValueError, match="did you mean 'linear-attention'"):
        find_claim(claims, "linear-atention")


def test_a_slug_that_is_part_of_several_lists_them_and_a_far_one_suggests_none():
    claims = load_claims()
    with pytest.raises(ValueError, match="did you mean 'softmax-attention' or 'softmax-is-kernel-regression' or"):
        find_claim(claims, "softmax")
    for far in ("zzz", ""):
        with pytest.raises(ValueError, match=f"^there is no claim '{far}'; `lrgd claims` lists all {len(claims)}$"):
            find_claim(claims, far)
