"""An experiment on the workers of a Dask scheduler: one of them is killed in mid-sweep, and the bytes are the same."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from lrgd_jax import experiments
from lrgd_jax.executors import dask_workers
from lrgd_jax.experiments.running import registry, results, runner

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

pytest.importorskip("distributed", reason="needs the extra dask")


@pytest.fixture(autouse=True)
def counting(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setattr(registry, "_registered", {})
    experiments.register("counting", "counting")
    return cast(Any, experiments.find("counting"))


@contextlib.contextmanager
def cluster(folder, workers, *options):
    """A scheduler on the loopback, and that many processes that work for it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT)]), "COUNTING_PAUSE": "0.2"}
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:

        def start(module, *arguments):
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
                env=environment,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        while not file.is_file():
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        settings = "--no-nanny", "--no-dashboard", "--local-directory", str(folder), *(options or ("--nthreads", "1"))
        yield address, [start("dask_worker", address, *settings) for _ in range(workers)]


def sweep(tmp_path, counting, workers):
    config = counting.Config(seeds=4)
    runner.run("counting", config, tmp_path / "here")
    out, alive = tmp_path / "there", []
    with cluster(tmp_path, workers) as (address, processes), dask_workers(address) as executor:

        def kill_one(unit, done, total):
            if done == 2:
                processes[0].send_signal(signal.SIGKILL)
                processes[0].wait()
            alive.append(sum(process.poll() is None for process in processes))

        runner.run("counting", config, out, executor=executor, progress=kill_one)
    assert alive[-1] == workers - 1
    for name in (results.RESULTS, results.SUMMARY, results.CONFIG, results.RUN):
        assert (tmp_path / "here" / name).read_bytes() == (out / name).read_bytes(), name


def test_a_worker_is_killed_and_nothing_is_lost(tmp_path, counting):
    sweep(tmp_path, counting, 2)


@pytest.mark.slow
def test_one_of_four_workers_is_killed_and_nothing_is_lost(tmp_path, counting):
    sweep(tmp_path, counting, 4)


@pytest.mark.parametrize(
    ("workers", "options", "seconds", "message"),
    [
        (0, (), 0.1, "has no worker after 0.1 s; start some by `dask worker"),
        (1, ("--nthreads", "2"), 30, "has 2 threads, and a worker must do one thing at a time; start workers with"),
    ],
)
def test_workers_that_cannot_be_used_are_named(tmp_path, workers, options, seconds, message):
    with cluster(tmp_path, workers, *options) as (address, _), pytest.raises(ValueError, match=re.escape(message)):
        dask_workers(address, seconds=seconds).__enter__()


def test_a_scheduler_that_does_not_answer():
    with pytest.raises(ValueError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 within 0\.5 s.*start one"):
        dask_workers("tcp://127.0.0.1:9", seconds=0.5).__enter__()
