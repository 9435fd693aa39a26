"""Reads demonstrations from a file of JSON lines; what is wrong with a line is named with its number."""

import os
from pathlib import Path
from typing import TypeAlias, cast

from lrgd_jax.outside.convert import cut_text, shorten
from lrgd_jax.outside.json_files import parse_json, read_text

__all__ = ["Demonstration", "read_demonstrations"]

Demonstration: TypeAlias = str | tuple[str, str]
"""A text as it stands in the prompt, or an input with its output, which a template turns into one."""

FORMS = '{"text": …} or {"input": …, "output": …}'


def read_demonstrations(path: str | os.PathLike[str]) -> tuple[Demonstration, ...]:
    """The demonstrations of a file: a JSON object a line, all with "text", or all with "input" and "output".

    Other keys are ignored, and so are blank lines.

    Args:
        path: of the file, UTF-8.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not UTF-8 or holds no demonstration; a line is not a JSON object, lacks a key, or holds
            something that is no text; or some lines are texts and others are not.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from lrgd_jax.effect import read_demonstrations
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "capitals.jsonl"
        ...     _ = file.write_text('{"input": "Italy", "output": "Rome"}')
        ...     read_demonstrations(file)
        (('Italy', 'Rome'),)
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file of demonstrations {file}; give a file with one {FORMS} a line")
    content = read_text(file, what="file of demonstrations", marked=True).replace("\r\n", "\n").replace("\r", "\n")
    # not splitlines, which also cuts where JSON allows a line separator within a string
    lines = [(number, line) for number, line in enumerate(content.split("\n"), 1) if line.strip()]
    if not lines:
        raise ValueError(f"{file} holds no demonstration; write one {FORMS} a line")
    numbered = [(number, _demonstration(f"{file}, line {number}", line)) for number, line in lines]
    first, example = numbered[0]
    for number, one in numbered:
        if type(one) is not type(example):
            raise ValueError(
                f"{file} mixes two forms: line {first} has {_form(example)}, line {number} has {_form(one)}; "
                "write all lines in one form"
            )
    return tuple(one for _, one in numbered)


def _form(one: Demonstration) -> str:
    return '"text"' if isinstance(one, str) else '"input" and "output"'


def _demonstration(where: str, line: str) -> Demonstration:
    try:
        loaded = parse_json(line, object, where=where)
    except ValueError as error:
        raise ValueError(f"{error}; expected {FORMS}") from None
    if not isinstance(loaded, dict):
        raise ValueError(f"{where} holds a {type(loaded).__name__}, not an object; expected {FORMS}")
    content = cast(dict[str, object], loaded)
    pair = [key for key in ("input", "output") if key in content]
    if "text" in content and pair:
        raise ValueError(f'{where} has both "text" and "{pair[0]}"; expected {FORMS}')
    if "text" in content:
        return _text(where, content, "text")
    if len(pair) < 2:
        keys = cut_text(", ".join(map(repr, content))) or "no keys"
        raise ValueError(f"{where} lacks {'text' if not pair else _other(pair[0])!r} (it has {keys}); expected {FORMS}")
    return _text(where, content, "input"), _text(where, content, "output")


def _other(key: str) -> str:
    return "output" if key == "input" else "input"


def _text(where: str, content: dict[str, object], key: str) -> str:
    value = content[key]
    if not isinstance(value, str):
        raise ValueError(f'{where}: "{key}" must be a text, got {shorten(value)}')
    if not value.strip():
        raise ValueError(f'{where}: "{key}" is empty')
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f'{where}: "{key}" holds half of a surrogate pair, which is no character') from None
    return value
