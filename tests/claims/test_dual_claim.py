"""A layer of one's own beside a dual: what the claim is called, whatever the layer is."""

import pytest

from lrgd_jax.attention import LinearAttention
from lrgd_jax.claims import dual_claim

FORM = LinearAttention(causal=True)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("By Running_sums", "by-running-sums"), ("a (v2)/../b", "a-v2-b"), ("<lambda>", "lambda"), ("..", "layer")],
)
def test_a_slug_is_the_name_of_a_file(name, slug):
    assert dual_claim(FORM, FORM, name=name).slug == slug


def test_a_layer_need_not_tell_its_arguments():
    # `max` is written in C and has no signature
    assert dual_claim(max, FORM).slug == "max"
