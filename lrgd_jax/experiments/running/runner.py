"""Runs an experiment unit by unit; a run that was killed and resumed writes the same bytes as one that was not."""

import contextlib
import json
import math
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

from lrgd_jax.atomic import write_json, write_text
from lrgd_jax.display import one_screen
from lrgd_jax.experiments.running.config import differing, read_config, to_toml
from lrgd_jax.experiments.running.interface import Experiment, Row, Settings, Summary
from lrgd_jax.experiments.running.registry import find
from lrgd_jax.experiments.running.results import (
    CONFIG,
    RESULTS,
    RUN,
    SUMMARY,
    TIMINGS,
    UNITS,
    alone,
    clean,
    environment,
    read_rows,
    unit_file,
    write_rows,
)
from lrgd_jax.experiments.running.run_file import DIGESTS, finished_units, read_run_file, require_written, seal
from lrgd_jax.experiments.running.units import ComputedUnit, compute_elsewhere, compute_unit, precision
from lrgd_jax.outside.json_files import read_json

__all__ = ["Progress", "Run", "load_run", "run"]

Progress = Callable[[str, int, int], None]
"""Called with the name of the unit that begins, or that another process has done, how many were before it, or are done,
and the number of all units."""


class _Summarised(TypedDict):
    summary: dict[str, Any]


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run.

    Attributes:
        name: of the experiment.
        config: the resolved configuration.
        rows: of all units, in their order.
        summary: what the rows say.
    """

    name: str
    config: Settings
    rows: Sequence[Row]
    summary: Summary

    def __repr__(self) -> str:
        said = ", ".join(list(self.summary)[:MOST_NAMED]) + (", …" if len(self.summary) > MOST_NAMED else "")
        return one_screen(f"Run({self.name}, {self.config.seeds} seeds, {len(self.rows)} rows; summary: {said})")

    def _repr_html_(self) -> str:
        from lrgd_jax.report.html_pieces import piece
        from lrgd_jax.report.summary_html import run_html

        title = find(self.name).TITLE
        return piece(run_html(self.name, title, self.summary, len(self.rows), asdict(self.config)))


MOST_NAMED = 8
"""Entries of a summary that the text of a run names."""


def run(
    name: str,
    config: Settings,
    directory: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Run:
    """Computes every unit that is not yet there, then the result files from all of them.

    Args:
        name: of the experiment.
        config: an instance of its Config.
        directory: where the files go (see `lrgd_jax.experiments.results`); made if it is not there.
        resume: go on with a run that lies there.
        progress: told of each unit.
        executor: whose processes compute the units (`lrgd_jax.executors`); this one does if there is none. The files
            are the same, and only this process writes them.

    Raises:
        ValueError: a run lies there and `resume` was not asked for, or it has another configuration, experiment,
            version or device; a unit's file is not the one that was written; another process is at work there; or the
            experiment returned what is no row.
        OSError: the folder cannot be written.
    """
    experiment = find(name)
    units = experiment.units(config)
    twice = {unit for unit in units if units.count(unit) > 1}
    if twice:
        raise ValueError(f"experiment {name!r}: two units are called {min(twice)!r}; names of units must differ")
    was_there = directory.exists()
    _make(directory)
    with alone(directory), _nothing_left_of_nothing(directory, was_there):
        _prepare(name, experiment, config, directory, resume)
        done = finished_units(directory, units)
        missing = [unit for unit in units if unit not in done]
        tell = progress or _tell_nobody
        if executor is None:
            for unit in missing:
                tell(unit, units.index(unit), len(units))
                _keep(directory, compute_unit(experiment, config, unit))
        else:
            tell("units", len(done), len(units))
            for number, computed in enumerate(compute_elsewhere(executor, name, experiment, config, missing), 1):
                _keep(directory, computed)
                tell(computed.unit, len(done) + number, len(units))
        return _finish(name, experiment, config, directory, units)


def load_run(directory: Path) -> Run:
    """A finished run, read from its folder.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        ValueError: its experiment is unknown here, or a file is damaged or not the one that was written.
    """
    missing = [file for file in (RUN, CONFIG, RESULTS, SUMMARY) if not (directory / file).is_file()]
    if RUN in missing:
        raise FileNotFoundError(f"{directory} holds no run (no {RUN}); give the folder that `lrgd experiment` wrote")
    if missing:
        raise FileNotFoundError(f"the run in {directory} is not finished (no {missing[0]}); go on with it by --resume")
    known = read_run_file(directory)
    name = known["experiment"]
    try:
        experiment = find(name)
    except ValueError as error:
        raise ValueError(f"{directory / RUN}: {error}") from None
    config = read_config(experiment, directory / CONFIG)
    for file in (RESULTS, SUMMARY):
        require_written(directory, directory / file, known.get(DIGESTS, {}))
    return Run(
        name,
        config,
        read_rows(directory / RESULTS),
        read_json(directory / SUMMARY, _Summarised, what="summary of a run")["summary"],
    )


def _prepare(name: str, experiment: Experiment[Settings], config: Settings, directory: Path, resume: bool) -> None:
    """Says in the folder what the run is; or sees that the run that lies there is the same."""
    there = [file for file in (RUN, CONFIG, UNITS, RESULTS, SUMMARY) if (directory / file).exists()]
    if there and not resume:
        raise ValueError(f"{directory} already holds a run ({there[0]}); add --resume, or give another --out")
    now = {"experiment": name, **environment()}
    if RUN in there:
        _same_run(directory, now)
    if CONFIG in there:
        _same_config(experiment, config, directory)
    if UNITS in there and not {RUN, CONFIG} <= set(there):
        raise ValueError(f"{directory} holds units, but not what they belong to ({RUN}, {CONFIG}); give another --out")
    clean(directory)
    if RUN not in there:
        write_json(directory / RUN, now)
    if CONFIG not in there:
        write_text(directory / CONFIG, f"# the configuration of experiment {name}\n{to_toml(config)}")
    (directory / UNITS).mkdir(exist_ok=True)


def _make(directory: Path) -> None:
    """Makes the folder of a run, or says why it cannot be one."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"{directory} cannot be made a folder ({error.strerror}); give --out where you may write"
        ) from None
    if not os.access(directory, os.W_OK):
        raise PermissionError(f"{directory} cannot be written to; give --out where you may write")


