"""A claim that the exact layers refute falls at the smallest instance, shown in plain numbers."""

import inspect

import jax.numpy as jnp
import numpy as np
import pytest
from small_claims import TRUE, all_pairs, variant

from lrgd_jax.claims import Integers, Mutant
from lrgd_jax.claims.exact_counterexample import smallest_exact_counterexample
from lrgd_jax.claims.failure_texts import exact_counterexample_text
from lrgd_jax.claims.pytest_layers import claim_layers


def off(x):
    """By less than any float64 shows."""
    return all_pairs(x) * (1 + jnp.asarray(2.0**-60, x.dtype) * jnp.sum(x))


def test_a_fault_that_no_float_shows():
    found = smallest_exact_counterexample(variant(right=off))
    assert found is not None
    assert found.dimensions == {"n": 1}
    assert found.arguments["x"].tolist() == [1.0]
    assert found.difference.numbers == "rational numbers"
    assert found.difference.left == ("1",)
    assert found.difference.right == (f"{2**60 + 1}/{2**60}",)
    text = exact_counterexample_text(found)
    line = inspect.getsourcelines(off)[1] + 2
    for part in (
        "smallest counterexample in rational numbers:\n  dimensions: n = 1\n  x = [1.0]\n  left  = 1\n",
        "they differ by at least 8.6736e-19",
        f"right parts from left at 'mul', test_exact_counterexample.py:{line} (off), with",
    ):
        assert part in text


@pytest.mark.parametrize("layer", ["exact", "rigorous"])
def test_the_layers_of_a_test_show_it(layer):
    with pytest.raises(AssertionError, match=r"(?s)differ at n = 5.*smallest counterexample.*\n  x = \[1\.0\]\n"):
        claim_layers(variant(right=off)).run(layer)


def test_the_smallest_shape_that_shows_it():
    """Two numbers, of which neither is zero."""
    found = smallest_exact_counterexample(variant(right=lambda x: jnp.sum(x * x)))
    assert found is not None
    assert found.dimensions == {"n": 2}
    assert np.abs(found.arguments["x"]).tolist() == [1.0, 1.0]
    assert found.parting is not None


def test_balls_where_rational_numbers_do_not_do():
    claim = variant(left=lambda x: jnp.exp(jnp.sum(x)), right=lambda x: jnp.prod(jnp.exp(x)) * 1.5)
    found = smallest_exact_counterexample(claim)
    assert found is not None
    assert found.difference.numbers == "balls"
    assert found.arguments["x"].tolist() == [0.0]


def test_arguments_satisfy_the_assumptions():
    def given(x):
        return {"x": x / jnp.sum(x * x), "w": jnp.ones_like(x)}

    claim = variant(given=given, left=lambda x, w: x @ w, right=lambda x, w: 2 * x @ w)
    found = smallest_exact_counterexample(claim)
    assert found is not None
    assert found.arguments["w"].tolist() == [1.0]
    assert found.arguments["x"].tolist() != [0.0]


def test_integers_and_a_shape_that_is_known():
    """Only the last token of six is wrong, and no shape that is tried first has so many."""

    def table(tokens, vocab):
        return jnp.arange(vocab, dtype=jnp.float64)[tokens].sum()

    def wrong(tokens, vocab):
        return jnp.where(jnp.arange(vocab) < 5, jnp.arange(vocab, dtype=jnp.float64), 0.0)[tokens].sum()

    claim = variant(
        arguments={"tokens": Integers("n", below="vocab")},
        dimensions={"n": (1, 2), "vocab": (1, 6)},
        shapes=({"n": 1, "vocab": 6},),
        left=table,
        right=wrong,
        mutants=(Mutant("one more", lambda tokens: tokens.sum() + 1.0), Mutant("none", lambda tokens: 0.0)),
    )
    assert smallest_exact_counterexample(claim) is None
    found = smallest_exact_counterexample(claim, {"n": 1, "vocab": 6})
    assert found is not None
    assert found.arguments["tokens"].tolist() == [5]
    assert found.difference.left == ("5",)


def test_a_true_claim_has_none():
    assert smallest_exact_counterexample(TRUE) is None
    assert "no point was found" in exact_counterexample_text(None)
