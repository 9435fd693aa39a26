"""Where two programs part: the step that is wrong is named with its line, however the rest is written."""

import inspect
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import Counterexample, equal, trace
from lrgd_jax.certify.counterexamples.divergence import Divergence, find_divergence

X = np.array([1.0, 2.0, 3.0])


def line_of(function, offset=1):
    return f"test_divergence.py:{inspect.getsourcelines(function)[1] + offset} ({function.__qualname__})"


def parted(left, right, *arrays):
    """At arrays and at others beside them."""
    beside = [np.random.default_rng(3).normal(size=x.shape) for x in arrays]
    return find_divergence(trace(left, *arrays), trace(right, *arrays), list(arrays), beside)


def twice(x):
    return 2 * x + 1


def thrice(x):
    return 3 * x + 1


def test_a_wrong_factor():
    found = parted(twice, thrice, X)
    assert found is not None
    assert found.left is not None
    assert found.right is not None
    assert found.left.as_dict() == {"primitive": "mul", "source": line_of(twice), "value": ["2", "4", "6"]}
    assert found.right.as_dict() == {"primitive": "mul", "source": line_of(thrice), "value": ["3", "6", "9"]}
    assert found.lines(("twice", "thrice")) == [
        f"twice parts from thrice at 'mul', {line_of(twice)}, with ['2', '4', '6']",
        f"thrice parts from twice at 'mul', {line_of(thrice)}, with ['3', '6', '9']",
    ]


def attention(q, k, v):
    logits = jnp.exp(q @ k.T)
    total = logits.sum(axis=1)
    return logits @ v / total[:, None]


def over_queries(q, k, v):
    logits = jnp.exp(k @ q.T).T
    total = logits.sum(axis=0)
    return logits @ v / total[:, None]


def test_values_are_equal_in_whatever_order_a_program_keeps_them():
    """Scores and exponentials are transposed on one side, and still the same; what they are summed over is not."""
    q, k, v = np.random.default_rng(0).normal(size=(3, 2, 2))
    found = parted(attention, over_queries, q, k, v)
    assert found is not None
    assert found.left is not None
    assert found.right is not None
    assert (found.left.primitive, found.left.source) == ("reduce_sum", line_of(attention, 2))
    assert (found.right.primitive, found.right.source) == ("reduce_sum", line_of(over_queries, 2))


def test_a_coincidence_at_plain_numbers_is_none():
    """At two, a sum and a product are four."""
    found = parted(lambda x: (x + x) * x, lambda x: (x * x) * x, np.array(2.0))
    assert found is not None
    assert found.left is not None
    assert (found.left.primitive, found.left.value) == ("add", "4")
    alone = trace(lambda x: (x + x) * x, 2.0), trace(lambda x: (x * x) * x, 2.0)
    assert find_divergence(*alone, [np.array(2.0)]) == Divergence(None, None)


def test_steps_of_a_loop_are_compared_with_a_whole():
    def summed(x):
        return lax.scan(lambda total, y: (total + y, total + 2 * y), 0.0, x)[1]

    found = parted(summed, jnp.cumsum, X)
    assert found is not None
    assert found.right is None
    assert found.left is not None
    assert (found.left.primitive, found.left.value) == ("mul", "2")


def test_a_branch_shows_at_the_point_where_it_counts():
    """At the point beside it both are the same."""
    found = find_divergence(
        trace(lambda x: jnp.where(x > 0, x, 0.0), 1.0),
        trace(lambda x: jnp.where(x >= 0, x, 1.0), 1.0),
        [np.array(-1.0)],
        [np.array(3.0)],
    )
    assert found is not None
    assert found.right is not None
    assert found.right.primitive == "select_n"


def test_the_same_numbers_in_other_places():
    found = parted(lambda x: x[::-1] * 2, lambda x: x * 2, X)
    assert found is not None
    assert found == Divergence(None, None)
    assert found.lines(("f", "g")) == ["every number of f occurs in g and the other way round, in other places"]


def test_whole_numbers_where_no_others_part():
    found = parted(jnp.argmax, jnp.argmin, X)
    assert found is not None
    assert found.left is not None
    assert found.right is not None
    assert (found.left.primitive, found.left.value, found.right.value) == ("argmax", "2", "0")


def test_loops_that_take_other_ways_at_other_points():
    def halved(x):
        return lax.while_loop(lambda y: y > 1, lambda y: y / 2, x)

    found = find_divergence(
        trace(halved, 8.0), trace(lambda x: halved(x) + 1, 8.0), [np.array(7.0)], [np.array(64.0)], [np.array(2.0)]
    )
    assert found is not None
    assert found.left is None
    assert found.right is not None
    assert (found.right.primitive, found.right.value) == ("add", "15/8")


def test_complex_numbers_part_by_their_parts():
    def filtered(x):
        return jnp.fft.ifft(jnp.fft.fft(x) * 2j).imag

    def unfiltered(x):
        return jnp.fft.ifft(jnp.fft.fft(x) * 3j).imag

    found = parted(filtered, unfiltered, X)
    assert found is not None
    assert found.left is not None
    assert found.left.source == line_of(filtered)
    assert isinstance(equal(filtered, unfiltered, "x:n=3"), Counterexample)


def test_a_step_within_a_library_is_named_by_the_line_that_calls_it():
    def inverted(x):
        return jnp.linalg.inv(x[:2, None] * x[None, 1:] + jnp.eye(2))

    def solved(x):
        return jnp.linalg.inv(x[:2, None] * x[None, 1:] + 2 * jnp.eye(2))

    found = parted(lambda x: inverted(x) @ x[:2], lambda x: solved(x) @ x[:2], X)
    assert found is not None
    assert found.left is not None
    assert found.left.source == line_of(inverted)


def test_as_many_digits_as_it_takes():
    for left, right, digits in ((0.1, 0.3, 6), (1 / np.sqrt(2), 2**-0.5, 20)):
        found = parted(lambda x, a=left: jnp.exp(x) * a, lambda x, b=right: jnp.exp(x) * b, np.array(1.0))
        assert found is not None
        assert found.left is not None
        assert found.right is not None
        assert found.left.value != found.right.value
        assert len(found.left.value.strip("0.")) <= digits
        assert len(found.left.value) >= digits


def test_what_cannot_be_evaluated_has_no_parting():
    assert parted(lambda x: lax.nextafter(x, x), lambda x: x, X) is None


@pytest.mark.parametrize("balls", [False, True])
def test_a_counterexample_shows_it(balls):
    outer = jnp.exp if balls else lambda x: x
    found = equal(lambda x: outer(twice(x)), lambda x: outer(thrice(x)), "x:n=3")
    assert isinstance(found, Counterexample)
    assert f"(the first) parts from <lambda> (the second) at 'mul', {line_of(twice)}, with [" in str(found)
    written = json.loads(found.to_json())["parting"]
    assert written["left"]["source"] == line_of(twice)
    assert written["right"]["source"] == line_of(thrice)
    assert jax.tree.leaves(written["left"]["value"])


def test_functions_of_integers_alone_part_nowhere_that_is_kept():
    tokens = np.array([2])
    left, right = (trace(f, tokens) for f in (lambda t: t * t, lambda t: t))
    assert find_divergence(left, right, [tokens]) is None
