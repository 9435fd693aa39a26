"""Files that are written whole or not at all: permissions and links stay, and so does what somebody else writes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lrgd_jax import atomic
from lrgd_jax.atomic import UNFINISHED, atomic_write, unfinished_prefix, write_text
from lrgd_jax.cli.files import require_writable
from lrgd_jax.recommend.data.imported_folder import new_folder


def mode(file):
    return stat.S_IMODE(file.stat().st_mode)


@pytest.fixture
def gone():
    """The number of a process that lives no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize("permissions", [0o600, 0o664, 0o755])
def test_a_file_that_is_replaced_leaves_its_permissions(tmp_path, permissions):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "a.txt").chmod(permissions)
    write_text(tmp_path / "a.txt", "new")
    assert ((tmp_path / "a.txt").read_text(), mode(tmp_path / "a.txt")) == ("new", permissions)


def test_a_new_file_has_the_permissions_of_new_files(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "a.txt", "new")
    assert mode(tmp_path / "a.txt") == mode(tmp_path / "plain")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path, there):
    (tmp_path / "kept").mkdir()
    target, link, other = tmp_path / "kept" / "a.txt", tmp_path / "link.txt", tmp_path / "other.txt"
    if there:
        target.write_text("old")
    link.symlink_to("kept/a.txt")
    other.symlink_to(link)
    write_text(other, "new")
    assert link.is_symlink()
    assert other.is_symlink()
    assert not target.is_symlink()
    assert target.read_text() == link.read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "kept", "link.txt", "other.txt"]


def test_links_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").is_symlink()


def test_a_pipe_is_written_into(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text(tmp_path / "pipe", "new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert [stat.S_ISFIFO(path.stat().st_mode) for path in tmp_path.iterdir()] == [True]


def test_the_ending_is_that_of_the_name_which_was_given(tmp_path):
    (tmp_path / "a.png").symlink_to("stored")
    with atomic_write(tmp_path / "a.png") as written:
        assert written.suffix == ".png"


def test_whether_a_result_can_be_written_is_asked_of_what_a_link_points_to(tmp_path):
    (tmp_path / "a.json").symlink_to("absent/a.json")
    with pytest.raises(FileNotFoundError, match=r"--json .*a\.json: there is no folder .*absent"):
        require_writable({"--json": tmp_path / "a.json"})
    require_writable({"--json": Path(os.devnull)})


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyError), atomic_write(tmp_path / "a.txt") as written:  # noqa: PT012
        written.write_text("new")
        raise KeyError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def leave(folder, prefix):
    """What a killed process leaves: a file and a folder with something in it."""
    (folder / f"{prefix}x.json").write_text("half")
    (folder / f"{prefix}y").mkdir()
    (folder / f"{prefix}y" / "part").write_text("half")


def test_what_a_killed_process_left_is_removed_and_what_others_write_is_not(tmp_path, gone):
    dead = unfinished_prefix().replace(str(os.getpid()), str(gone))
    elsewhere = f"{UNFINISHED}{'0' * 8}-{gone}-"
    for prefix in (dead, elsewhere, unfinished_prefix(), UNFINISHED, ".mine-"):
        leave(tmp_path, prefix)
    before = {path.name for path in tmp_path.iterdir()}
    write_text(tmp_path / "a.txt", "new")
    left = {path.name for path in tmp_path.iterdir()}
    assert before - left == {f"{dead}x.json", f"{dead}y"}
    leave(tmp_path, dead)
    with new_folder(tmp_path / "data"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == left | {"data"}


def test_what_is_being_written_carries_the_number_of_its_process(tmp_path):
    with atomic_write(tmp_path / "a.json") as written:
        parts = written.name.split("-")
        assert (parts[0], int(parts[2]), written.suffix) == (".lrgd", os.getpid(), ".json")
        # another write in the same folder meanwhile
        write_text(tmp_path / "b.json", "{}")
        assert written.exists()


def test_a_process_of_somebody_else_lives(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert atomic._lives(1)
