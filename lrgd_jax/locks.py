"""Who writes what: of two processes that are to write one file or folder, the second is told about the first."""

import contextlib
import datetime
import json
import os
import platform
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["LOCK", "hold", "release", "release_all", "remove_stale_locks"]

LOCK = ".lrgd-lock-"
"""How the name of a lock begins; that of what is written follows."""

_held: dict[Path, int] = {}
"""The locks of this process with their open files; a system ends a lock with its process, however that ends."""


def hold(target: Path) -> None:
    """Keeps other processes from writing a file or folder until `release_all`, or until this process ends.

    The lock lies beside the target and says who holds it. Where a file system has no locks, nobody is kept out.

    Args:
        target: which need not be there yet.

    Raises:
        ValueError: another process holds it; the message says which, where and since when.
    """
    lock = _lock_of(target)
    if sys.platform == "win32" or lock in _held:
        return
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            # whether something can be written here is asked elsewhere
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise ValueError(
                f"another process is writing {target}{_holder(lock)}; wait for it, or give another name"
            ) from None
        except OSError:
            os.close(handle)
            return
        if _is_there(lock, handle):
            break
        # whoever held it has removed it in between
        os.close(handle)
    _held[lock] = handle
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps(_own_description()).encode())


def release(target: Path) -> None:
    """Lets others write a file or folder again."""
    _release(_lock_of(target))


def release_all() -> None:
    """Lets go of everything that this process holds."""
    for lock in tuple(_held):
        _release(lock)


def _release(lock: Path) -> None:
    handle = _held.pop(lock, None)
    if handle is not None:
        with contextlib.suppress(OSError):
            lock.unlink()
        os.close(handle)


def remove_stale_locks(folder: Path) -> None:
    """Removes from a folder the locks that killed processes have left; one that is held stays.

    Args:
        folder: where something will be written.
    """
    if sys.platform == "win32":
        return
    for lock in folder.glob(f"{LOCK}*"):
        if lock in _held:
            continue
        with contextlib.suppress(OSError):
            handle = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_there(lock, handle):
                    lock.unlink()
            finally:
                os.close(handle)


def _lock_of(target: Path) -> Path:
    resolved = Path(os.path.realpath(target))
    return resolved.parent / f"{LOCK}{resolved.name}"


def _is_there(lock: Path, handle: int) -> bool:
    """Whether the file that was opened is still the one of that name."""
    with contextlib.suppress(OSError):
        return os.path.samestat(lock.stat(), os.fstat(handle))
    return False


def _own_description() -> dict[str, str | int]:
    now = datetime.datetime.now(datetime.UTC)
    return {"process": os.getpid(), "machine": platform.node(), "since": now.isoformat(" ", "seconds")}


def _holder(lock: Path) -> str:
    """Who holds a lock, as far as it says so."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        described = json.loads(lock.read_text(encoding="utf-8"))
        return ": process {process} on {machine}, since {since}".format(**described)
    return ""
