"""Where work is done beside this process: in other processes of this machine, or by the workers of a Dask scheduler.

Both are `concurrent.futures.Executor`s, so that whoever hands out work need not know which of them does it.
"""

import contextlib
import gc
import multiprocessing
import platform
import signal
import sys
from collections.abc import Generator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from importlib import metadata
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["dask_workers", "local_processes", "was_killed"]

SECONDS = 30.0
"""How long a scheduler may take to answer, and then to have a worker."""


@contextlib.contextmanager
def local_processes(count: int) -> Generator[Executor]:
    """Processes of this machine; they are ended on leaving, whatever they are doing.

    Args:
        count: how many.

    Raises:
        ValueError: it is below one.

    Examples:
        >>> with local_processes(1) as executor:
        ...     executor.submit(abs, -2).result()
        2
    """
    if count < 1:
        raise ValueError(f"local_processes: at least one process is needed, got {count}")
    # a fork of a process that has started XLA's threads may hang; an interruption is heard by the process that asked
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        count, mp_context=context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    )
    others = multiprocessing.active_children()
    try:
        yield pool
    finally:
        own = [process for process in multiprocessing.active_children() if process not in others]
        pool.shutdown(wait=False, cancel_futures=True)
        for process in own:
            process.terminate()
            process.join()
        del pool
        # gives back the semaphores of the queues, of which Python warns where a command ends at once
        gc.collect()


@contextlib.contextmanager
def dask_workers(address: str, *, seconds: float = SECONDS) -> Generator[Executor]:
    """The workers of a Dask scheduler; one that dies has its work done by another.

    Workers need this package, in the versions that are here, and see the same files under the same paths. A scheduler
    and its workers run what they are sent, so both belong in a network that is trusted, or behind TLS, which Dask's own
    configuration sets up.

    Args:
        address: of the scheduler, such as tcp://127.0.0.1:8786.
        seconds: how long it may take to answer, and then to have a worker.

    Raises:
        ValueError: Dask is not installed, nothing answers there, it has no worker, or a worker has several threads or
            other versions.

    Examples:
        >>> with dask_workers("nowhere") as executor:
        ...     pass
        Traceback (most recent call last):
        ValueError: a scheduler's address is PROTOCOL://HOST:PORT, such as tcp://127.0.0.1:8786; got 'nowhere'
    """
    if "://" not in address:
        raise ValueError(
            f"a scheduler's address is PROTOCOL://HOST:PORT, such as tcp://127.0.0.1:8786; got {address!r}"
        )
    client = _connect(address, seconds)
    try:
        _require_workers(client, address, seconds)
        _require_versions(client)
        # the same call may be sent twice, to be done anew
        yield client.get_executor(pure=False)
    finally:
        client.close()


def was_killed(error: BaseException) -> bool:
    """Whether an error says that processes died of work, and not what the work raised.

    Examples:
        >>> was_killed(ValueError("no data"))
        False
    """
    dask = sys.modules.get("distributed")
    return isinstance(error, BrokenExecutor) or (dask is not None and isinstance(error, dask.KilledWorker))


def _connect(address: str, seconds: float) -> "Client":
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("a scheduler needs the package distributed: pip install lrgd-jax[dask]") from error
    try:
        return Client(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError) as error:  # a time that ran out is an OSError too
        raise ValueError(
            f"no Dask scheduler answers at {address} within {seconds:g} s ({error}); start one by `dask scheduler` and "
            "workers by `dask worker ADDRESS --nthreads 1 --nworkers N`"
        ) from None


def _require_workers(client: "Client", address: str, seconds: float) -> None:
    try:
        client.wait_for_workers(1, timeout=seconds)
    except TimeoutError:
        raise ValueError(
            f"the scheduler at {address} has no worker after {seconds:g} s; start some by "
            f"`dask worker {address} --nthreads 1 --nworkers N`"
        ) from None
    threads = {name: worker["nthreads"] for name, worker in client.scheduler_info(n_workers=-1)["workers"].items()}
    several = [name for name, number in threads.items() if number > 1]
    if several:
        # the precision in which JAX computes is a setting of a process
        raise ValueError(
            f"worker {several[0]} of the scheduler at {address} has {threads[several[0]]} threads, and a worker must "
            "do one thing at a time; start workers with --nthreads 1"
        )


def _require_versions(client: "Client") -> None:
    here = _versions()
    found = cast("dict[str, dict[str, str]]", client.run(_versions))
    for name, there in found.items():
        differing = [
            f"{package} ({version} and {there[package]})"
            for package, version in here.items()
            if there[package] != version
        ]
        if differing:
            raise ValueError(
                f"worker {name} has other versions than this process: {', '.join(differing)} (here and there), and "
                "what both compute would be mixed; start workers in the same environment"
            )


def _versions() -> dict[str, str]:
    """What may change a number or a verdict."""
    packages = ("lrgd-jax", "jax", "jaxlib", "numpy", "python-flint")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in packages}}
