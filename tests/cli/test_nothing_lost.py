"""`lrgd verify` and `lrgd recheck` lose nothing: a claim that cannot be evaluated is a row, an interruption an end."""

import json
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.cli.errors import BAD_INPUT, FALLEN, INTERNAL, INTERRUPTED

BROKEN = """
from dataclasses import replace
from proofs_checks.linear_attention import claim as whole

def broken_side(keys, values, query):
    if query.sum() > 0:
        return query
    return values[0]

claim = replace(whole, slug="broken", group="user", right=broken_side)
"""
WRONG_SIGN = """
from dataclasses import replace
from proofs_checks import linear_attention
claim = replace(linear_attention.claim, slug="wrong-sign", group="user", right=linear_attention.step_uphill)
"""


def run(*arguments):
    return CliRunner().invoke(app, [str(x) for x in arguments], catch_exceptions=False)


@pytest.fixture
def broken(tmp_path):
    """A file with a claim that no layer can evaluate."""
    file = tmp_path / "broken.py"
    file.write_text(BROKEN)
    return file


def rows_of(file):
    content = json.loads(file.read_text())
    return content, {row["slug"]: row for row in content["claims"]}


@pytest.mark.parametrize("exact", [False, True])
def test_one_claim_that_cannot_be_evaluated_is_a_row_and_the_others_go_on(broken, tmp_path, exact):
    file, folder = tmp_path / "out.json", tmp_path / "kept"
    options = ("--certificates", folder) if exact else ()
    chosen = ("verify", "broken", "order-and-batching", "--claims-path", broken, "--instances", 1)
    result = run(*chosen, "--json", file, *options)
    assert result.exit_code == BAD_INPUT, result.output
    assert "order-and-batching" in result.stdout
    assert "error: claim broken: right side at" in result.stdout
    content, rows = rows_of(file)
    assert content["complete"] is True
    assert list(rows) == ["broken", "order-and-batching"]
    assert rows["order-and-batching"]["holds"] is True
    assert (rows["broken"]["holds"], rows["broken"]["error_kind"]) == (None, "input")
    assert "right side" in rows["broken"]["error"]
    if exact:
        assert rows["order-and-batching"]["certified"] is True
        assert (rows["broken"]["certified"], rows["broken"]["certify_error_kind"]) == (None, "input")
        assert [kept.name for kept in folder.iterdir()] == ["order-and-batching.json"]


def test_a_mistake_of_the_package_is_a_row_too_and_counts_more_than_a_claim_that_fell(tmp_path, monkeypatch):
    from lrgd_jax.claims import check_claims

    true = check_claims.check_claim

    def stumbling(claim, **options):
        return {}["missing"] if claim.slug == "order-and-batching" else true(claim, **options)

    monkeypatch.setattr(check_claims, "check_claim", stumbling)
    wrong, file = tmp_path / "wrong.py", tmp_path / "out.json"
    wrong.write_text(WRONG_SIGN)
    chosen = ("verify", "order-and-batching", "wrong-sign", "--claims-path", wrong)
    result = run(*chosen, "--instances", 1, "--json", file)
    assert result.exit_code == INTERNAL
    assert "error: internal error: KeyError: 'missing'" in result.stdout
    assert "please report" in result.stderr
    assert "Traceback" not in result.output
    assert "falls" in result.stdout
    _, rows = rows_of(file)
    assert (rows["order-and-batching"]["error_kind"], rows["wrong-sign"]["holds"]) == ("internal", False)
    assert "Traceback" in run("--debug", *chosen, "--instances", 1).stderr


def test_a_search_for_a_counterexample_that_stumbles_costs_no_verdict(tmp_path, monkeypatch):
    from lrgd_jax.claims import floating_counterexample

    monkeypatch.setattr(floating_counterexample, "smallest_counterexample", lambda *_: {}["missing"])
    wrong, file = tmp_path / "wrong.py", tmp_path / "out.json"
    wrong.write_text(WRONG_SIGN)
    result = run("verify", "wrong-sign", "--claims-path", wrong, "--instances", 1, "--json", file)
    assert result.exit_code == INTERNAL
    assert "falls" in result.stdout
    assert "search for a counterexample" in result.stdout
    assert rows_of(file)[1]["wrong-sign"]["holds"] is False


def test_the_file_is_written_after_every_claim_in_the_order_of_the_claims(tmp_path, monkeypatch):
    from lrgd_jax.cli import verification_results

    written = []
    true = verification_results.write_json

    def watched(file, content):
        true(file, content)
        content = json.loads(file.read_text())
        written.append((content["complete"], [(row["dtype"], row["slug"]) for row in content["claims"]]))

    monkeypatch.setattr(verification_results, "write_json", watched)
    chosen = ("order-and-batching", "alibi-is-weight-decay")
    dtypes = ("float64", "float32")
    run("verify", *chosen, "--dtype", ",".join(dtypes), "--instances", 1, "--json", tmp_path / "out.json")
    wanted = [(dtype, slug) for dtype in dtypes for slug in chosen]
    assert [complete for complete, _ in written] == [False, False, False, False, True]
    assert [len(rows) for _, rows in written] == [0, 1, 2, 3, 4]
    assert all(rows == [row for row in wanted if row in rows] for _, rows in written)


def started(*arguments):
    program = [sys.executable, "-m", "lrgd_jax", *map(str, arguments)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_writes_and_prints_what_is_done(tmp_path, sign):
    file = tmp_path / "out.json"
    with started("verify", "--group", "A", "--exact", "--instances", 1, "--json", file) as running:
        while running.poll() is None and not (file.is_file() and json.loads(file.read_text())["claims"]):
            time.sleep(0.05)
        running.send_signal(sign)
        interrupted_at = time.monotonic()
        said, errors = running.communicate(timeout=60)
    assert time.monotonic() - interrupted_at < 20
    assert running.returncode == INTERRUPTED, errors
    content, rows = rows_of(file)
    assert content["complete"] is False
    assert rows
    assert all(row["holds"] is True for row in rows.values())
    assert all(slug in said for slug in rows)
    assert errors.startswith("lrgd: interrupted: ")
    assert len(errors.splitlines()) == 1


def test_recheck_goes_on_past_a_claim_that_cannot_be_evaluated(broken, tmp_path):
    folder = tmp_path / "kept"
    assert run("verify", "order-and-batching", "--instances", 1, "--certificates", folder).exit_code == 0
    content = json.loads((folder / "order-and-batching.json").read_text())
    (folder / "broken.json").write_text(json.dumps({**content, "claim": "broken"}))
    result = run("recheck", folder, "--claims-path", broken)
    assert result.exit_code == BAD_INPUT, result.output
    rows = result.stdout
    assert rows.index("broken") < rows.index("order-and-batching")
    assert "error" in rows
    assert "yes" in rows


def test_a_claim_that_falls_beside_one_that_cannot_be_evaluated_is_bad_input(broken, tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG_SIGN)
    paths = ("--claims-path", broken, "--claims-path", wrong)
    assert run("verify", "wrong-sign", *paths, "--instances", 1).exit_code == FALLEN
    both = run("verify", "wrong-sign", "broken", *paths, "--instances", 1)
    assert both.exit_code == BAD_INPUT
    assert "falls" in both.stdout