@contextlib.contextmanager
def _nothing_left_of_nothing(directory: Path, was_there: bool) -> Generator[None, None, None]:
    """A run that fails before its first unit is done leaves the folder as it was; what is computed is never removed."""
    began = not any((directory / file).exists() for file in (RUN, CONFIG, UNITS))
    try:
        yield
    except Exception:
        if began and (directory / UNITS).is_dir() and not any((directory / UNITS).iterdir()):
            (directory / UNITS).rmdir()
            for file in (RUN, CONFIG):
                (directory / file).unlink(missing_ok=True)
            if not was_there and not any(directory.iterdir()):
                directory.rmdir()
        raise


def _same_run(directory: Path, now: dict[str, Any]) -> None:
    then = read_run_file(directory)
    if then.get("experiment") != now["experiment"]:
        raise ValueError(
            f"{directory} holds a run of {then.get('experiment')!r}, not of {now['experiment']!r}; give another --out"
        )
    pairs = (
        (f"{group}.{key}", then.get(group, {}).get(key), x)
        for group in ("versions", "device")
        for key, x in now[group].items()
    )
    changed = [f"{key} ({was} and {x})" for key, was, x in pairs if was != x]
    if changed:
        raise ValueError(
            f"the run in {directory} was begun elsewhere, and rows of both would be mixed: {', '.join(changed)} (there "
            "and here); go on with it there, or give another --out"
        )


def _same_config(experiment: Experiment[Settings], config: Settings, directory: Path) -> None:
    changed = differing(read_config(experiment, directory / CONFIG), config)
    if changed:
        raise ValueError(
            f"{directory} holds a run of another configuration; these differ: {', '.join(changed)} (there and now); "
            f"give --config {directory / CONFIG} alone, or another --out"
        )


def _tell_nobody(unit: str, number: int, total: int) -> None: ...


def _keep(directory: Path, computed: ComputedUnit) -> None:
    write_rows(file := unit_file(directory, computed.unit), computed.rows)
    seal(directory, file)
    with (directory / TIMINGS).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"unit": computed.unit, "seconds": round(computed.seconds, 3)}) + "\n")


def _finish(
    name: str, experiment: Experiment[Settings], config: Settings, directory: Path, units: Sequence[str]
) -> Run:
    """Everything is read back from the units' files, so that it does not matter which process wrote them."""
    rows = [row for unit in units for row in read_rows(unit_file(directory, unit))]
    write_rows(directory / RESULTS, rows)
    seal(directory, directory / RESULTS)
    rows = read_rows(directory / RESULTS)
    with precision(config):
        summary = experiment.summary(config, rows)
    settings = asdict(config)
    content = {
        "experiment": name,
        "title": experiment.TITLE,
        **{key: value for key, value in read_run_file(directory).items() if key not in ("experiment", DIGESTS)},
        "seeds": config.seeds,
        "config": settings,
        "units": len(units),
        "rows": len(rows),
        "not_finite": _not_finite(rows),
        "summary": summary,
    }
    write_json(directory / SUMMARY, content)
    seal(directory, directory / SUMMARY)
    return Run(name, config, rows, read_json(directory / SUMMARY, _Summarised, what="summary of a run")["summary"])


def _not_finite(rows: Sequence[Row]) -> dict[str, int]:
    """How many entries of each column are infinite or not a number; a summary must not hide them."""
    bad = [key for row in rows for key, x in row.items() if isinstance(x, float) and not math.isfinite(x)]
    return {key: bad.count(key) for key in dict.fromkeys(bad)}
