"""The names in a history: commas part them, unless a name has one itself."""

import pytest

from lrgd_jax.cli.recommend_inputs import split_names

KNOWN = {"atlas": 0, "lamp, small": 1, 'a "b"': 2}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("atlas, lamp", ["atlas", "lamp"]),
        ("lamp, small", ["lamp, small"]),
        ('atlas, "lamp, small"', ["atlas", "lamp, small"]),
        ('a "b"', ['a "b"']),
        ('atlas,"a ""b"""', ["atlas", 'a "b"']),
        (" atlas ,, ", ["atlas"]),
        ("", []),
    ],
)
def test_names_in_a_history(text, names):
    assert split_names(text, KNOWN) == names
