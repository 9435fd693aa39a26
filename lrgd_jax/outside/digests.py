"""Digests of files: whether a file is the one that was written, told before anything of it is believed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["digests_of", "file_digest", "require_digest"]

SHOWN = 16
"""How many digits of a digest that came an error shows; what was expected is shown whole."""


def file_digest(file: Path) -> str:
    """The SHA-256 of a file's bytes, as `sha256sum` prints it.

    Args:
        file: is read in pieces, whatever its size.

    Returns:
        64 hexadecimal digits.

    Raises:
        OSError: it cannot be read.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "abc").write_bytes(b"abc")
        ...     file_digest(Path(folder) / "abc")[:16]
        'ba7816bf8f01cfea'

    Source:
        FIPS 180-4.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digests_of(files: Iterable[Path]) -> dict[str, str]:
    """The digests of files of one folder, by name, to be kept in a file that says what lies beside it."""
    return {file.name: file_digest(file) for file in sorted(files)}


def require_digest(file: Path, expected: str | None, *, index: str, advice: str) -> None:
    """Raises an error where a file is not the one that was written.

    A file that no digest vouches for counts as one that differs.

    Args:
        file: what will be read.
        expected: its digest; None where the index names none.
        index: the file that holds the digests, for the error.
        advice: what to do, which ends the error, such as "import the data again".

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has another digest, or none is known.

    Examples:
        >>> require_digest(Path(__file__), None, index="dataset.json", advice="import the data again")
        Traceback (most recent call last):
            ...
        ValueError: ... is damaged (dataset.json holds no digest of it); import the data again
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no {file}; {advice}")
    if expected is None:
        raise ValueError(f"{file} is damaged ({index} holds no digest of it); {advice}")
    if (came := file_digest(file)) != expected:
        raise ValueError(
            f"{file} is damaged (its SHA-256 begins with {came[:SHOWN]}, {index} says {expected}); {advice}"
        )
