import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.decoder import split_text, split_tokens
from lrgd_jax.strategies import segments


def characters(text):
    """Offsets of a tokenizer that begins with a special token and makes each character a token."""
    return [(0, 0), *((i, i + 1) for i in range(len(text)))]


@given(expected=st.integers(1, 12).flatmap(segments).map(np.ndarray.tolist))
def test_ranges_side_by_side_are_segments(expected):
    ends = [0, *itertools.accumulate(len([*tokens]) for _, tokens in itertools.groupby(expected))]
    ranges = list(itertools.pairwise(ends))
    assert split_tokens(ends[-1], ranges[:-1], ranges[-1]).tolist() == expected
    assert split_tokens(ends[-1], ranges[:-1]).tolist() == expected


def test_tokens_between_ranges_belong_to_the_one_before():
    assert split_tokens(9, [(1, 3), (4, 6)], (7, 8)).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("length", "demonstrations", "query", "message"),
    [
        (6, [(0, 4)], (3, 6), r"the query \(tokens 3 to 6\) overlaps demonstration 1 \(tokens 0 to 4\)"),
        (6, [(0, 3), (2, 4)], (4, 6), r"demonstration 2 .* overlaps demonstration 1"),
        (6, [(3, 5), (0, 2)], (5, 6), r"demonstration 2 .* comes before demonstration 1"),
        (6, [(0, 3)], (3, 7), "the query is at tokens 3 to 7, outside the prompt of 6 tokens"),
        (6, [(-1, 3)], (3, 6), "demonstration 1 is at tokens -1 to 3, outside"),
        (6, [(0, 6)], None, "the query is empty"),
        (6, [(2, 2)], (3, 6), "demonstration 1 is empty"),
        (0, [], None, "the prompt is empty"),
    ],
)
def test_ranges_that_make_no_segments_are_refused(length, demonstrations, query, message):
    with pytest.raises(ValueError, match=message):
        split_tokens(length, demonstrations, query)


@given(pieces=st.lists(st.text("ab ", min_size=1, max_size=4).filter(str.strip), min_size=1, max_size=5))
def test_lines_are_segments(pieces):
    text = "\n".join(pieces)
    segments = split_text(text, characters(text), demonstrations=len(pieces) - 1).tolist()
    assert segments[0] == 0  # the special token that begins the text
    for segment, piece in enumerate(pieces):
        own = "".join(c for c, s in zip(text, segments[1:], strict=True) if s == segment)
        assert own == piece + ("\n" if segment < len(pieces) - 1 else "")


@pytest.mark.parametrize(
    ("text", "separator", "expected"),
    [
        ("ab\n\ncd\n", "\n", [0, 0, 0, 0, 0, 1, 1, 1]),
        ("\n\na\nb", "\n", [0, 0, 0, 0, 0, 1]),
        ("a##b#c", "##", [0, 0, 0, 0, 1, 1, 1]),
        ("abc", "\n", [0, 0, 0, 0]),
    ],
)
def test_blank_pieces_and_separators_belong_to_the_piece_before(text, separator, expected):
    assert split_text(text, characters(text), separator=separator).tolist() == expected


def test_a_special_token_at_the_end_belongs_to_the_query():
    assert split_text("a\nb", [*characters("a\nb"), (0, 0)]).tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "the prompt is empty"),
        (" \n ", {}, "the prompt is empty"),
        ("a\nb\nc", {"demonstrations": 3}, "3 demonstrations were asked for, .* 2 and a query"),
        ("a\nb", {"separator": ""}, "the separator is empty"),
    ],
)
def test_text_that_makes_no_segments_is_refused(text, options, message):
    with pytest.raises(ValueError, match=message):
        split_text(text, characters(text), **options)


def test_a_piece_inside_one_token_is_refused():
    with pytest.raises(ValueError, match="the query has no token of its own"):
        split_text("a\nb", [(0, 3)])
