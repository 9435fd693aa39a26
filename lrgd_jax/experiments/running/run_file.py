"""`run.json`: what a run is, and the digests of the files that it has written.

A file of which it holds no digest counts as not written: a unit is computed anew, a finished run is none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from lrgd_jax.atomic import write_json
from lrgd_jax.experiments.running.results import RUN, unit_file
from lrgd_jax.outside.convert import convert
from lrgd_jax.outside.digests import file_digest, require_digest
from lrgd_jax.outside.json_files import read_json

__all__ = ["DIGESTS", "finished_units", "read_run_file", "require_written", "seal"]

DIGESTS = "digests"
ADVICE = "delete it and run with --resume"


class _RunFile(TypedDict):
    experiment: str
    versions: NotRequired[dict[str, str]]
    device: NotRequired[dict[str, object]]
    # runs of older versions have none
    digests: NotRequired[dict[str, str]]


def read_run_file(directory: Path) -> dict[str, Any]:
    """The whole of `run.json`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged.
    """
    content = read_json(directory / RUN, dict[str, Any], what="file of a run")
    convert(content, _RunFile, where=str(directory / RUN))
    return content


def seal(directory: Path, file: Path) -> None:
    """Notes the digest of a file of a run, which counts as written from then on.

    Args:
        directory: of the run.
        file: in it, whole.
    """
    content = read_run_file(directory)
    digests = {**content.get(DIGESTS, {}), _name(directory, file): file_digest(file)}
    write_json(directory / RUN, {**content, DIGESTS: dict(sorted(digests.items()))})


def require_written(directory: Path, file: Path, digests: Mapping[str, str]) -> None:
    """Raises an error where a file is not the one whose digest was noted.

    Args:
        directory: of the run.
        file: in it.
        digests: of `run.json`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it differs, or no digest was noted.
    """
    require_digest(file, digests.get(_name(directory, file)), index=RUN, advice=ADVICE)


def finished_units(directory: Path, units: Sequence[str]) -> set[str]:
    """The units that need not be computed again.

    Args:
        directory: of the run.
        units: their names.

    Raises:
        ValueError: the rows of one are not those that were written.
    """
    digests = read_run_file(directory).get(DIGESTS, {})
    files = {unit: unit_file(directory, unit) for unit in units}
    done = {unit for unit, file in files.items() if file.exists() and _name(directory, file) in digests}
    for unit in units:
        if unit in done:
            require_written(directory, files[unit], digests)
    return done


def _name(directory: Path, file: Path) -> str:
    return file.relative_to(directory).as_posix()
