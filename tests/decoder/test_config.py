from dataclasses import replace

import pytest

from lrgd_jax.positions import Llama3Scaling

from .helpers import TINY


def test_it_is_hashable_and_equal_by_content():
    stretched = replace(TINY, rope_scaling=Llama3Scaling())
    assert hash(stretched) == hash(replace(TINY, rope_scaling=Llama3Scaling()))
    assert stretched != TINY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers must be a positive whole number, got 0"),
        ({"width": 8.0}, "width must be a positive whole number"),
        ({"kv_heads": 3}, "4 query heads cannot be divided among 3"),
        ({"head_width": 3}, "head_width must be even"),
        ({"norm_epsilon": 0.0}, "norm_epsilon must be a positive number"),
        ({"rope_theta": float("nan")}, "rope_theta must be a positive number"),
        ({"attention": "quadratic"}, "attention must be one of"),
        ({"rope_layout": "whole"}, "rope_layout must be one of"),
        ({"bos": 13}, "in the vocabulary"),
        ({"eos": (2, -1)}, "in the vocabulary"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)
