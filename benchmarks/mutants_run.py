"""Runs test files in a child of a server that has imported the libraries already, which is most of a short test's time.

The server imports nothing of this package, so every child imports the package that lies in its own copy of the tree.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LIBRARIES = "jax jax.numpy flax optax scipy.stats scipy.sparse hypothesis pytest beartype rich coverage cosmic_ray"
FLAGS = (
    *("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-rfE"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),  # the server has hypothesis
)
SERVER = multiprocessing.get_context("forkserver")
HASTY = "--xla_backend_optimization_level=0"
"""As in the Makefile: the tests of these folders mostly compile."""
HASTY_FOLDERS = ("tests/effect",)
TOO_LONG = None
"""In place of an exit code."""


class Ended(NamedTuple):
    """How a run of tests ended: pytest's exit code, or minus the signal, or `TOO_LONG`; and what it printed."""

    code: int | None
    output: str


def start_server(programs: Path, data: Path) -> None:
    """Sets what all runs share before the first of them: the cache of compiled programs, and where real data lie."""
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(programs)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    os.environ.setdefault("LRGD_DATA", str(data))
    SERVER.set_forkserver_preload(list[str](LIBRARIES.split()))


def run(tree: Path, files: Sequence[str], *, limit: float | None = None, cover: str | None = None) -> Ended:
    """Runs test files of a tree until the first failure.

    Args:
        tree: a copy of the repository.
        files: relative to it, in this order.
        limit: seconds, after which the run is killed.
        cover: folder whose lines are recorded, in `.coverage` of the tree; nothing is recorded unless given.
    """
    told = tree / f"output-{'-'.join(Path(file).stem for file in files[:1])}"
    child = SERVER.Process(target=_child, args=(str(tree), list(files), str(told), cover))
    child.start()
    child.join(limit)
    if child.is_alive():
        with contextlib.suppress(ProcessLookupError):  # it may end just now
            os.killpg(child.pid or 0, signal.SIGKILL)
        child.join()
        return Ended(TOO_LONG, told.read_text(errors="replace"))
    return Ended(child.exitcode, told.read_text(errors="replace"))


def _child(tree: str, files: list[str], told: str, cover: str | None) -> None:
    """In the child: the tree is the working directory and the first place to import from; nothing is left behind."""
    os.setsid()
    os.chdir(tree)
    file = os.open(told, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.path.insert(0, tree)
    # a mutant must never be found compiled; the unmutated tree leaves its bytecode for the copies
    sys.dont_write_bytecode = cover is None
    os.environ["PYTHONPATH"] = tree
    os.environ["XLA_FLAGS"] = HASTY if files[0].startswith(HASTY_FOLDERS) else ""
    code = _tested(files) if cover is None else _covered(files, cover)
    sys.stdout.flush()
    os._exit(code)


def _tested(files: list[str]) -> int:
    import pytest

    return int(pytest.main([*FLAGS, *files]))


def _covered(files: list[str], folder: str) -> int:
    from coverage import Coverage

    measured = Coverage(data_file=f".coverage-{Path(files[0]).stem}", source=[folder], config_file=False)
    measured.start()
    code = _tested(files)
    measured.stop()
    measured.save()
    return code
