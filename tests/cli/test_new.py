"""`lrgd new claim` writes a claim that runs, and refuses what would not."""

import sys

import pytest
from test_cli import run

from lrgd_jax.claims import load_claims


def test_a_new_claim_is_verified_and_certified_at_once(tmp_path):
    written = run("new", "claim", "my-own-claim", "--group", "attention", "--dir", tmp_path)
    file = tmp_path / "my_own_claim.py"
    assert written.exit_code == 0
    assert str(file) in written.stdout
    claim = load_claims([tmp_path])["my-own-claim"]
    assert claim.group == "A"
    assert not claim.shipped
    verified = run("verify", "my-own-claim", "--claims-path", tmp_path, "--exact", "--instances", 1)
    assert verified.exit_code == 0
    assert f"{len(claim.mutants)}/{len(claim.mutants)}" in verified.stdout


def test_an_own_claim_needs_no_group(tmp_path):
    assert run("new", "claim", "my-claim", "--dir", tmp_path).exit_code == 0
    assert load_claims([tmp_path])["my-claim"].group == "user"


def test_nothing_is_overwritten(tmp_path):
    file = tmp_path / "my_claim.py"
    file.write_text("mine")
    result = run("new", "claim", "my-claim", "--dir", tmp_path)
    assert result.exit_code == 2
    assert "not overwritten" in result.stderr
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("My Claim",), "lower case with hyphens, like my-claim; got 'My Claim'"),
        (("my_claim",), "got 'my_claim'"),
        (("linear-attention",), "is taken"),
        (("my-claim", "--group", "attnetion"), "no group 'attnetion'; there are A (attention)"),
        (("my-claim", "--dir", "nowhere"), "no folder nowhere"),
    ],
)
def test_what_is_no_claim_is_refused(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("new", "claim", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not list(tmp_path.iterdir())


def test_a_claim_of_the_package_is_found_without_a_path(tmp_path, monkeypatch):
    package = tmp_path / "proofs_checks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "proofs_checks"]:
        monkeypatch.delitem(sys.modules, name)
    result = run("new", "claim", "my-claim", "--group", "B", "--dir", package)
    assert result.exit_code == 0
    assert "--claims-path" not in result.stdout
    assert list(load_claims()) == ["my-claim"]
