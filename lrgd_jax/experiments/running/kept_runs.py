"""Finished runs that lie in a folder, for a report: what they say, and a picture of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

from lrgd_jax.experiments.running.registry import find, names
from lrgd_jax.experiments.running.results import RESULTS, RUN, SUMMARY
from lrgd_jax.experiments.running.runner import load_run
from lrgd_jax.outside.convert import convert
from lrgd_jax.outside.json_files import read_json
from lrgd_jax.report.whole_report import Experiment

__all__ = ["read_kept_runs"]

DEEPEST = 2
"""How many folders a run may lie below the one that is named."""

LARGEST_PICTURE = 1 << 23
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class _Kept(TypedDict):
    experiment: str
    title: str
    versions: dict[str, str]
    rows: int
    config: dict[str, Any]
    summary: dict[str, Any]


def read_kept_runs(folder: Path) -> list[Experiment]:
    """The runs of a folder, or of the folders in it, by their names; other summaries are passed over.

    Args:
        folder: what `lrgd experiment --out` wrote, or a folder of such folders.

    Raises:
        FileNotFoundError: there is no such folder, or no finished run in it.
        ValueError: a file is damaged, or not the one that was written.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"--results {folder} is not a folder; give one in which runs of `lrgd experiment` lie")
    runs = [one for file in _summaries(folder) if (one := _read(file)) is not None]
    if not runs:
        raise FileNotFoundError(f"--results {folder} holds no finished run; make one by `lrgd experiment NAME --out`")
    return sorted(runs, key=lambda run: (run.name, run.folder))


def _summaries(folder: Path) -> Iterator[Path]:
    for depth in range(DEEPEST + 1):
        yield from sorted(folder.glob("*/" * depth + SUMMARY))


def _read(file: Path) -> Experiment | None:
    content = read_json(file, dict[str, Any], what="summary of a run")
    if "experiment" not in content:
        return None
    kept = convert(content, _Kept, where=str(file))
    return Experiment(
        name=kept["experiment"],
        title=kept["title"],
        folder=str(file.parent),
        versions=kept["versions"],
        rows=kept["rows"],
        settings=kept["config"],
        summary=kept["summary"],
        picture=_picture(file.parent, kept["experiment"]),
    )


def _picture(folder: Path, name: str) -> bytes | None:
    """Drawn from the rows where they are there, else the picture that lies beside them."""
    if name in names() and all((folder / file).is_file() for file in (RUN, RESULTS)):
        from lrgd_jax.report.style import figure_png

        run = load_run(folder)
        return figure_png(find(name).figure(run.config, run.rows))
    for file in (folder / "figure.png", folder / f"{Path(name).name}.png"):
        if file.is_file() and file.stat().st_size <= LARGEST_PICTURE:
            picture = file.read_bytes()
            if picture.startswith(SIGNATURE):
                return picture
    return None
