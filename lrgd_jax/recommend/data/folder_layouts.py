"""One way into every folder that holds a data set."""

from pathlib import Path

from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.data.imported_folder import DESCRIPTION, load_imported
from lrgd_jax.recommend.data.published_folders import EXAMPLES, SEQUENCES, load_examples, load_sequences

__all__ = ["load_split"]


def load_split(folder: str | Path) -> Split:
    """The data set of a folder, whichever of the known layouts it has.

    Raises:
        FileNotFoundError: there is no such folder, or no known file in it.
        ValueError: a file is damaged or has another form.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; give one that `lrgd data import` wrote")
    if (folder / DESCRIPTION).is_file():
        return load_imported(folder)
    if (folder / EXAMPLES).is_file():
        return load_examples(folder)
    if (folder / SEQUENCES).is_file():
        return load_sequences(folder)
    raise FileNotFoundError(
        f"{folder} holds no data set: expected {DESCRIPTION} as `lrgd data import` writes it, {EXAMPLES} or {SEQUENCES}"
    )
