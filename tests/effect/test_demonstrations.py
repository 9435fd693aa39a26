"""Files of demonstrations: what is read, and one message for every line that cannot be."""

import json

import pytest

from lrgd_jax.effect.demonstrations import read_demonstrations


def written(tmp_path, *lines):
    file = tmp_path / "d.jsonl"
    file.write_text("\n".join(x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in lines), "utf-8")
    return file


def test_texts_and_pairs_are_read_and_blank_lines_and_other_keys_left_out(tmp_path):
    # a line separator within a string ends no line of the file
    texts = written(tmp_path, {"text": "a\u2028b", "id": 3}, "", {"text": " c\n"}, "")
    assert read_demonstrations(texts) == ("a\u2028b", " c\n")
    pairs = written(tmp_path, {"input": "Spain", "output": "Madrid"})
    assert read_demonstrations(pairs) == (("Spain", "Madrid"),)


def test_a_mark_of_the_byte_order_is_no_text(tmp_path):
    file = tmp_path / "d.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"text": "a"}\r\n{"text": "b"}\r\n')
    assert read_demonstrations(file) == ("a", "b")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no demonstration"),
        (["", "  "], "holds no demonstration"),
        ([{"text": "a"}, "text"], r"line 2 is not JSON: invalid character.*expected \{\"text\""),
        (["[1]"], "line 1 holds a list, not an object"),
        (["{}"], r"line 1 lacks 'text' \(it has no keys\)"),
        ([{"prompt": "a"}], r"line 1 lacks 'text' \(it has 'prompt'\)"),
        ([{"input": "a"}], r"line 1 lacks 'output' \(it has 'input'\)"),
        ([{"output": "a"}], "line 1 lacks 'input'"),
        ([{"text": "a", "input": "b"}], 'line 1 has both "text" and "input"'),
        ([{"text": 3}], 'line 1: "text" must be a text, got 3'),
        ([{"input": "a", "output": None}], 'line 1: "output" must be a text, got null'),
        ([{"text": " \n"}], 'line 1: "text" is empty'),
        ([{"input": "a", "output": ""}], 'line 1: "output" is empty'),
        (['{"text": "a\\ud800"}'], "line 1 is not JSON: .*half of a surrogate pair"),
        (
            [{"text": "a"}, {"input": "b", "output": "c"}],
            r'mixes two forms: line 1 has "text", line 2 has "input" and "output"',
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message) as error:
        read_demonstrations(written(tmp_path, *lines))
    assert "d.jsonl" in str(error.value)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of demonstrations"):
        read_demonstrations(tmp_path / "nothing.jsonl")
    file = tmp_path / "d.jsonl"
    file.write_bytes(b'{"text": "\xff"}')
    with pytest.raises(ValueError, match="not UTF-8 at byte 10"):
        read_demonstrations(file)
