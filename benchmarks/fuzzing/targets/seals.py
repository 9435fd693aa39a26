"""Digests made to fit files that were changed, so that what is behind them is tried too."""

import json
from pathlib import Path

from lrgd_jax.outside.digests import file_digest

__all__ = ["seal_anew"]


def seal_anew(folder: Path, index: str) -> Path:
    """Writes into the index of a folder what its files' digests are now; an index that cannot be read stays.

    Args:
        folder: of a data set or a run.
        index: the file that holds the digests under "digests".

    Returns:
        The folder.
    """
    try:
        content = json.loads((folder / index).read_bytes())
        digests = content["digests"]
        present = {name: file_digest(folder / name) for name in digests if (folder / name).is_file()}
    except (ValueError, TypeError, KeyError, RecursionError, OSError):
        return folder
    if isinstance(digests, dict):
        (folder / index).write_text(json.dumps(content | {"digests": digests | present}), encoding="utf-8")
    return folder
