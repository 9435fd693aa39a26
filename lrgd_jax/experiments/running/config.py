"""Configurations: a dataclass of defaults, then a TOML file, then `key=value`, each value checked against its field."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeGuard, cast

from lrgd_jax.experiments.running.interface import ConfigT, Experiment, Settings
from lrgd_jax.outside.convert import cut_text
from lrgd_jax.outside.toml_files import parse_toml, read_toml

__all__ = ["differing", "read_config", "resolve", "to_toml"]

WORDS: Mapping[object, str] = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}


def resolve(
    experiment: Experiment[ConfigT],
    *,
    quick: bool = False,
    file: Path | None = None,
    overrides: Sequence[str] = (),
    seeds: int | None = None,
) -> ConfigT:
    """The configuration of a run.

    Args:
        experiment: whose Config it is.
        quick: start from QUICK, not from the defaults.
        file: a TOML file of some of the fields.
        overrides: "key=value", the value written as in TOML; quotes of a string and brackets of a list may be left out.
        seeds: the number of seeds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a key is unknown or set twice, or a value has another type than its field.
    """
    config = experiment.QUICK if quick else experiment.Config()
    changes = {} if file is None else _from_file(experiment.Config, file)
    given: dict[str, object] = {}
    for text in overrides:
        key, value = _override(experiment.Config, text)
        if key in given:
            raise ValueError(f"--set {key} was given twice; give it once")
        given[key] = value
    if seeds is not None:
        if "seeds" in given:
            raise ValueError("--seeds and --set seeds=... were both given; give one of them")
        given["seeds"] = seeds
    config = dataclasses.replace(config, **{**changes, **given})
    if config.seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {config.seeds}")
    return config


def read_config(experiment: Experiment[ConfigT], file: Path) -> ConfigT:
    """The configuration that `to_toml` wrote to a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else.
    """
    changes = _from_file(experiment.Config, file)
    try:
        return dataclasses.replace(experiment.Config(), **changes)
    except ValueError as error:
        raise ValueError(f"{file}: {cut_text(str(error))}") from None


def to_toml(config: Settings) -> str:
    """A configuration as TOML, one line a field; a field that is None is left out."""
    pairs = ((field.name, getattr(config, field.name)) for field in dataclasses.fields(config))
    return "".join(f"{name} = {_toml(value)}\n" for name, value in pairs if value is not None)


def differing(one: Settings, other: Settings) -> list[str]:
    """The fields in which two configurations differ, each with both values."""
    pairs = ((f.name, getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    return [f"{name} ({_show(x)} and {_show(y)})" for name, x, y in pairs if x != y]


def _from_file(kind: type[Settings], file: Path) -> dict[str, object]:
    if not file.is_file():
        raise FileNotFoundError(f"there is no configuration file {file}; give the path of a TOML file")
    content = read_toml(file, dict[str, object], what="configuration file")
    hints = typing.get_type_hints(kind)
    return {
        key: _convert(f"{file}: {key}", value, _hint(kind, hints, key, str(file))) for key, value in content.items()
    }


def _override(kind: type[Settings], text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    key, value = key.strip(), value.strip()
    if not equals or not key:
        raise ValueError(f"--set {text!r}: expected key=value, such as --set seeds=3")
    hint = _hint(kind, typing.get_type_hints(kind), key, "--set")
    return key, _convert(f"--set {key}", _parse(value, hint), hint)


def _hint(kind: type[Settings], hints: Mapping[str, object], key: str, place: str) -> object:
    known = [field.name for field in dataclasses.fields(kind)]
    if key not in known:
        raise ValueError(f"{place}: unknown key {cut_text(key)!r}; known are {', '.join(known)}")
    return hints[key]


def _parse(text: str, hint: object) -> object:
    """A value of `--set`: TOML, a list without its brackets, or a string without its quotes."""
    listed = any(typing.get_origin(one) is tuple for one in (hint, *typing.get_args(hint)))
    if hint is str and not text.startswith(('"', "'")):
        return text
    written = f"[{text}]" if listed and not text.startswith("[") else text
    try:
        content = parse_toml(f"value = {written}", dict[str, object], where="--set")
    except ValueError:
        content = {}
    if list(content) == ["value"]:
        return content["value"]
    return [part.strip() for part in text.split(",")] if listed else text


def _convert(place: str, value: object, hint: object) -> object:
    """The value as the field's type has it.

    Raises:
        ValueError: it is of another type.
    """
    fits, result = _fit(value, hint)
    if not fits:
        raise ValueError(f"{place} must be {_words(hint)}, got {_show(value)}")
    return result


def _fit(value: object, hint: object) -> tuple[bool, object]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        fits = (_fit(value, one) for one in arguments)
        return next((fit for fit in fits if fit[0]), (False, None))
    if origin is typing.Literal:
        return value in arguments and type(value) in {type(one) for one in arguments}, value
    if origin is tuple:
        return _fit_tuple(value, arguments)
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False, None
        return True, float(value)
    return type(value) is cast("type", hint), value


def _fit_tuple(value: object, arguments: tuple[object, ...]) -> tuple[bool, object]:
    if not _is_list(value):
        return False, None
    hints = (arguments[0],) * len(value) if arguments[1:] == (...,) else arguments
    if len(hints) != len(value):
        return False, None
    parts = [_fit(one, hint) for one, hint in zip(value, hints, strict=True)]
    return all(fits for fits, _ in parts), tuple(part for _, part in parts)


def _words(hint: object) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return f"one of {', '.join(map(_show, arguments))}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(one) for one in arguments if one is not type(None))
    if origin is tuple and arguments[1:] == (...,):
        return f"a list, each entry {_words(arguments[0])}"
    if origin is tuple:
        return f"a list of {len(arguments)}: {', '.join(map(_words, arguments))}"
    return WORDS.get(hint, str(hint))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # TOML's escapes are JSON's, but it forbids the bare control character DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if _is_list(value):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def _show(value: object) -> str:
    plain = _is_list(value) or isinstance(value, bool | str | int | float)
    return cut_text(_toml(value) if plain else str(value))


def _is_list(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    return isinstance(value, list | tuple)
