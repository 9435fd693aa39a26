"""The files that options name: whether they can be written, asked before anything is computed, and the writing."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer

from lrgd_jax.cli.errors import BAD_INPUT, complain

__all__ = ["claim_folder", "complain_if_unwritable", "make_folder", "require_writable", "write_json_result"]


def require_writable(files: Mapping[str, Path | None]) -> None:
    """Raises an error, before anything is computed, where a result file could not be written.

    Args:
        files: by option, such as {"--json": Path("out.json")}; None where the option was not given.

    Raises:
        FileNotFoundError: the folder of one is not there.
        IsADirectoryError: one is a folder.
        PermissionError: nothing can be written into the folder of one.
        OSError: one is a link that leads in a circle.
        ValueError: two results would go to one file, or another process is writing one; until the command ends, no
            other process may.
    """
    asked = {option: file for option, file in files.items() if file is not None}
    if not asked:
        # nothing heavy is loaded for a command that writes no file
        return
    from lrgd_jax.atomic import follow_link, is_stream
    from lrgd_jax.locks import hold

    regular: list[Path] = []
    for option, file in asked.items():
        if is_stream(file):
            continue
        folder = follow_link(file).absolute().parent
        if file.is_dir():
            raise IsADirectoryError(f"{option} {file} is a folder; give the name of a file")
        if not folder.is_dir():
            raise FileNotFoundError(f"{option} {file}: there is no folder {folder}; make it first")
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{option} {file}: nothing can be written into {folder}; choose another folder")
        regular.append(file)
    if len({file.absolute() for file in asked.values()}) < len(asked):
        raise ValueError(f"{' and '.join(asked)} name the same file; give each its own")
    for file in regular:
        hold(file)


def make_folder(option: str, folder: Path) -> None:
    """Makes the folder that an option names, before anything is computed; until the command ends, it is ours alone.

    Raises:
        ValueError: another process is writing into it.
        NotADirectoryError: it is a file.
        OSError: it cannot be made.
    """
    from lrgd_jax.locks import hold

    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{option} {folder} is a file; give the name of a folder")
    folder.mkdir(parents=True, exist_ok=True)
    hold(folder)


def claim_folder(folder: Path) -> None:
    """Sees that a new folder can be made, before anything is read; until the command ends, it is ours alone.

    Raises:
        FileExistsError: the name is taken, by anything but an empty folder.
        ValueError: another process is making it.
    """
    from lrgd_jax.locks import hold
    from lrgd_jax.recommend.data.imported_folder import require_free

    require_free(folder)
    hold(folder)


@contextlib.contextmanager
def complain_if_unwritable(what: str) -> Iterator[None]:
    """Around the writing of a result that stands on the terminal already: a file that cannot be written is named."""
    try:
        yield
    except OSError as error:
        complain(f"{what} cannot be written: {error.strerror or error}; the result stands above")
        raise typer.Exit(BAD_INPUT) from None


def write_json_result(file: Path | None, content: Mapping[str, object]) -> None:
    """Writes a result, which was shown already, to the file of `--json`, if one is named."""
    if file is not None:
        from lrgd_jax.atomic import write_json

        with complain_if_unwritable(f"--json {file}"):
            write_json(file, content)
