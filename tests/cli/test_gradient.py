"""`lrgd gradient`: verdicts, exit codes, JSON, and one clear message for every wrong input."""

import json

import pytest
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.cli.errors import BAD_INPUT, FALLEN, HOLDS, ONLY_POINTS

UPDATES = """
import jax.numpy as jnp


def delta(S, k, v):
    return S - jnp.outer(S @ k - v, k)


def uneven(S, k, b):
    return S - jnp.outer(S @ (b * k), k)


def signs(S):
    return jnp.sign(S)


def diagonal(tangent, b):
    return tangent * b[None, :]


def nothing(tangent, b):
    return tangent * 0


def sheared(S):
    return jnp.stack([S[0] + S[1], 2 * S[0]])


def row(S, k):
    return S @ k
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "mine.py").write_text(UPDATES)

    def of(update, shapes, *options, wrt="S"):
        command = ["gradient", f"{tmp_path}/mine.py:{update}", "--wrt", wrt, "--shapes", shapes]
        return CliRunner().invoke(app, [*command, *(str(x).replace("HERE", str(tmp_path)) for x in options)])

    return of


def test_a_gradient_and_its_loss(run, tmp_path):
    result = run("delta", "S:dv=1,dk=2; k:dk; v:dv", "--step", "--json", "HERE/out.json")
    assert result.exit_code == HOLDS, result.output
    assert result.stdout.startswith("gradient: delta is the gradient of a loss of S\n  loss: 1/2 <delta(0), S>")
    content = json.loads((tmp_path / "out.json").read_text())
    assert (content["verdict"], content["loss"]["degree"]) == ("gradient", 1)


def test_no_gradient_until_a_metric_is_named(run):
    shapes = "S:dv=1,dk=2; k:dk; b:dk"
    alone = run("uneven", shapes)
    assert alone.exit_code == FALLEN
    assert "duneven[0, 0]/dS[0, 1] =" in alone.stdout
    under = run("uneven", shapes, "--metric", "HERE/mine.py:diagonal")
    assert under.exit_code == HOLDS
    assert "under the metric diagonal" in under.stdout


def test_a_metric_is_searched_for(run):
    result = run("sheared", "S:2", "--metric", "any")
    assert result.exit_code == HOLDS, result.output
    assert "M = [[2, 0], [0, 1]], positive definite" in result.stdout


def test_what_is_not_decided_has_a_code_of_its_own(run):
    result = run("signs", "S:2")
    assert result.exit_code == ONLY_POINTS
    assert result.stdout.startswith("undecided: ")


@pytest.mark.parametrize(
    ("update", "shapes", "options", "message"),
    [
        ("delta", "S:dv=1,dk=2; k:dk; v:dv", {"wrt": "W"}, "wrt names one of the arguments S, k, v"),
        ("delta", "S:dv=1,dk=2", {}, "needs a shape for 'k', 'v'"),
        ("delta", "W:2; S:dv=1,dk=2; k:dk; v:dv", {"wrt": "W"}, "has no parameter 'W'"),
        ("row", "S:dv=2,dk=3; k:dk", {}, "expected an array of the shape of the state"),
        ("delta", "S:dv=1,dk=2 below 3; k:dk; v:dv", {}, "holds integers"),
        ("missing", "S:2", {}, "missing"),
        ("uneven", "S:dv=1,dk=2; k:dk; b:dk", {"metric": "nothing"}, "singular"),
    ],
)
def test_wrong_input_is_one_message_and_nothing_is_written(run, tmp_path, update, shapes, options, message):
    metric = ["--metric", f"HERE/mine.py:{options['metric']}"] if "metric" in options else []
    result = run(update, shapes, *metric, "--json", "HERE/out.json", wrt=options.get("wrt", "S"))
    assert result.exit_code == BAD_INPUT
    assert message in result.stderr
    assert result.stderr.count("lrgd: ") == 1
    assert not (tmp_path / "out.json").exists()
