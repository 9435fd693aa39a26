"""Values from outside, checked against the type that is expected, or one sentence about what is wrong."""

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

__all__ = ["DEEPEST", "LONGEST_PATH", "convert", "convert_record", "cut_text", "shorten", "wrong_field"]

T = TypeVar("T")

DEEPEST = 100
"""How many lists and objects may lie within each other; what people write stays below ten."""
SHOWN = 60
"""How many letters of a wrong value an error shows."""
LONGEST_PATH = 200
"""How many letters of the place of a field it shows."""

WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
"""What msgspec's names of JSON's types are called in a sentence."""
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(\.\.\.)\]")
WRONG = re.compile(r"(?P<said>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)


def convert(value: object, as_type: type[T], *, where: str) -> T:
    """A value that was parsed already, as a type of ours.

    A boolean is no number, a number no text, and a fraction no whole number; lists become tuples where a tuple is
    expected. No number may be infinite or NaN.

    Args:
        value: made of dictionaries, lists, texts, numbers, booleans and None.
        as_type: a `msgspec.Struct`, a dataclass, a TypedDict, or a type such as `dict[str, list[int]]`.
        where: the file, which begins every error.

    Returns:
        The value as that type.

    Raises:
        ValueError: it is of another type; the message says in which field, what was expected, and what came.

    Examples:
        >>> convert({"layers": [4, 2]}, dict[str, tuple[int, int]], where="shapes.json")
        {'layers': (4, 2)}
        >>> convert({"layers": [4, True]}, dict[str, tuple[int, int]], where="shapes.json")
        Traceback (most recent call last):
            ...
        ValueError: shapes.json: layers[1]: expected a whole number, got true
    """
    require_plain(value, where)
    try:
        return msgspec.convert(value, as_type)
    except msgspec.ValidationError as error:
        raise ValueError(_sentence(where, str(error), value)) from None


def convert_record(value: object, as_type: type[T], *, where: str) -> T:
    """A dataclass of ours whose fields are all known; those that are not there keep their defaults.

    Args:
        value: a dictionary.
        as_type: the dataclass.
        where: the file, which begins every error.

    Returns:
        The record.

    Raises:
        ValueError: it is no dictionary, a field is not known, or one is missing or of another type.

    Examples:
        >>> @dataclasses.dataclass
        ... class Rate:
        ...     value: float = 0.1
        >>> convert_record({"valu": 0.5}, Rate, where="rate.json")
        Traceback (most recent call last):
            ...
        ValueError: rate.json: the field valu is not known; known are value
    """
    fields = convert(value, dict[str, object], where=where)
    known = [field.name for field in dataclasses.fields(as_type)]  # pyright: ignore[reportArgumentType]
    for name in fields:
        if name not in known:
            raise ValueError(f"{where}: the field {cut_text(name)} is not known; known are {', '.join(known)}")
    return convert(fields, as_type, where=where)


def require_plain(value: object, where: str) -> None:
    """Raises an error where a value is nested too deeply, or holds a number that is infinite or not a number.

    Raises:
        ValueError: it is so.
    """
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    while waiting:
        path, one, depth = waiting.pop()
        if isinstance(one, float) and not math.isfinite(one):
            raise ValueError(f"{_field(where, path)}: expected a finite number, got {one}")
        entries = _entries(one)
        if entries is None:
            continue
        if depth >= DEEPEST:
            raise ValueError(f"{where}: more than {DEEPEST} lists and objects lie within each other; expected fewer")
        waiting.extend((path + step, inner, depth + 1) for step, inner in entries)


def wrong_field(field: str, expected: str, came: object) -> ValueError:
    """The error of a field that holds something else than what was expected.

    Args:
        field: its place, perhaps after the file's.
        expected: in words, such as "a whole number".
        came: what it holds.

    Examples:
        >>> wrong_field("config.json: rope_scaling.factor", "a positive number", 0)
        ValueError('config.json: rope_scaling.factor: expected a positive number, got 0')
    """
    return ValueError(f"{field}: expected {expected}, got {shorten(came)}")


def shorten(value: object) -> str:
    """A value as JSON writes it, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        # not a value of JSON, a whole number of thousands of digits, or nested too deeply
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def cut_text(text: str) -> str:
    """A text as an error shows it that others chose: a name, or a sentence of theirs.

    Examples:
        >>> cut_text("seeds"), len(cut_text("s" * 4096))
        ('seeds', 201)
    """
    return text if len(text) <= LONGEST_PATH else f"{text[:LONGEST_PATH]}…"


def _entries(value: object) -> Iterator[tuple[str, object]] | None:
    if isinstance(value, Mapping):
        return ((f".{key}", inner) for key, inner in value.items() if isinstance(inner, float | list | tuple | Mapping))
    if isinstance(value, list | tuple):
        numbered = enumerate(value)
        return ((f"[{k}]", inner) for k, inner in numbered if isinstance(inner, float | list | tuple | Mapping))
    return None


def _field(where: str, path: str) -> str:
    return f"{where}: {path.removeprefix('.')[:LONGEST_PATH]}" if path else where


def _sentence(where: str, message: str, value: object) -> str:
    """The sentence about what msgspec found wrong, with the value that came."""
    parts = WRONG.fullmatch(message)
    assert parts is not None  # noqa: S101 (the pattern fits every text)
    said, path = parts["said"], parts["path"] or ""
    kind = re.search(r"got `(\w+)`", said)
    path, came = _follow(value, path, None if kind is None else kind[1])
    field = _field(where, path)
    if missing := re.fullmatch(r"Object missing required field `(.*)`", said):
        return f"{field}: the field {missing[1]} is missing"
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", said):
        return f"{field}: the field {cut_text(unknown[1])} is not known"
    expected = re.sub(r"`([^`]*)`", _word, said.split(", got ")[0])
    return f"{field}: {expected[:1].lower()}{expected[1:]}, got {shorten(came)}"


def _word(name: re.Match[str]) -> str:
    return " or ".join(WORDS.get(one.strip(), one.strip()) for one in name[1].split("|"))


def _follow(value: object, path: str, kind: str | None) -> tuple[str, object]:
    """Where a path of msgspec leads, with the keys that it writes as "...": the first ones that lead to a `kind`."""
    step = STEP.match(path)
    if step is None:
        return "", value
    rest, (key, index, _) = path[step.end() :], step.groups()
    if key is not None and isinstance(value, Mapping) and key in value:
        tail, came = _follow(value[key], rest, kind)
        return f".{key}{tail}", came
    if index is not None and isinstance(value, list | tuple) and int(index) < len(value):
        tail, came = _follow(value[int(index)], rest, kind)
        return f"[{index}]{tail}", came
    candidates = value.items() if isinstance(value, Mapping) else ()
    for name, inner in candidates:
        tail, came = _follow(inner, rest, kind)
        if kind is None or _kind(came) == kind:
            return f".{name}{tail}", came
    return path, value


def _kind(value: object) -> str:
    """What msgspec calls the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, list | tuple) else type(value).__name__
