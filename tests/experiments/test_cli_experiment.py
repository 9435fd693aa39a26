"""`lrgd experiment` and `lrgd plot`: what they print, write and refuse."""

import json
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from lrgd_jax import experiments
from lrgd_jax.cli import app
from lrgd_jax.experiments.running import registry
from lrgd_jax.report.summary_tables import summary_tables

HERE = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def counting(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setattr(registry, "_registered", {})
    experiments.register("counting", "counting")
    return cast(Any, experiments.find("counting"))


def run(*arguments):
    result = CliRunner().invoke(app, [str(x) for x in arguments], catch_exceptions=False)
    assert "Traceback" not in result.output
    return result


def complained(result, *messages):
    assert result.exit_code == 2
    for message in messages:
        assert message in result.stderr
    assert result.stderr.startswith("lrgd: ")
    assert len(result.stderr.strip().splitlines()) == 1


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_a_name_all_are_listed(tmp_path):
    result = run("experiment", "--json", tmp_path / "all.json")
    assert result.exit_code == 0
    titles = json.loads((tmp_path / "all.json").read_text())["experiments"]
    assert list(titles) == experiments.names()
    assert titles["contexts"] == experiments.find("contexts").TITLE
    for name in experiments.names():
        assert name in result.stdout
    assert experiments.find("contexts").TITLE in result.stdout
    assert "Counting [a test]" in result.stdout


def test_one_that_cannot_be_imported_is_listed_as_such():
    experiments.register("broken", "no_such_module")
    result = run("experiment")
    assert result.exit_code == 0
    assert "cannot be run" in result.stdout


def test_a_run_prints_its_summary_and_can_be_drawn(tmp_path):
    out = tmp_path / "new" / "folder"
    settings = "--set", "sizes=2,3", "--set", "squared=true"
    result = run("experiment", "counting", "--out", out, "--quick", *settings, "--json", tmp_path / "run.json")
    assert result.exit_code == 0, result.output
    said = json.loads((tmp_path / "run.json").read_text())
    assert (said["experiment"], said["out"]) == ("counting", str(out))
    assert said["summary"] == json.loads((out / "summary.json").read_text())["summary"]
    for shown in ("mean", "nested / count", "counting: table", "lrgd plot"):
        assert shown in result.stdout
    content = json.loads((out / "summary.json").read_text())
    assert content["config"] | {"seeds": 1, "sizes": [2, 3], "squared": True} == content["config"]
    drawn = run("plot", out)
    assert drawn.exit_code == 0, drawn.output
    assert drawn.stdout.strip() == str(out / "counting.png")
    assert run("plot", out, "--format", "svg").exit_code == 0
    first = (out / "counting.svg").read_bytes()
    assert run("plot", out, "--format", "svg").exit_code == 0
    assert (out / "counting.svg").read_bytes() == first
    assert not list(out.glob(".lrgd-*"))


def test_the_configuration_of_a_run_resumes_it(tmp_path):
    out = tmp_path / "out"
    assert run("experiment", "counting", "--out", out, "--set", "scale=2", "--seeds", 2).exit_code == 0
    before = contents(out)
    again = run("experiment", "counting", "--out", out, "--resume", "--config", out / "config.toml")
    assert again.exit_code == 0, again.output
    assert contents(out) == before


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (("random-feature",), ("did you mean 'random-features'",)),
        (("counting",), ("give --out DIR",)),
        (("counting", "--out", "x", "--set", "sead=3"), ("unknown key 'sead'", "known are seeds")),
        (("counting", "--out", "x", "--set", "seeds"), ("expected key=value",)),
        (("counting", "--out", "x", "--set", "seeds=a"), ("must be a whole number",)),
        (("counting", "--out", "x", "--seeds", "0"), ("at least 1",)),
        (("counting", "--out", "x", "--config", "nowhere.toml"), ("no configuration file nowhere.toml",)),
        (("counting", "--out", "x", "--workers", "0"), ("--workers must be at least 1",)),
        (("counting", "--out", "x", "--workers", "2", "--scheduler", "tcp://a:1"), ("both given",)),
        (("counting", "--out", "x", "--scheduler", "a"), ("PROTOCOL://HOST:PORT", "tcp://127.0.0.1:8786; got 'a'")),
    ],
)
def test_wrong_input_exits_2_and_writes_nothing(arguments, messages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    complained(run("experiment", *arguments), *messages)
    assert list(tmp_path.iterdir()) == []


def test_results_are_not_overwritten(tmp_path):
    assert run("experiment", "counting", "--out", tmp_path, "--quick").exit_code == 0
    before = contents(tmp_path)
    complained(run("experiment", "counting", "--out", tmp_path, "--quick"), "already holds a run", "--resume")
    complained(
        run("experiment", "counting", "--out", tmp_path, "--resume", "--set", "squared=true"),
        "another configuration",
        "seeds (1 and 3), squared (false and true)",
        f"--config {tmp_path / 'config.toml'}",
    )
    assert contents(tmp_path) == before


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    complained(run("experiment", "counting", "--out", tmp_path / "file" / "out"), "file")
    complained(run("experiment", "counting", "--out", tmp_path / "file"), "file")
    assert (tmp_path / "file").read_text() == ""


def test_a_full_disk_is_one_message_and_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("lrgd_jax.experiments.running.results.os.replace", full)
        complained(run("experiment", "counting", "--out", tmp_path), "No space left")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_says_how_to_go_on(tmp_path, counting, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(counting, "run_unit", interrupted)
        result = run("experiment", "counting", "--out", tmp_path)
    assert result.exit_code == 130
    assert "--resume" in result.stderr
    complained(run("plot", tmp_path), "is not finished", "--resume")
    assert run("experiment", "counting", "--out", tmp_path, "--resume").exit_code == 0


def test_what_cannot_be_drawn(tmp_path, monkeypatch):
    complained(run("plot", tmp_path), "holds no run")
    complained(run("plot", tmp_path / "nowhere"), "holds no run")
    assert run("experiment", "counting", "--out", tmp_path, "--quick").exit_code == 0
    assert run("plot", tmp_path, "--format", "gif").exit_code == 2
    with monkeypatch.context() as patched:
        patched.delitem(sys.modules, "lrgd_jax.report.style", raising=False)
        patched.setitem(sys.modules, "matplotlib", None)
        complained(run("plot", tmp_path), "needs the Python package matplotlib")
    (tmp_path / "run.json").write_text("[]")
    complained(run("plot", tmp_path), "run.json")


def test_a_summary_of_records_has_a_table_each():
    summary = {"a": None, "b": [1.0, 2], "records": [{"x": 1}, {"x": 2, "y": "[z]"}]}
    plain, records = (cast(Any, table) for table in summary_tables("name", summary))
    assert [[str(cell) for cell in column.cells] for column in plain.columns] == [["a", "b"], ["not finite", "1, 2"]]
    assert [[str(cell) for cell in column.cells] for column in records.columns] == [["1", "2"], ["", "[z]"]]


def test_records_are_found_at_any_depth_and_a_wide_table_says_what_it_leaves_out():
    record = {**{f"column {k}": k for k in range(12)}, "gain": 1.0, "gain low": 0.5, "gain_high": 1.5}
    plain, records = (cast(Any, table) for table in summary_tables("name", {"a": {"b": 1, "c": [record]}}))
    assert [[str(cell) for cell in column.cells] for column in plain.columns] == [["a / b"], ["1"]]
    assert str(records.title) == "name: a / c"
    assert [str(column.header) for column in records.columns] == [f"column {k}" for k in range(9)]
    left_out = "column 9, column 10, column 11, gain, gain low, gain_high"
    assert str(records.caption) == f"6 more columns in summary.json: {left_out}"
    _, narrow = (cast(Any, table) for table in summary_tables("name", {"a": 1, "c": [{"gain": 1, "gain low": 0}]}))
    assert [str(column.header) for column in narrow.columns] == ["gain"]
