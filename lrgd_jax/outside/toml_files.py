"""TOML from outside, read as the type that is expected of it."""

import tomllib
from pathlib import Path
from typing import TypeVar

from lrgd_jax.outside.convert import DEEPEST, convert, cut_text
from lrgd_jax.outside.json_files import read_text

__all__ = ["parse_toml", "read_toml"]

T = TypeVar("T")


def read_toml(file: Path, as_type: type[T], *, what: str) -> T:
    """A file of TOML, as a type of ours.

    Args:
        file: UTF-8, with a byte order mark or without.
        as_type: see `lrgd_jax.outside.convert.convert`.
        what: what the file is, for the error where it is not there.

    Returns:
        The content as that type.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is too large, not UTF-8, no TOML, nested too deeply, or of another type.
    """
    return parse_toml(read_text(file, what=what, marked=True), as_type, where=str(file))


def parse_toml(text: str, as_type: type[T], *, where: str) -> T:
    """A text of TOML, as a type of ours.

    Args:
        text: of a whole file.
        as_type: see `lrgd_jax.outside.convert.convert`.
        where: the file, which begins every error.

    Returns:
        The content as that type.

    Raises:
        ValueError: it is no TOML, nested too deeply, or of another type.

    Examples:
        >>> parse_toml("seeds = 3", dict[str, int], where="config.toml")
        {'seeds': 3}
        >>> parse_toml("seeds = true", dict[str, int], where="config.toml")
        Traceback (most recent call last):
            ...
        ValueError: config.toml: seeds: expected a whole number, got true
    """
    try:
        content: object = tomllib.loads(text)
    except RecursionError:
        raise ValueError(
            f"{where}: more than {DEEPEST} lists and objects lie within each other; expected fewer"
        ) from None
    # an integer of thousands of digits is a ValueError, and no TOMLDecodeError
    except ValueError as error:
        raise ValueError(f"{where} is not TOML: {cut_text(str(error))}") from None
    return convert(content, as_type, where=where)
