"""`lrgd doctor`: what it says, and that what it measures is kept, used and measured again when damaged."""

import json
import re

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from lrgd_jax.certify.environment import OPTIONAL
from lrgd_jax.certify.rounding import constants, measuring
from lrgd_jax.certify.rounding.constants import constants_in_use, packaged_records, record_file
from lrgd_jax.certify.tracing.jax_versions import Stack, running
from lrgd_jax.cli import app
from lrgd_jax.cli.doctor import DEFAULT_PATHS
from lrgd_jax.report.environment_table import PURPOSES

ELSEWHERE = Stack("9.9.9", "cpu", "elsewhere")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(measuring, "COUNT", 400)
    monkeypatch.setattr(measuring.measure_all, "__defaults__", (400, 0))
    constants_in_use.cache_clear()
    yield tmp_path
    constants_in_use.cache_clear()


@pytest.fixture
def elsewhere(cache, monkeypatch):
    monkeypatch.setattr(constants, "running", lambda: ELSEWHERE)
    return cache


def _run(*arguments):
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)], env={"COLUMNS": "200"})


def test_what_is_known_is_shown_and_not_measured(cache):
    result = _run("--json", cache / "doctor.json")
    assert result.exit_code == 0
    assert str(running()) in result.stdout
    assert not record_file(running()).exists()
    content = json.loads((cache / "doctor.json").read_text())
    assert content["versions"]["jaxlib"] == running().jaxlib
    assert content["constants"]["source"] == "package"
    assert content["constants"]["table"] == constants_in_use().table
    assert {"python", "jax", "numpy", "python-flint"} <= {*content["versions"]}
    assert content["devices"]
    assert set(content["found"]) == set(DEFAULT_PATHS)
    said = "".join(result.stdout.split())
    for extra, modules in content["missing"].items():
        assert all(module in said for module in modules)
        assert f"pipinstall'lrgd-jax[{extra}]'" in said


def test_every_place_that_is_read_unless_another_is_named_is_looked_at():
    named = {
        path.rstrip(".,")
        for file in (ROOT / "lrgd_jax").rglob("*.py")
        for path in re.findall(r"\.\./shared/data/[\w./-]+", file.read_text())
    }
    assert named == set(DEFAULT_PATHS)


def test_every_extra_is_said_to_be_for_something():
    assert set(PURPOSES) == set(OPTIONAL)


def test_what_is_not_known_is_measured_once_and_used_from_then_on(elsewhere):
    assert constants_in_use().source == "largest"
    first = _run("--json", elsewhere / "doctor.json")
    assert first.exit_code == 0, first.output
    file = record_file(ELSEWHERE)
    assert json.loads((elsewhere / "doctor.json").read_text())["constants"]["source"] == "cache"
    assert (constants_in_use().source, constants_in_use().stacks) == ("cache", (ELSEWHERE,))
    assert {*constants_in_use().table} == {*measuring.FUNCTIONS}
    before = file.stat().st_mtime_ns
    assert _run().exit_code == 0
    assert file.stat().st_mtime_ns == before


def test_a_damaged_file_is_refused_in_one_line_and_measured_again(elsewhere):
    file = record_file(ELSEWHERE)
    file.parent.mkdir(parents=True)
    file.write_text('{"jaxlib": ')
    result = _run()
    assert result.exit_code == 0
    assert f"{file} is damaged" in result.stderr
    assert "measured again" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    constants_in_use.cache_clear()
    assert (constants_in_use().source, constants_in_use().refused) == ("cache", None)


def test_measuring_can_be_asked_for(cache):
    assert _run("--measure").exit_code == 0
    own = next(record for record in packaged_records() if record.stack == running()).constants
    found = constants_in_use()
    assert found.source == "cache"
    assert all(found.table[name][form] >= x for name, row in own.items() for form, x in row.items())


def test_a_cache_that_cannot_be_written_is_named(elsewhere):
    (elsewhere / "cache").write_text("a file in the place of a folder")
    result = _run()
    assert result.exit_code == 2
    assert str(record_file(ELSEWHERE)) in result.stderr
