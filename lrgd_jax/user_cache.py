"""The folder where this package keeps what can be made again: measured constants and compiled programs."""

import os
import sys
from pathlib import Path

__all__ = ["user_cache_folder"]


def user_cache_folder() -> Path:
    """`lrgd-jax` in the folder for caches of the running system; nothing is created.

    Examples:
        >>> user_cache_folder().name
        'lrgd-jax'

    Source:
        XDG Base Directory Specification 0.8 for systems other than Windows and macOS.
    """
    if sys.platform == "win32":
        root, default = os.environ.get("LOCALAPPDATA", ""), Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        root, default = "", Path.home() / "Library" / "Caches"
    else:
        root, default = os.environ.get("XDG_CACHE_HOME", ""), Path.home() / ".cache"
    # a relative path is to be ignored, says the specification of the variable
    return (Path(root) if Path(root).is_absolute() else default) / "lrgd-jax"
