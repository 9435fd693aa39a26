"""Runs: resumed after kills they give the same bytes; no other run is overwritten; what is no row is named."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from lrgd_jax import atomic, experiments
from lrgd_jax.executors import local_processes
from lrgd_jax.experiments.running import config as configs
from lrgd_jax.experiments.running import registry, results, runner, units
from lrgd_jax.outside.digests import file_digest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMPARED = (results.RESULTS, results.SUMMARY, results.CONFIG, results.RUN)

# kills itself at a given moment: 2 n - 1 is before the n-th file gets its name, 2 n just after
CHILD = """
import os, signal, sys
from lrgd_jax import experiments
from lrgd_jax.cli import main

experiments.register("counting", "counting")
out, moment = sys.argv[1], int(sys.argv[2])
rename, moments = os.replace, 0

def replace(*arguments):
    global moments
    for act in (lambda: None, lambda: rename(*arguments)):
        act()
        moments += 1
        if moments == moment:
            os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace
sys.argv = ["lrgd", "experiment", "counting", "--out", out, "--resume", *sys.argv[3:]]
main()
"""


@pytest.fixture(autouse=True)
def counting(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setattr(registry, "_registered", {})
    experiments.register("counting", "counting")
    return cast(Any, experiments.find("counting"))


def child(out, moment=0, *options, pause=0.0):
    path = os.pathsep.join([str(HERE), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "COUNTING_PAUSE": str(pause)}
    command = [sys.executable, "-c", CHILD, str(out), str(moment), *options]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed(out, moment, *options):
    process = child(out, moment, *options)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def finished(out, *options):
    process = child(out, 0, *options)
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def same_bytes(one, other):
    for name in COMPARED:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    left = {path.name for path in other.rglob("*")}
    assert left == {path.name for path in one.rglob("*")}
    assert not any(name.startswith(atomic.UNFINISHED) for name in left)


def test_a_run_that_was_killed_twice_gives_the_same_bytes(tmp_path, counting):
    runner.run("counting", counting.Config(), tmp_path / "whole")
    out = tmp_path / "killed"
    killed(out, 9)  # while the second unit is being written
    assert list((out / "units").glob(f"{atomic.UNFINISHED}*"))
    assert len(list((out / "units").glob("seed*.parquet"))) == 1
    killed(out, 22)  # between results and summary
    assert (out / results.RESULTS).exists()
    assert not (out / results.SUMMARY).exists()
    finished(out)
    same_bytes(tmp_path / "whole", out)


@pytest.mark.slow
def test_a_run_that_was_killed_ten_times_gives_the_same_bytes(tmp_path, counting):
    runner.run("counting", dataclasses.replace(counting.Config(), seeds=8), tmp_path / "whole")
    out, options = tmp_path / "killed", ("--seeds", "8")
    for moment in (1, 2, 3, 4, 3, 6, 1):
        killed(out, moment, *options)
    for _ in range(3):
        # from outside, whatever it is doing once it has finished another unit
        before = len(list(out.glob("units/seed*.parquet")))
        process = child(out, 0, *options, pause=0.3)
        while len(list(out.glob("units/seed*.parquet"))) == before and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    finished(out, *options)
    same_bytes(tmp_path / "whole", out)


def test_other_processes_write_the_same_bytes(tmp_path, counting):
    runner.run("counting", counting.Config(), tmp_path / "here")
    seen = []
    with local_processes(2) as executor:
        elsewhere = tmp_path / "elsewhere"
        runner.run("counting", counting.Config(), elsewhere, executor=executor, progress=lambda *x: seen.append(x[1:]))
    same_bytes(tmp_path / "here", elsewhere)
    assert seen == [(done, 6) for done in range(7)]


def test_what_is_done_is_kept_when_another_process_fails(tmp_path, counting, monkeypatch):
    names = counting.units(counting.Config())
    real = counting.run_unit

    def fails(config, unit):
        if unit == names[2]:
            raise FileNotFoundError("no data")
        return real(config, unit)

    monkeypatch.setattr(counting, "run_unit", fails)
    # one thread in the place of processes, where the fault is not
    with ThreadPoolExecutor(1) as executor, pytest.raises(FileNotFoundError, match="no data"):
        runner.run("counting", counting.Config(), tmp_path, executor=executor)
    written = {path.stem for path in (tmp_path / results.UNITS).iterdir()}
    assert {results.unit_file(tmp_path, unit).stem for unit in names[:2]} <= written
    assert results.unit_file(tmp_path, names[2]).stem not in written


def test_a_process_of_other_versions_computes_nothing(tmp_path, counting, monkeypatch):
    real = results.environment()
    there = {**real, "versions": {**real["versions"], "jax": "0.0"}}
    environments = iter([real, *([there] * 100)])
    monkeypatch.setattr(units, "environment", lambda: next(environments))
    with ThreadPoolExecutor(1) as executor, pytest.raises(ValueError, match=r"differs.*versions\.jax \(.* and 0\.0\)"):
        runner.run("counting", counting.Config(), tmp_path / "out", executor=executor)
    assert not (tmp_path / "out").exists()


def test_a_process_that_is_killed_is_named(tmp_path, counting):
    class Killed(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("a process was terminated"))
            return future

    with (
        Killed(1) as executor,
        pytest.raises(ValueError, match=r"perhaps for the memory.*--resume and fewer processes"),
    ):
        runner.run("counting", counting.Config(), tmp_path, executor=executor)


def test_what_a_run_writes(tmp_path, counting):
    seen = []
    config = dataclasses.replace(counting.Config(), seeds=2)
    run = runner.run("counting", config, tmp_path / "out", progress=lambda *x: seen.append(x))
    assert seen == [(unit, k, 4) for k, unit in enumerate(counting.units(config))]
    content = json.loads((tmp_path / "out" / results.SUMMARY).read_text())
    assert content["experiment"] == "counting"
    assert content["seeds"] == 2
    assert content["config"]["sizes"] == [1, 2]
    assert set(content["versions"]) >= {"lrgd_jax", "jax", "numpy", "python"}
    assert content["device"]["count"] >= 1
    assert (content["units"], content["rows"], content["not_finite"]) == (4, 6, {})
    assert content["summary"] == run.summary
    frame = pl.read_parquet(tmp_path / "out" / results.RESULTS)
    assert frame.columns == ["seed", "k", "x", "even", "half", "note"]
    assert frame.schema["half"] == pl.Float64
    assert "note" not in run.rows[0]
    assert runner.load_run(tmp_path / "out") == run
    timings = (tmp_path / "out" / results.TIMINGS).read_text().splitlines()
    assert [json.loads(line)["unit"] for line in timings] == counting.units(config)


def test_finished_units_are_not_computed_again(tmp_path, counting, monkeypatch):
    first = runner.run("counting", counting.Config(), tmp_path)
    monkeypatch.setattr(counting, "run_unit", lambda *_: pytest.fail("computed again"))
    assert runner.run("counting", counting.Config(), tmp_path, resume=True) == first


def test_another_run_is_never_overwritten(tmp_path, counting):
    runner.run("counting", counting.Config(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = dataclasses.replace(counting.Config(), seeds=2, scale=0.5)
    with pytest.raises(ValueError, match="already holds a run"):
        runner.run("counting", counting.Config(), tmp_path)
    with pytest.raises(ValueError, match=r"differ: seeds \(3 and 2\), scale \(0.1 and 0.5\)"):
        runner.run("counting", other, tmp_path, resume=True)
    experiments.register("second", "counting")
    with pytest.raises(ValueError, match="run of 'counting', not of 'second'"):
        runner.run("second", counting.Config(), tmp_path, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_rows_of_two_versions_are_not_mixed(tmp_path, counting, monkeypatch):
    runner.run("counting", counting.Config(), tmp_path)
    now = runner.environment()
    monkeypatch.setattr(runner, "environment", lambda: {**now, "versions": {**now["versions"], "jax": "9"}})
    with pytest.raises(ValueError, match=r"versions.jax \(.* and 9\)"):
        runner.run("counting", counting.Config(), tmp_path, resume=True)


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
def test_two_processes_do_not_write_into_one_folder(tmp_path, counting):
    with results.alone(tmp_path), pytest.raises(ValueError, match="another process is at work"):
        runner.run("counting", counting.Config(), tmp_path, resume=True)
    assert list(tmp_path.iterdir()) == []
    runner.run("counting", counting.Config(), tmp_path, resume=True)


def test_units_without_their_configuration_are_not_taken_over(tmp_path, counting):
    runner.run("counting", counting.Config(), tmp_path)
    (tmp_path / results.CONFIG).unlink()
    with pytest.raises(ValueError, match="not what they belong to"):
        runner.run("counting", counting.Config(), tmp_path, resume=True)


def test_a_damaged_unit_is_named(tmp_path, counting):
    runner.run("counting", counting.Config(), tmp_path)
    damaged = results.unit_file(tmp_path, "seed=1/size=2")
    damaged.write_bytes(damaged.read_bytes()[:20])
    with pytest.raises(ValueError, match=r"seed=1%2Fsize=2\.parquet is damaged .*; delete it and run with --resume"):
        runner.run("counting", counting.Config(), tmp_path, resume=True)
    damaged.unlink()
    runner.run("counting", counting.Config(), tmp_path, resume=True)


def test_files_of_a_run_that_are_not_those_that_were_written_are_refused(tmp_path, counting):
    runner.run("counting", counting.QUICK, tmp_path)
    unit = results.unit_file(tmp_path, counting.units(counting.QUICK)[0])
    # whole tables, but with other rows
    for file in (tmp_path / results.RESULTS, unit):
        written = file_digest(file)
        results.write_rows(file, [{**row, "x": 7.0} for row in results.read_rows(file)])
        with pytest.raises(ValueError, match=f"{file.name} is damaged .* run.json says {written}"):
            runner.load_run(tmp_path) if file != unit else runner.run("counting", counting.QUICK, tmp_path, resume=True)


def test_a_unit_without_a_digest_is_computed_anew(tmp_path, counting):
    """Killed between the unit and the note of its digest, or written by a version that noted none."""
    first = runner.run("counting", counting.QUICK, tmp_path)
    before = (tmp_path / results.RUN).read_bytes()
    content = json.loads(before)
    del content["digests"]
    (tmp_path / results.RUN).write_text(json.dumps(content, indent=2))
    with pytest.raises(ValueError, match=r"run\.json holds no digest of it"):
        runner.load_run(tmp_path)
    results.write_rows(results.unit_file(tmp_path, counting.units(counting.QUICK)[0]), [{"x": 7.0}])
    assert runner.run("counting", counting.QUICK, tmp_path, resume=True) == first
    assert (tmp_path / results.RUN).read_bytes() == before


def test_loading_what_is_no_finished_run(tmp_path, counting):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        runner.load_run(tmp_path)
    runner.run("counting", counting.Config(), tmp_path)
    (tmp_path / results.SUMMARY).unlink()
    with pytest.raises(FileNotFoundError, match="not finished"):
        runner.load_run(tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows"),
        ([{"x": [1]}], "column 'x': expected a number, a string or a boolean, got list"),
        ([{"x": np.ones(2)}], "got ndarray"),
        ([{"x": 1}, {"x": "a"}], "column 'x' mixes int, str"),
        ([{"x": True}, {"x": 1}], "column 'x' mixes bool, int"),
    ],
)
def test_what_is_no_row_is_named(tmp_path, counting, monkeypatch, rows, message):
    monkeypatch.setattr(counting, "run_unit", lambda *_: rows)
    with pytest.raises(ValueError, match=message):
        runner.run("counting", counting.QUICK, tmp_path)
    assert not (tmp_path / results.RESULTS).exists()


@pytest.mark.parametrize("before", [None, (), ("mine.txt",)])
def test_a_run_that_fails_at_once_leaves_nothing_and_a_later_failure_keeps_what_is_done(
    tmp_path, counting, monkeypatch, before
):
    out, real = tmp_path / "out", counting.run_unit
    if before is not None:
        out.mkdir()
        for name in before:
            (out / name).write_text("kept")

    def fails(config, unit):
        if unit == failing:
            raise FileNotFoundError("no data")
        return real(config, unit)

    monkeypatch.setattr(counting, "run_unit", fails)
    for failing in counting.units(counting.QUICK):
        with pytest.raises(FileNotFoundError, match="no data"):
            runner.run("counting", counting.QUICK, out)
        if failing == counting.units(counting.QUICK)[0]:
            assert out.exists() == (before is not None)
            assert tuple(path.name for path in tmp_path.glob("out/*")) == (before or ())
    # a resumed run that fails again keeps what is done too
    with pytest.raises(FileNotFoundError, match="no data"):
        runner.run("counting", counting.QUICK, out, resume=True)
    assert len(list((out / results.UNITS).iterdir())) == 1


def test_numbers_of_numpy_and_jax_are_numbers_and_infinities_are_counted(tmp_path, counting, monkeypatch):
    row = {"a": np.float32(0.5), "b": jnp.int32(2), "c": np.bool_(True), "d": float("inf")}
    monkeypatch.setattr(counting, "run_unit", lambda *_: [row])
    monkeypatch.setattr(counting, "summary", lambda *_: {"d": float("nan")})
    run = runner.run("counting", counting.QUICK, tmp_path)
    assert run.rows[0] == {"a": 0.5, "b": 2, "c": True, "d": float("inf")}
    assert json.loads((tmp_path / results.SUMMARY).read_text())["not_finite"] == {"d": 2}
    assert run.summary == {"d": None}


def test_two_units_of_one_name_are_refused(tmp_path, counting, monkeypatch):
    monkeypatch.setattr(counting, "units", lambda _: ["a", "a"])
    with pytest.raises(ValueError, match="two units are called 'a'"):
        runner.run("counting", counting.QUICK, tmp_path)


def test_the_dtype_of_a_configuration_sets_the_precision(tmp_path, counting, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Config:
        seeds: int = 1
        dtype: str = "float32"

    monkeypatch.setattr(counting, "Config", Config)
    monkeypatch.setattr(counting, "units", lambda _: ["one"])
    monkeypatch.setattr(counting, "run_unit", lambda *_: [{"x": 1.0, "dtype": str(jnp.zeros(()).dtype)}])
    assert runner.run("counting", Config(), tmp_path / "32").rows[0]["dtype"] == "float32"
    assert runner.run("counting", Config(dtype="float64"), tmp_path / "64").rows[0]["dtype"] == "float64"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "x.json"
    atomic.write_text(file, "old")

    def fail_halfway():
        with atomic.atomic_write(file) as written:
            written.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("seeds=7", "seeds", 7),
        ("scale=2", "scale", 2.0),
        ("scale = 1e-3", "scale", 1e-3),
        ("squared=true", "squared", True),
        ("label=plain words", "label", "plain words"),
        ("label=3", "label", "3"),
        ('label="a = b"', "label", "a = b"),
        ("sizes=4,5", "sizes", (4, 5)),
        ("sizes=[4, 5]", "sizes", (4, 5)),
        ("sizes=4", "sizes", (4,)),
        ("kind=uniform", "kind", "uniform"),
        ("rate=0.5", "rate", 0.5),
    ],
)
def test_an_override_is_read_as_its_field(counting, text, field, value):
    config = configs.resolve(counting, overrides=[text])
    assert getattr(config, field) == value
    assert type(getattr(config, field)) is type(value)
    assert configs.differing(config, counting.Config()) != []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sead=1", "unknown key 'sead'; known are seeds, sizes"),
        ("seeds", "expected key=value"),
        ("seeds=0.5", "--set seeds must be a whole number, got 0.5"),
        ("seeds=true", "must be a whole number, got true"),
        ("seeds=0", "seeds must be at least 1, got 0"),
        ("seeds=", "must be a whole number"),
        ("scale=fast", 'must be a number, got "fast"'),
        ("scale=inf", "must be a number"),
        ("scale=-1.0", "counting: scale must be positive"),
        ("squared=1", "must be true or false, got 1"),
        ("sizes=1,a", "a list, each entry a whole number"),
        ("kind=other", 'one of "normal", "uniform"'),
        ("seeds=1\nscale=2", "must be a whole number"),
    ],
)
def test_a_wrong_override_is_named(counting, text, message):
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        configs.resolve(counting, overrides=[text])


def test_a_file_then_overrides_then_seeds(counting, tmp_path):
    file = tmp_path / "x.toml"
    file.write_text('seeds = 5\nscale = 3\nsizes = [9]\nlabel = "file"\n')
    config = configs.resolve(counting, quick=True, file=file, overrides=["scale=4"], seeds=2)
    assert (config.seeds, config.scale, config.sizes, config.label) == (2, 4.0, (9,), "file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a =", "is not TOML"),
        ("other = 1", "unknown key 'other'; known are seeds"),
        ("seeds = 1.5", "seeds must be a whole number, got 1.5"),
        ("[seeds]\nx = 1", "seeds must be a whole number"),
    ],
)
def test_a_wrong_file_is_named(counting, tmp_path, content, message):
    file = tmp_path / "x.toml"
    file.write_text(content)
    with pytest.raises(ValueError, match=message):
        configs.resolve(counting, file=file)


@pytest.mark.parametrize("content", ["n" * 4096 + " = 1", f"label = {[1] * 4096}", f"demonstrations = {[1] * 4096}"])
def test_a_wrong_file_is_named_in_a_short_sentence(tmp_path, content):
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(ValueError, match="config") as refused:
        configs.read_config(experiments.find("contexts"), file)
    assert len(str(refused.value)) < 800


def test_settings_given_twice(counting):
    with pytest.raises(ValueError, match="--set scale was given twice"):
        configs.resolve(counting, overrides=["scale=1", "scale=2"])
    with pytest.raises(ValueError, match="--seeds and --set seeds"):
        configs.resolve(counting, overrides=["seeds=1"], seeds=2)


def test_a_written_configuration_is_read_as_it_was(counting, tmp_path):
    config = dataclasses.replace(counting.Config(), sizes=(1, 10**12), scale=1e-300, squared=True)
    file = tmp_path / "x.toml"
    file.write_text(configs.to_toml(config), encoding="utf-8")
    assert configs.read_config(counting, file) == config


def test_the_registry(counting, monkeypatch):
    assert "random-features" in experiments.names()
    assert experiments.names()[-1] == "counting"
    with pytest.raises(ValueError, match="did you mean 'random-features'"):
        experiments.find("random-feature")
    with pytest.raises(ValueError, match="is taken by"):
        experiments.register("contexts", "counting")
    experiments.register("nothing", "no_such_module")
    with pytest.raises(ValueError, match="cannot import no_such_module"):
        experiments.find("nothing")
    monkeypatch.delattr(counting, "TITLE")
    with pytest.raises(ValueError, match="counting lacks TITLE"):
        experiments.find("counting")
