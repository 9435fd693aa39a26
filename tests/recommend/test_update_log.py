"""The log beside a saved recommender: what was acknowledged is there after any end, whole, in one order for all."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recommend import killed_writers
from recommend.histories import histories

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.serving import update_log
from lrgd_jax.recommend.serving.recommender import Recommender
from lrgd_jax.recommend.serving.storage import load_recommender, save_recommender

ITEMS = killed_writers.ITEMS
USERS = [f"user {u}" for u in range(9)]
CATALOGUE = Catalogue(tuple(f"item-{k}" for k in range(ITEMS)), tuple(f"thing {k % 5}" for k in range(ITEMS)))


@pytest.fixture
def file(tmp_path):
    save_recommender(Recommender(CATALOGUE).fit(histories(items=ITEMS), USERS), tmp_path / "m.npz")
    return tmp_path / "m.npz"


def log_rows(file, statement="SELECT content FROM changes ORDER BY number"):
    rows = sqlite3.connect(f"{file}.updates")
    try:
        return rows.execute(statement).fetchall()
    finally:
        rows.close()


def same_state(one, other):
    """Bit by bit: sums, counts of items, histories with their baskets, and who is there."""
    left, right = one.memory, other.memory
    lists = left.sequences(), right.sequences()
    assert [*left.histories] == [*right.histories]
    assert np.array_equal(left.sums().toarray(), right.sums().toarray())
    assert all(np.array_equal(getattr(lists[0], x), getattr(lists[1], x)) for x in ("starts", "items", "before"))
    assert one.catalogue.names == other.catalogue.names
    assert np.array_equal(one.model.scores(lists[0]), other.model.scores(lists[1]))


def refit(recommender):
    memory = recommender.memory
    fresh = Recommender(recommender.catalogue, recommender.meta)
    return fresh.fit(memory.sequences(), [*memory.histories], memory.rates())


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_ten_kills_lose_no_acknowledged_update_and_leave_none_by_half(file):
    program = [sys.executable, str(Path(killed_writers.__file__)), str(file), "7"]
    told = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120).stdout.split()
    assert len(set(told)) == len(told) >= killed_writers.KILLS
    kept = [json.loads(row[0]) for row in log_rows(file)]
    there = {(x["items"][0] + ITEMS * x["items"][1] + ITEMS**2 * x["items"][2]): x for x in kept}
    assert {int(number) for number in told} <= set(there)
    # each kill may leave one that was written and could not be said
    assert len(kept) == len(there) <= len(told) + killed_writers.KILLS
    again, never_killed = load_recommender(file), Recommender(CATALOGUE).fit(histories(items=ITEMS), USERS)
    for number, described in there.items():
        assert (described["user"], described["items"]) == killed_writers.content(number)
        never_killed.update(described["user"], described["items"], together=described["together"])
    same_state(again, never_killed)
    same_state(again, refit(again))


def test_a_closed_or_merely_loaded_recommender_keeps_nothing(file):
    opened = Recommender.open(file).update("user 1", ["item-3"])
    load_recommender(file).update("user 1", ["item-4"])
    opened.close()
    opened.update("user 1", ["item-5"])
    assert load_recommender(file).history("user 1")[-1] == 3
    with pytest.raises(ValueError, match="it was not opened"):
        load_recommender(file).compact()


def test_two_who_write_see_one_order(file):
    one, other = Recommender.open(file), Recommender.open(file)
    one.update("user 1", [3, 4]).update("new", [5])
    assert other.history("new") == [5]
    other.erase("new").add_items(["rope"], ["thing 3"])
    with pytest.raises(ValueError, match="no user 'new'"):
        one.erase("new")
    one.update("user 2", ["rope", 1], together=True)
    other.recommend("user 2", 3)
    same_state(one, other)
    same_state(one, load_recommender(file))
    same_state(one, refit(one))


def test_a_refused_change_is_in_no_log(file):
    opened = Recommender.open(file)
    for wrong in (
        lambda: opened.update("user 1", ["item-3", "item-99"]),
        lambda: opened.update("user 1", [3, ITEMS]),
        lambda: opened.update("user 1", [3], [5]),
        lambda: opened.update("half \ud800", [3]),
        lambda: opened.erase("nobody"),
        lambda: opened.add_items(["item-3"]),
        lambda: opened.add_items(["rope"], vectors=np.ones((1, 2))),
        lambda: opened.add_items(["rope", "tent"], ["only one"]),
    ):
        with pytest.raises(ValueError, match=r"\S"):
            wrong()
    assert log_rows(file) == []
    assert "half \ud800" not in opened.memory.histories


def test_a_change_that_the_disk_refuses_did_not_happen(file, monkeypatch):
    opened = Recommender.open(file)
    before = opened.history("user 1")

    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    monkeypatch.setattr(update_log, "describe_change", lambda change: (_ for _ in ()).throw(error))
    with pytest.raises(OSError, match="disk is full"):
        opened.update("user 1", [3])
    assert opened.history("user 1") == before
    monkeypatch.undo()
    assert opened.update("user 1", [3]).history("user 1") == [*before, 3]


def test_compacting_moves_the_log_into_the_file(file):
    opened, other = Recommender.open(file), Recommender.open(file)
    opened.update("secret name", [3, 4]).update("user 1", [5]).erase("secret name")
    assert b"secret name" in b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert other.history("user 1")[-1] == 5
    opened.compact()
    assert log_rows(file) == []
    assert not any(b"secret name" in path.read_bytes() for path in file.parent.iterdir())
    other.update("user 1", [6])
    same_state(opened, other)
    same_state(opened, load_recommender(file))
    # whoever did not follow while changes were deleted is told
    late = Recommender.open(file)
    other.update("user 1", [7]).compact()
    with pytest.raises(ValueError, match="open that again"):
        late.history("user 1")


def test_a_killed_compaction_leaves_either_file_with_all_changes(file, monkeypatch):
    opened, old = Recommender.open(file).update("user 1", [3]), file.read_bytes()
    opened.compact()
    new = file.read_bytes()
    opened.update("user 1", [4])
    rows = sqlite3.connect(f"{file}.updates")
    # as it stood between the commit and the deletion
    rows.execute("INSERT INTO changes VALUES (1, ?)", ('{"kind": "interactions", "user": "user 1", "items": [3]}',))
    rows.execute("INSERT INTO models VALUES (?, 0)", (hashlib.sha256(old).hexdigest(),))
    rows.commit()
    rows.close()
    for content in (old, new):
        file.write_bytes(content)
        assert load_recommender(file).history("user 1")[-2:] == [3, 4]


def test_logs_that_do_not_belong_are_refused(file, tmp_path):
    Recommender.open(file).update("user 1", [3]).close()
    with pytest.raises(ValueError, match="would lose them; give another name"):
        save_recommender(load_recommender(file), file)
    other = tmp_path / "other.npz"
    save_recommender(Recommender(CATALOGUE).fit(histories(seed=5, items=ITEMS), USERS), other)
    shutil.copy(f"{file}.updates", f"{other}.updates")
    for read in (load_recommender, Recommender.open):
        with pytest.raises(ValueError, match="is the log of another recommender"):
            read(other)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE about SET format = 'lrgd-updates-9'", r"no log of the format lrgd-updates-1 \(its format is lrgd-u"),
        ("DROP TABLE about", "no log of the format"),
        ("UPDATE changes SET content = '{'", "change 1 is not JSON"),
        ("""UPDATE changes SET content = '{"kind": "magic"}'""", "kind: expected one of interactions"),
        ("""UPDATE changes SET content = '{"kind": "erasure", "user": 3}'""", "expected a text|expected `?str"),
        ("""UPDATE changes SET content = '{"kind": "erasure", "user": "nobody"}'""", "no user 'nobody'"),
        ("UPDATE changes SET content = x'00ff'", "change 1: expected a text"),
        ("UPDATE changes SET number = 7", "lacks changes between 0 and 7"),
    ],
)
def test_damaged_logs_are_named(file, statement, message):
    Recommender.open(file).update("user 1", [3]).close()
    rows = sqlite3.connect(f"{file}.updates")
    rows.execute(statement)
    rows.commit()
    rows.close()
    for read in (load_recommender, Recommender.open):
        with pytest.raises(ValueError, match=message):
            read(file)


def test_what_is_no_log_at_all_is_named_and_a_locked_one_too(file, monkeypatch):
    monkeypatch.setattr(update_log, "PATIENCE", 0.05)
    opened = Recommender.open(file)
    rows = sqlite3.connect(f"{file}.updates", isolation_level=None)
    rows.execute("BEGIN IMMEDIATE")
    with pytest.raises(ValueError, match=r"is locked by another process for longer than 0\.05 s"):
        opened.update("user 1", [3])
    rows.execute("ROLLBACK")
    rows.close()
    opened.update("user 1", [3]).close()
    Path(f"{file}.updates").write_bytes(b"no database, but as long as the head of one must be" * 20)
    with pytest.raises(ValueError, match="is damaged"):
        Recommender.open(file)


def test_an_empty_log_is_as_none(file):
    Path(f"{file}.updates").touch()
    assert load_recommender(file).history("user 1") == Recommender.open(file).history("user 1")
