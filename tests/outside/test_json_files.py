"""JSON and TOML from outside: read as their types, or refused in one sentence that names file and field."""

import dataclasses
import re
from typing import TypedDict

import msgspec
import pytest

from lrgd_jax.outside.convert import DEEPEST, LONGEST_PATH, convert, convert_record
from lrgd_jax.outside.json_files import LARGEST, parse_json, read_json
from lrgd_jax.outside.toml_files import parse_toml, read_toml


class Layer(TypedDict):
    heads: int
    rates: list[float]


class Model(TypedDict):
    name: str
    layers: dict[str, Layer]


@dataclasses.dataclass(frozen=True)
class Rates:
    decay: float = 0.5
    window: int = 3


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    decay: float = 0.5


RIGHT = {"name": "a", "layers": {"first": {"heads": 2, "rates": [1, 0.5]}}}


def test_what_is_right_comes_back():
    assert convert(RIGHT, Model, where="m.json") == RIGHT
    assert parse_json('{"n": 3}', dict[str, int], where="m.json") == {"n": 3}
    assert parse_json(b"[1, 2]", tuple[int, int], where="m.json") == (1, 2)
    # whole numbers of any length keep their digits
    assert parse_json("9" * 40, object, where="m.json") == int("9" * 40)
    assert parse_toml("a.b = 1", dict[str, dict[str, int]], where="c.toml") == {"a": {"b": 1}}
    assert convert_record({"window": 2}, Rates, where="r.json") == Rates(window=2)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ({"heads": "2", "rates": []}, 'm.json: layers.first.heads: expected a whole number, got "2"'),
        ({"heads": True, "rates": []}, "m.json: layers.first.heads: expected a whole number, got true"),
        ({"heads": 2.5, "rates": []}, "m.json: layers.first.heads: expected a whole number, got 2.5"),
        ({"heads": 2, "rates": [0, None]}, "m.json: layers.first.rates[1]: expected a number, got null"),
        ({"heads": 2, "rates": [float("nan")]}, "m.json: layers.first.rates[0]: expected a finite number, got nan"),
        ({"heads": 2, "rates": {}}, "m.json: layers.first.rates: expected a list, got {}"),
        ({"heads": 2}, "m.json: layers.first: the field rates is missing"),
        ("x" * 99, f'm.json: layers.first: expected an object, got "{"x" * 59}…'),
    ],
)
def test_a_wrong_field_is_named_with_what_came(first, message):
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        convert({"name": "a", "layers": {"first": first}}, Model, where="m.json")
    assert str(refused.value) == message


def test_the_entry_that_is_wrong_is_named_among_those_that_are_right():
    with pytest.raises(ValueError, match=r"^m\.json: b\[1\]: expected a whole number, got \"x\"$"):
        convert({"a": [1], "b": [2, "x"]}, dict[str, list[int]], where="m.json")
    with pytest.raises(ValueError, match="the field windw is not known; known are decay, window"):
        convert_record({"windw": 2}, Rates, where="r.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is not JSON: it ends too early"),
        (b'{"a": [1', "is not JSON: it ends too early"),
        (b'{"a": }', r"is not JSON: invalid character \(byte 6\)"),
        (b"1 2", "is not JSON: trailing characters"),
        (b"NaN", "is not JSON: invalid character"),
        (b"1e999", "is not JSON: number out of range"),
        (b"1" * 5000, "is not JSON: integer value out of range"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'"a\xff"', "is not UTF-8 at byte 2"),
        (b"\xef\xbb\xbf{}", "begins with a byte order mark"),
        (b"\xff\xfe{\x00", "begins with a byte order mark"),
        (b"[" * 200_000, f"more than {DEEPEST} lists and objects"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), f"more than {DEEPEST} lists and objects"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, f"more than {DEEPEST} lists and objects"),
    ],
)
def test_what_is_no_json_is_one_sentence(tmp_path, text, message):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(ValueError, match=message) as refused:
        read_json(tmp_path / "a.json", object, what="certificate")
    assert str(refused.value).startswith(str(tmp_path / "a.json"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "load",
    [
        lambda name: convert_record({name: 2}, Rates, where="r.json"),
        lambda name: convert({name: 2}, Closed, where="r.json"),
        lambda name: parse_toml(f"a = {{{name} = 1, {name} = 2}}", object, where="r.toml"),
        lambda name: convert({"name": [name], "layers": {}}, Model, where="m.json"),
    ],
)
def test_names_without_end_are_cut(load):
    with pytest.raises(ValueError, match=r"^[rm]\.\w+") as refused:
        load("n" * 4096)
    assert len(str(refused.value)) < 2 * LONGEST_PATH


def test_the_deepest_that_is_read():
    text = "[" * DEEPEST + "]" * DEEPEST
    assert str(parse_json(text, object, where="a.json")) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a =", "is not TOML"),
        ("a = nan", "a: expected a finite number, got nan"),
        ("a = " + "9" * 5000, "is not TOML"),
        ("a = " + "[" * 5000, "more than"),
        ("a = 1979-05-27", "a: expected a number, got"),
    ],
)
def test_what_is_no_toml_is_one_sentence(tmp_path, text, message):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_toml(tmp_path / "a.toml", dict[str, float], what="configuration file")


def test_a_byte_order_mark_before_toml(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 3")
    assert read_toml(tmp_path / "a.toml", dict[str, int], what="configuration file") == {"a": 3}
    (tmp_path / "a.toml").write_bytes(b"\xff\xfea")
    with pytest.raises(ValueError, match="byte order mark"):
        read_toml(tmp_path / "a.toml", dict[str, int], what="configuration file")


def test_files_that_are_not_there_or_too_large(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no certificate"):
        read_json(tmp_path / "a.json", object, what="certificate")
    # a sparse file takes no room
    with (tmp_path / "a.json").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    with pytest.raises(ValueError, match=f"expected a certificate of at most {LARGEST}"):
        read_json(tmp_path / "a.json", object, what="certificate")
