"""Compiled programs that outlive a command: JAX's persistent compilation cache, in the user's cache folder.

Most of the time of a short command is compilation. The commands keep what XLA compiled; a program that imports this
package decides for itself, so nothing here runs on import, and JAX need not be imported for it: it reads variables of
the environment when it is.

JAX's key of a program holds the program, the versions, the flags and the backend, but not the instructions that the
processor has. A home folder may be shared by machines of several kinds, hence a folder for each kind.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import warnings
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from lrgd_jax.user_cache import user_cache_folder

__all__ = [
    "LIMIT",
    "CompilationCache",
    "clear_programs",
    "disable_programs",
    "enable_programs",
    "ignore_damaged_programs",
    "read_programs",
]

LIMIT = 512 * 2**20
"""Bytes that the programs of all kinds of machine may take."""

FOLDER = "JAX_COMPILATION_CACHE_DIR"
ENABLED = "JAX_ENABLE_COMPILATION_CACHE"
SETTINGS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""Small programs that compile quickly are kept as well: there are hundreds of them."""

DESCRIPTION = Path("/proc/cpuinfo")
INSTRUCTIONS = ("flags", "Features", "isa")
"""Keys under which Linux lists a processor's instructions on x86, Arm and RISC-V."""


@dataclass(frozen=True)
class CompilationCache:
    """What is kept.

    Attributes:
        folder: of this kind of machine.
        programs: how many, of all kinds of machine.
        size: of them, in bytes.
        enabled: whether commands use it.
    """

    folder: Path
    programs: int
    size: int
    enabled: bool

    def as_dict(self) -> dict[str, object]:
        """For a file of what verdicts depend on."""
        return {"folder": str(self.folder), "programs": self.programs, "bytes": self.size, "enabled": self.enabled}


def enable_programs(environment: MutableMapping[str, str]) -> str | None:
    """Sets JAX's variables so that compiled programs are kept; what the user has set stays.

    The oldest programs are removed first where they have outgrown `LIMIT`.

    Args:
        environment: of the process, before JAX is imported.

    Returns:
        None, or why nothing is kept: the folder cannot be written, or belongs to somebody else, whose programs would
        run here.
    """
    if FOLDER in environment or environment.get(ENABLED, "1").lower() in ("0", "false", "no", "off", "n", "f"):
        return None
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"{folder} cannot be written, so no compiled program is kept; --no-cache does without"
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            return f"{folder} belongs to another user, so no compiled program is taken from it; --no-cache does without"
        _prune()
    except OSError as error:
        return f"no compiled program is kept ({error}); --no-cache does without"
    environment.update(
        {FOLDER: str(folder)} | {key: value for key, value in SETTINGS.items() if key not in environment}
    )
    return None


def ignore_damaged_programs() -> None:
    """Lets JAX compile anew without a word where it finds half a program, which a process that was killed has left."""
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")


def disable_programs(environment: MutableMapping[str, str]) -> None:
    """Sets JAX's variable so that no compiled program is kept or taken, wherever the user keeps them."""
    environment[ENABLED] = "false"


def read_programs(environment: MutableMapping[str, str]) -> CompilationCache:
    """What is kept now.

    Args:
        environment: of the process, which says where the programs are.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cache = read_programs({"JAX_COMPILATION_CACHE_DIR": folder})
        >>> cache.programs, cache.size, cache.enabled
        (0, 0, True)
    """
    folder = Path(environment.get(FOLDER, _folder()))
    sizes = [size for _, size, _ in _files(_root() if folder == _folder() else folder)]
    enabled = FOLDER in environment and environment.get(ENABLED, "true") != "false"
    return CompilationCache(folder, len(sizes), sum(sizes), enabled)


def clear_programs() -> CompilationCache:
    """Removes the programs of all kinds of machine from the user's cache, and says what there was.

    Raises:
        OSError: one cannot be removed.
    """
    sizes = [size for _, size, _ in _files(_root())]
    if _root().exists():
        shutil.rmtree(_root())
    return CompilationCache(_folder(), len(sizes), sum(sizes), enabled=True)


def _root() -> Path:
    return user_cache_folder() / "programs"


def _folder() -> Path:
    return _root() / f"{platform.machine() or 'unknown'}-{_instructions()}"


def _instructions() -> str:
    """A digest of the instructions that the processor has, where the system lists them, else of its name."""
    described = platform.processor()
    if DESCRIPTION.is_file():
        lines = DESCRIPTION.read_text(encoding="utf-8", errors="replace").splitlines()
        pairs = [line.partition(":") for line in lines]
        described = "\n".join(sorted({value for key, _, value in pairs if key.strip() in INSTRUCTIONS})) or described
    return hashlib.sha256(described.encode()).hexdigest()[:12]


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When each file was used last, its size, and where it is."""
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        try:
            status = file.stat()
        except OSError:  # removed by another process meanwhile
            continue
        if file.is_file():
            yield max(status.st_atime, status.st_mtime), status.st_size, file


def _prune() -> None:
    """Removes what was used longest ago, down to half of the limit, once the limit is passed."""
    files = sorted(_files(_root()))
    total = sum(size for _, size, _ in files)
    if total <= LIMIT:
        return
    for _, size, file in files:
        if total <= LIMIT // 2:
            return
        file.unlink(missing_ok=True)
        total -= size
