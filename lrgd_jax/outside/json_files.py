"""JSON from outside, read as the type that is expected of it: one sentence about whatever is wrong with it."""

import codecs
import contextlib
import json
from pathlib import Path
from typing import TypeVar

import msgspec

from lrgd_jax.outside.convert import DEEPEST, convert

__all__ = ["LARGEST", "parse_json", "read_json", "read_text"]

T = TypeVar("T")

LARGEST = 1 << 28
"""How many bytes a file of JSON or TOML may have; the largest tokenizers have a tenth of that."""


def read_json(file: Path, as_type: type[T], *, what: str) -> T:
    """A file of JSON, as a type of ours.

    Args:
        file: UTF-8 without a byte order mark.
        as_type: see `convert`; `object` takes whatever JSON can say.
        what: what the file is, for the error where it is not there, such as "certificate".

    Returns:
        The content as that type.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is too large, not UTF-8, no JSON, nested too deeply, or of another type: FILE: FIELD: expected
            this, got that.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "shapes.json"
        ...     _ = file.write_text('{"n": 3}')
        ...     read_json(file, dict[str, int], what="list of shapes")
        {'n': 3}
    """
    return parse_json(read_text(file, what=what), as_type, where=str(file))


def parse_json(text: bytes | str, as_type: type[T], *, where: str) -> T:
    """A text of JSON, as a type of ours.

    Args:
        text: one value.
        as_type: see `convert`.
        where: the file and perhaps the line, which begins every error.

    Returns:
        The content as that type.

    Raises:
        ValueError: as `read_json` says.

    Examples:
        >>> parse_json('{"n": "3"}', dict[str, int], where="shapes.json")
        Traceback (most recent call last):
            ...
        ValueError: shapes.json: n: expected a whole number, got "3"
    """
    if isinstance(text, bytes):
        text = decode(text, where)
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise ValueError(
            f"{where}: more than {DEEPEST} lists and objects lie within each other; expected fewer"
        ) from None
    except UnicodeError:
        raise ValueError(f"{where} holds half of a surrogate pair, which is no character") from None
    except (msgspec.MsgspecError, MemoryError) as error:
        raise ValueError(f"{where} is not JSON: {_reason(error, text)}") from None
    return convert(value, as_type, where=where)


def read_text(file: Path, *, what: str, marked: bool = False) -> str:
    """The text of a file that is no larger than `LARGEST`.

    Args:
        file: UTF-8.
        what: what the file is, for the errors.
        marked: whether it may begin with a byte order mark of UTF-8, which is then left out.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is larger, not UTF-8, or begins with a byte order mark.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no {what} {file}; give the path of one that is")
    if (size := file.stat().st_size) > LARGEST:
        raise ValueError(f"{file} has {size} bytes; expected a {what} of at most {LARGEST}")
    content = file.read_bytes()
    return decode(content.removeprefix(codecs.BOM_UTF8) if marked else content, str(file))


def decode(content: bytes, where: str) -> str:
    """Bytes as UTF-8 without a byte order mark.

    Raises:
        ValueError: they are not; the message names the first byte that is wrong.
    """
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if content.startswith(mark):
            raise ValueError(f"{where} begins with a byte order mark; save it as UTF-8 without one")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} is not UTF-8 at byte {error.start}; save it as UTF-8 text") from None


def _reason(error: Exception, text: str) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    said = str(error).removeprefix("JSON is malformed: ")
    if said != "Input data was truncated":
        return f"{said[:1].lower()}{said[1:]}"
    # msgspec says the same of half a surrogate pair, which Python's reader lets pass
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(text)
        return "it holds half of a surrogate pair, which is no character"
    return "it ends too early"
