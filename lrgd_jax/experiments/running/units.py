"""Units computed one by one: here, or in other processes, where what is done is kept whatever becomes of the rest."""

import contextlib
import importlib
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from typing import Any, NamedTuple, cast

import jax

from lrgd_jax.executors import was_killed
from lrgd_jax.experiments.running.interface import Experiment, Row, Settings, check_interface
from lrgd_jax.experiments.running.results import environment

__all__ = ["ComputedUnit", "compute_elsewhere", "compute_unit", "precision"]


class ComputedUnit(NamedTuple):
    """What a unit came to.

    Attributes:
        unit: its name.
        rows: its measurements, at least one.
        seconds: how long they took.
    """

    unit: str
    rows: Sequence[Row]
    seconds: float


def compute_unit(experiment: Experiment[Settings], config: Settings, unit: str) -> ComputedUnit:
    """The rows of one unit, in the precision that the configuration names.

    Raises:
        ValueError: there are none.
    """
    start = time.perf_counter()
    with precision(config):
        rows = experiment.run_unit(config, unit)
    if not rows:
        raise ValueError(f"unit {unit!r} has no rows; expected at least one")
    return ComputedUnit(unit, rows, time.perf_counter() - start)


def compute_elsewhere(
    executor: Executor, name: str, experiment: Experiment[Settings], config: Settings, units: Sequence[str]
) -> Generator[ComputedUnit]:
    """Units as they are done by other processes.

    Those that have begun when one fails are waited for and handed over too, before its error is raised.

    Args:
        executor: of processes that see the same files under the same paths (`lrgd_jax.executors`).
        name: of the experiment.
        experiment: its module, which the processes import by its name.
        config: what it is run with.
        units: which of its units.

    Raises:
        ValueError: a process was killed, has other versions or another device than this one, or what a unit raises.
    """
    module = cast("Any", experiment).__name__
    here = environment()
    futures = [executor.submit(_compute_there, module, name, config, unit, here) for unit in units]
    fault: BaseException | None = None
    for future in as_completed(futures):
        error = _error_of(future)
        if error is None:
            yield future.result()
        elif fault is None:
            fault = error
            for other in futures:
                other.cancel()
    if fault is not None and was_killed(fault):
        raise ValueError(
            f"a process was ended while it computed a unit, perhaps for the memory that it took ({fault}); what is "
            "done is kept: go on with --resume and fewer processes"
        ) from fault
    if fault is not None:
        raise fault


def precision(config: Settings) -> contextlib.AbstractContextManager[object]:
    """Sets whether JAX computes in 64 bits, where the configuration says so."""
    dtype = getattr(config, "dtype", None)
    if dtype is None:
        return contextlib.nullcontext()
    return cast("contextlib.AbstractContextManager[object]", jax.enable_x64(dtype == "float64"))


def _error_of(future: Future[ComputedUnit]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as cancelled:
        return cancelled


def _compute_there(
    module: str, name: str, config: Settings, unit: str, expected: Mapping[str, Mapping[str, object]]
) -> ComputedUnit:
    pairs = (
        (f"{group}.{key}", x, environment()[group].get(key))
        for group, entry in expected.items()
        for key, x in entry.items()
    )
    differing = [f"{key} ({asked} and {there})" for key, asked, there in pairs if asked != there]
    if differing:
        raise ValueError(
            f"a worker differs from the process that asks, and rows of both would be mixed: {', '.join(differing)} "
            "(here and there); start workers in the same environment"
        )
    experiment = check_interface(name, importlib.import_module(module))
    return compute_unit(experiment, config, unit)
