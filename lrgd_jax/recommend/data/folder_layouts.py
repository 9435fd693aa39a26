"""One way into every folder that holds a data set. A new layout is a file here and a line of the table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from lrgd_jax.recommend.data.dataset import Split
from lrgd_jax.recommend.data.imported_folder import DESCRIPTION, load_imported
from lrgd_jax.recommend.data.published_folders import EXAMPLES, SEQUENCES, load_examples, load_sequences
from lrgd_jax.recommend.data.ties import BASKETS, TieRule

__all__ = ["LAYOUTS", "load_split"]

LAYOUTS: Mapping[str, Callable[[Path, TieRule], Split]] = MappingProxyType(
    {DESCRIPTION: load_imported, EXAMPLES: load_examples, SEQUENCES: load_sequences}
)
"""The file that tells a layout -> its reader; the first that is there counts."""


def load_split(folder: str | Path, ties: TieRule = BASKETS) -> Split:
    """The data set of a folder, whichever of the known layouts it has.

    Args:
        folder: where the files are.
        ties: how interactions of one user at one time are read.

    Raises:
        FileNotFoundError: there is no such folder, or no known file in it.
        ValueError: a file is damaged or has another form.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; give one that `lrgd data import` wrote")
    for file, read in LAYOUTS.items():
        if (folder / file).is_file():
            return read(folder, ties)
    own, *others = LAYOUTS
    raise FileNotFoundError(
        f"{folder} holds no data set: expected {own} as `lrgd data import` writes it, {' or '.join(others)}"
    )
