"""An append-only log of changes beside a saved recommender: what was acknowledged survives a crash, whole."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from lrgd_jax.outside.json_files import parse_json
from lrgd_jax.recommend.serving.changes import Change, describe_change, restore_change

__all__ = ["UpdateLog", "log_of"]

FORMAT = "lrgd-updates-1"
PATIENCE = 5.0
"""Seconds for which another process's write is waited for."""

TABLES = (
    "CREATE TABLE about (format TEXT NOT NULL)",
    # a recommender's file by its SHA-256, and how many of the changes it holds already
    "CREATE TABLE models (digest TEXT PRIMARY KEY, changes INTEGER NOT NULL)",
    "CREATE TABLE changes (number INTEGER PRIMARY KEY, content TEXT NOT NULL)",
)


def log_of(model: Path) -> Path:
    """Where the log of a recommender's file is: beside the file itself, also where `model` is a link to it.

    Examples:
        >>> log_of(Path("/shop/m.npz")).name
        'm.npz.updates'
    """
    return Path(f"{os.path.realpath(model)}.updates")


class UpdateLog:
    """Changes in their order, each in a transaction of its own that is on the disk when it is acknowledged.

    SQLite with a write-ahead log; each commit waits for the disk (`synchronous=FULL`). One process writes at a time,
    the others wait for `PATIENCE` seconds. What was deleted is overwritten with zeros.

    Args:
        file: the log.
        new: whether it may be made; else it must be there.

    Raises:
        ValueError: it is no log, one of another format, damaged, or locked by another process.
        OSError: it cannot be opened.

    Source:
        https://www.sqlite.org/wal.html; https://www.sqlite.org/pragma.html#pragma_synchronous.
    """

    def __init__(self, file: Path, *, new: bool = False) -> None:
        self.file, self._seen = file, -1
        if not file.exists() and not new:
            raise FileNotFoundError(f"there is no log {file}")
        with self._sentences():
            self._rows = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            with self._sentences():
                self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the file; the last one who does leaves one file in place of three."""
        self._rows.close()

    def started_by(self, digest: str, *, first: bool = False) -> int | None:
        """How many changes a recommender's file holds already; None where the log is of another file.

        Args:
            digest: the SHA-256 of the file.
            first: whether a log of no file yet becomes the log of this one.
        """
        with self._sentences():
            known = dict(self._rows.execute("SELECT digest, changes FROM models").fetchall())
        if first and not known:
            with self.turn():
                if not self._rows.execute("SELECT 1 FROM models").fetchone():
                    self.accept(digest, 0)
            return self.started_by(digest)
        # without a file there are no changes either
        return known.get(digest) if known else 0

    def count(self) -> int:
        """The number of the latest change; changes are numbered from 1."""
        with self._sentences():
            latest = (
                "SELECT max((SELECT ifnull(max(number), 0) FROM changes), (SELECT ifnull(max(changes), 0) FROM models))"
            )
            return self._rows.execute(latest).fetchone()[0]

    def changed(self) -> bool:
        """Whether another process may have written since this was asked before."""
        with self._sentences():
            version = self._rows.execute("PRAGMA data_version").fetchone()[0]
        changed, self._seen = version != self._seen, version
        return changed

    def after(self, number: int) -> list[tuple[int, Change]]:
        """The changes after one, in their order.

        Raises:
            ValueError: some of them are in the recommender's file and no longer here, or one is damaged.
        """
        with self._sentences():
            rows = self._rows.execute("SELECT number, content FROM changes WHERE number > ? ORDER BY number", (number,))
            found = rows.fetchall()
            latest = self.count()
        if [row[0] for row in found] != list(range(number + 1, latest + 1)):
            raise ValueError(
                f"{self.file} lacks changes between {number} and {latest}; where another process has written them into "
                "the recommender's file, open that again"
            )
        return [(row[0], self._restore(*row)) for row in found]

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """The only writer while the block lasts: what it appends is on the disk after it, or nothing of it is.

        Raises:
            ValueError: another process is writing for longer than is waited.
        """
        with self._sentences():
            self._rows.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._rows.execute("COMMIT")
            except BaseException:
                if self._rows.in_transaction:
                    self._rows.execute("ROLLBACK")
                raise

    def append(self, change: Change) -> int:
        """One more change, inside a `turn`; its number.

        Raises:
            ValueError: it could not be read again, as half a surrogate pair in a name cannot.
        """
        number, content = self.count() + 1, json.dumps(describe_change(change))
        self._restore(number, content)
        self._rows.execute("INSERT INTO changes VALUES (?, ?)", (number, content))
        return number

    def accept(self, digest: str, changes: int) -> None:
        """A file that holds so many changes may be continued from now on, too; inside a `turn`."""
        self._rows.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (digest, changes))

    def forget_before(self, digest: str) -> None:
        """Deletes, inside a `turn`, the changes that a file holds already, and all other files' names."""
        held = self.started_by(digest)
        self._rows.execute("DELETE FROM changes WHERE number <= ?", (held,))
        self._rows.execute("DELETE FROM models WHERE digest <> ?", (digest,))

    def empty_journal(self) -> None:
        """Moves everything into the one file, so that what was deleted is nowhere any more."""
        with self._sentences():
            self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _prepare(self) -> None:
        for pragma in ("secure_delete = ON", "journal_mode = WAL", "synchronous = FULL"):
            self._rows.execute(f"PRAGMA {pragma}").fetchall()
        if not self._tables():
            with self.turn():
                # another process may have been first
                if not self._tables():
                    for table in TABLES:
                        self._rows.execute(table)
                    self._rows.execute("INSERT INTO about VALUES (?)", (FORMAT,))
        row = self._rows.execute("SELECT format FROM about").fetchone() if "about" in self._tables() else None
        if row is None or row[0] != FORMAT:
            came = "none" if row is None else str(row[0])[:60]
            raise ValueError(f"{self.file} is no log of the format {FORMAT} (its format is {came}); move it away")

    def _tables(self) -> set[str]:
        return {row[0] for row in self._rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def _restore(self, number: int, content: object) -> Change:
        where = f"{self.file}: change {number}"
        if not isinstance(content, str):
            raise ValueError(f"{where}: expected a text")
        return restore_change(parse_json(content, dict[str, object], where=where), where=where)

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """Errors of SQLite as sentences about the file."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise ValueError(
                    f"{self.file} is locked by another process for longer than {PATIENCE:g} s; wait for it, or end it"
                ) from None
            raise OSError(f"{self.file} cannot be read or written ({error}); nothing was changed") from None
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{self.file} is damaged ({error}); move it away, or bring it back from a copy") from None
