"""Of two processes with one target the second is told about the first; a killed one keeps nobody out."""

import os
import platform
import signal
import subprocess
import sys

import pytest
from refusals import refusal, run

from lrgd_jax.locks import LOCK, hold, release_all, remove_stale_locks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
HOLDING = "import sys, time; from pathlib import Path; from lrgd_jax.locks import hold; hold(Path(sys.argv[1])); "
TABLE = "user,item\n" + "".join(f"u{u},i{(u + i) % 4}\n" for u in range(3) for i in range(4))


@pytest.fixture
def holder():
    """Starts a process that writes a target, and returns when it does."""
    started = []

    def start(target):
        program = [sys.executable, "-c", HOLDING + "print('held', flush=True); time.sleep(60)", str(target)]
        process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("target", ["m.npz", "new", "run"])
def test_the_second_is_told_about_the_first(tmp_path, holder, target):
    (tmp_path / "t.csv").write_text(TABLE)
    first = holder(tmp_path / target)
    commands = {
        "m.npz": ("recommend", "fit", "--out", tmp_path / "m.npz"),
        "new": ("data", "import", "csv", tmp_path / "t.csv", tmp_path / "new", "--ordered"),
        "run": ("verify", "no-such-claim", "--certificates", tmp_path / "run"),
    }
    if target == "run":
        (tmp_path / "run").mkdir()
    said = refusal(tmp_path, *commands[target])
    assert said.startswith(f"another process is writing {tmp_path / target}: process {first.pid} on {platform.node()}")
    assert said.endswith("; wait for it, or give another name")


def test_a_killed_process_keeps_nobody_out(tmp_path, holder):
    (tmp_path / "t.csv").write_text(TABLE)
    first = holder(tmp_path / "new")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert (tmp_path / f"{LOCK}new").exists()
    result = run("data", "import", "csv", tmp_path / "t.csv", tmp_path / "new", "--ordered")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "t.csv"]


def test_what_killed_processes_left_is_removed_and_what_is_held_stays(tmp_path, holder):
    living, dead = holder(tmp_path / "a"), holder(tmp_path / "b")
    dead.kill()
    dead.wait()
    remove_stale_locks(tmp_path)
    assert living.poll() is None
    assert [path.name for path in tmp_path.iterdir()] == [f"{LOCK}a"]
    hold(tmp_path / "c")
    remove_stale_locks(tmp_path)
    assert (tmp_path / f"{LOCK}c").exists()
    release_all()
    assert not (tmp_path / f"{LOCK}c").exists()
