"""Compiled programs that outlive a command: where they are kept, when not, and how many."""

import os
import subprocess
import sys

import pytest

from lrgd_jax import compilation_cache
from lrgd_jax.compilation_cache import clear_programs, disable_programs, enable_programs, read_programs

FOLDER = "JAX_COMPILATION_CACHE_DIR"
VARIABLES = (FOLDER, "JAX_ENABLE_COMPILATION_CACHE", "LRGD_NO_CACHE")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lrgd-jax" / "programs"


def test_the_folder_is_in_the_users_cache_and_nobody_elses(root):
    environment = {}
    assert enable_programs(environment) is None
    folder = environment[FOLDER]
    assert os.path.dirname(folder) == str(root)
    assert os.stat(folder).st_mode & 0o077 == 0


def test_what_the_user_has_set_stays(root):
    for environment in ({FOLDER: "mine"}, {"JAX_ENABLE_COMPILATION_CACHE": "0"}):
        before = dict(environment)
        assert enable_programs(environment) is None
        assert environment == before
    assert not root.exists()


def test_another_kind_of_processor_has_another_folder(root, tmp_path, monkeypatch):
    folders = []
    for instructions in ("sse2 avx2", "sse2 avx2 avx512f"):
        described = tmp_path / "cpuinfo"
        described.write_text(f"processor\t: 0\nflags\t\t: {instructions}\nbugs\t\t: none\n")
        monkeypatch.setattr(compilation_cache, "DESCRIPTION", described)
        environment = {}
        enable_programs(environment)
        folders.append(environment[FOLDER])
    assert len({*folders}) == 2


def test_a_file_in_the_place_of_the_folder_is_said_and_nothing_is_kept(root):
    root.parent.mkdir(parents=True)
    root.write_text("")
    environment = {}
    reason = enable_programs(environment)
    assert "--no-cache" in (reason or "")
    assert environment == {}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no user ids")
def test_a_folder_of_another_user_is_not_used(root, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: os.stat(root.parents[1]).st_uid + 1)
    environment = {}
    assert "another user" in (enable_programs(environment) or "")
    assert environment == {}


def test_the_programs_used_longest_ago_go_first(root, monkeypatch):
    enable_programs(environment := {})
    folder = root / os.path.basename(environment[FOLDER])
    for age in range(6):
        (folder / f"{age}-cache").write_bytes(bytes(10))
        os.utime(folder / f"{age}-cache", (1000 - age, 1000 - age))
    monkeypatch.setattr(compilation_cache, "LIMIT", 59)
    enable_programs({})
    # down to half of the limit: the two that were used last
    assert sorted(x.name for x in folder.iterdir()) == ["0-cache", "1-cache"]
    assert (read_programs(environment).programs, read_programs(environment).size) == (2, 20)
    assert clear_programs().programs == 2
    assert not root.exists()


def test_switched_off_nothing_is_used():
    environment = {FOLDER: "mine"}
    disable_programs(environment)
    assert not read_programs(environment).enabled


def _run(home, *options):
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment |= {"XDG_CACHE_HOME": str(home)}
    command = [sys.executable, "-m", "lrgd_jax", "verify", "linear-attention", "--dtype", "float32", "--instances", "1"]
    ended = subprocess.run([*command, *options], env=environment, capture_output=True, check=True, text=True)
    return ended.stderr, list((home / "lrgd-jax").rglob("*-cache"))


def test_a_command_keeps_its_programs_and_compiles_half_a_program_anew_without_a_word(tmp_path):
    _, programs = _run(tmp_path)
    assert programs
    for file in programs:
        file.write_bytes(file.read_bytes()[:40])
    said, _ = _run(tmp_path)
    assert "cache" not in said


def test_a_command_keeps_nothing_where_it_is_told_so(tmp_path):
    _, programs = _run(tmp_path, "--no-cache")
    assert not programs
