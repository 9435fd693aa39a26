"""Certificates and counterexamples for any two functions."""

import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lrgd_jax
from lrgd_jax.certify import (
    Certificate,
    Counterexample,
    NotCertifiableError,
    UnknownPrimitiveError,
    Unrefuted,
    equal,
    free,
)
from lrgd_jax.certify.answers.certificates import Integers
from lrgd_jax.certify.balls.ball_arithmetic import Balls
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.points.sample_points import Leaf, random_points
from lrgd_jax.certify.tracing.program import trace
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable
from lrgd_jax.certify.walking.walker import walk

SHAPES = "q:n=6,d=2; k:n,d; v:n,dv=2"
CHUNK = 3


def quadratic(q, k, v):
    return jnp.tril(q @ k.T) @ v


def chunked(q, k, v, rows=CHUNK):
    """Causal linear attention by chunks, of which `rows` rows go into the state."""
    chunks = [x.reshape(-1, CHUNK, x.shape[1]) for x in (q, k, v)]

    def step(state, chunk):
        a, b, c = chunk
        return state + b[:rows].T @ c[:rows], a @ state + jnp.tril(a @ b.T) @ c

    _, out = jax.lax.scan(step, jnp.zeros((q.shape[1], v.shape[1]), q.dtype), chunks)
    return out.reshape(-1, v.shape[1])


def polynomial(coefficients, x):
    """By Horner's rule."""
    total = jnp.zeros_like(x)
    for c in coefficients:
        total = total * x + c
    return total


def expanded(coefficients, x):
    """By powers."""
    total = jnp.zeros_like(x)
    for k, c in enumerate(reversed(coefficients)):
        total = total + c * x**k
    return total


def product_of(roots, x):
    total = jnp.ones_like(x)
    for root in roots:
        total = total * (x - root)
    return total


def test_chunked_is_quadratic():
    found = equal(chunked, quadratic, SHAPES)
    assert isinstance(found, Certificate)
    assert found
    assert isinstance(found.exact, Agreement)
    assert found.exact.degree == 3
    assert isinstance(found.rigorous, Enclosure)
    text = str(found)
    assert text.startswith("certified: chunked = quadratic\n")
    assert "false with probability <= 4e-33 at these shapes" in text
    assert "at 2 points, 200 bits" in text
    assert all(digest in text for digest in found.programs)
    assert lrgd_jax.__version__ in text


def test_a_dropped_row_shows_at_the_smallest_shape():
    found = equal(chunked, functools.partial(chunked, rows=CHUNK - 1), SHAPES)
    assert isinstance(found, Counterexample)
    assert not found
    # a row of the first chunk must be missing from the second
    assert dict(found.sizes) == {"n": 2 * CHUNK, "d": 1, "dv": 1}
    assert found.numbers == "rational numbers"
    assert found.arguments is not None
    values = {x for array in found.arguments.values() for x in array.ravel().tolist()}
    assert values == {0.0, 1.0}
    functions: list[Any] = [chunked, functools.partial(chunked, rows=CHUNK - 1)]
    for function, exact in zip(functions, (found.left, found.right), strict=True):
        computed = function(*(jnp.asarray(found.arguments[name]) for name in ("q", "k", "v")))
        np.testing.assert_array_equal(np.asarray(exact[0], dtype=np.float64), computed)
    assert "counterexample: chunked is not equal to partial at n=6, d=1, dv=1" in str(found)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=4), st.lists(st.integers(-3, 3), max_size=3))
def test_polynomials_equal_themselves_expanded(coefficients, roots):
    whole = np.polymul(coefficients, np.poly(roots).round().astype(int) if roots else [1]).tolist()
    found = equal(lambda x: polynomial(coefficients, x) * product_of(roots, x), lambda x: expanded(whole, x), "x:n=2")
    assert isinstance(found, Certificate)
    assert isinstance(found.exact, Agreement)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=3), st.integers(0, 2), st.sampled_from([-1, 1]))
def test_polynomials_with_one_coefficient_changed_differ(coefficients, place, change):
    changed = list(coefficients)
    changed[place % len(changed)] += change
    found = equal(lambda x: polynomial(coefficients, x), lambda x: expanded(changed, x), "x:n=3")
    assert isinstance(found, Counterexample)
    assert dict(found.sizes) == {"n": 1}
    (left,), (right,) = found.left, found.right
    assert left != right


def test_values_are_plain_though_the_plainest_do_not_differ():
    found = equal(lambda x: x * (x - 1) * (x + 1), lambda x: 0 * x, "x:n=4")
    assert isinstance(found, Counterexample)
    assert found.arguments is not None
    assert found.arguments["x"].tolist() == [2.0]
    assert (found.left, found.right) == ((["6"],), (["0"],))


def test_many_entries_become_zero():
    found = equal(lambda x: x, lambda x: x.at[50].add(x[50]), "x:100")
    assert isinstance(found, Counterexample)
    assert found.arguments is not None
    assert np.flatnonzero(found.arguments["x"]).tolist() == [50]
    assert found.arguments["x"][50] == 1


def test_functions_without_rational_values_differ_in_balls():
    found = equal(lambda x: jnp.exp(x), lambda x: 1 + x, "x:n=3")
    assert isinstance(found, Counterexample)
    assert found.numbers == "balls"
    assert found.arguments is not None
    assert found.arguments["x"].tolist() == [1.0]
    assert found.left[0][0].startswith("[2.718281828")


def test_what_no_field_knows_is_not_certified_by_points():
    found = equal(lambda x: jax.lax.erf(x) + jax.lax.erfc(x), lambda x: 0 * x + 1, "x:n=3")
    assert isinstance(found, Unrefuted)
    assert not found
    assert isinstance(found.exact, Disagreement)
    assert not found.exact.certain
    assert found.points > 20
    assert f"are equal at {found.points} points, and nothing is said of others" in str(found).splitlines()[0]
    assert str(found).startswith("not certified: ")
    assert "exact: says nothing" in str(found)


def test_where_one_side_alone_has_a_value_they_differ():
    found = equal(lambda x: jnp.log(x) * 2, lambda x: jnp.log(x * x), "x:n=3")
    assert isinstance(found, Counterexample)
    assert found.arguments is not None
    assert found.arguments["x"].tolist() == [-1.0]
    assert (found.left, found.right) == ((["nan"],), (["0"],))
    assert "one of them alone has a value there; where only larger arguments are meant" in str(found)
    positive = equal(lambda x: jnp.log(x) * 2, lambda x: jnp.log(x * x), "x:n=3 above 0")
    assert isinstance(positive, Unrefuted)
    assert not positive.skipped
    assert positive.shapes == "x:n=3 above 0"


def test_an_inequality():
    found = equal(lambda x: 2 * x, lambda x: x * x + 1, "x:n=2", relation="at most")
    assert isinstance(found, Unrefuted)
    assert isinstance(found.exact, NotApplicable)
    assert found.as_dict()["verdict"] == "at most at the points tried"
    assert "<=" in str(found)
    assert "difference at most zero" in str(found)
    other = equal(lambda x: x * x + 1, lambda x: 2 * x, "x:n=2", relation="at most")
    assert isinstance(other, Counterexample)
    assert other.arguments is not None
    assert other.arguments["x"].tolist() == [0.0]
    assert "is not at most" in str(other)
    equality = equal(lambda x: x + x, lambda x: 2 * x, "x:n=2", relation="at most")
    assert isinstance(equality, Certificate)
    assert isinstance(equality.exact, Agreement)


def test_one_program_twice_is_said_to_be_one():
    found = equal(quadratic, quadratic, SHAPES)
    assert isinstance(found, Certificate)
    assert found.notes == ("both are the same program",)
    assert found.programs[0] == found.programs[1]
    assert "quadratic (the first) = quadratic (the second)" in str(found)


def test_constants_count_for_the_program():
    tables = np.arange(2000.0), np.arange(2000.0) + (np.arange(2000) == 1000)
    one, same, other = (functools.partial(lambda x, table: x + table, table=table) for table in (*tables[:1], *tables))
    assert equal(one, same, "x:2000").programs[0] == equal(one, same, "x:2000").programs[1]
    found = equal(one, other, "x:2000")
    assert not found
    assert found.programs[0] != found.programs[1]


def test_digests_see_behind_free_functions_and_no_addresses():
    def program(power):
        phi = free(lambda x: x**power)
        return equal(lambda x: phi(x), lambda x: phi(x) + 0, "x:n=2").programs

    assert program(2) == program(2)
    assert program(2) != program(3)


def test_what_only_a_drawn_point_shows_is_kept():
    (drawn, *_) = random_points([Leaf((1,))], [[np.zeros(1)]], 0, 1)
    place = float(drawn[0][0])
    # no comparison, so that the point cannot be solved for
    found = equal(lambda x: x, lambda x: x + jnp.floor(jnp.exp(-(((x - place) * 2**40) ** 2))), "x:n=1")
    assert isinstance(found, Counterexample)
    assert found.arguments is not None
    assert found.arguments["x"].tolist() == [place]


def test_what_only_a_field_shows_has_no_arguments(monkeypatch):
    monkeypatch.setattr("lrgd_jax.certify.counterexamples.shrinking.find_smallest", lambda *_, **__: None)
    found = equal(lambda x: x, lambda x: 2 * x, "x:n=2")
    assert isinstance(found, Counterexample)
    assert found.arguments is None
    assert "they differ in a random prime field" in str(found)
    assert json.loads(found.to_json())["arguments"] is None


def test_integer_arguments_are_drawn_below():
    def looked_up(tokens, table):
        return table[tokens]

    def one_hot(tokens, table):
        return jnp.asarray(tokens[:, None] == jnp.arange(5)[None], table.dtype) @ table

    found = equal(looked_up, one_hot, "tokens:n=4 below 5; table:5,d=2")
    assert isinstance(found, Certificate)
    assert found.integers is not None
    assert not found.integers.exhaustive
    assert str(found).startswith("certified at 7 draws of the integers: ")
    few = equal(looked_up, one_hot, "tokens:n=2 below 5; table:5,d=2")
    assert isinstance(few, Certificate)
    assert few.integers == Integers(25, exhaustive=True)
    assert "exhaustive over 25 integer arguments" in str(few)
    wrong = equal(looked_up, lambda tokens, table: table[tokens // 2 * 2], "tokens:n=4 below 5; table:5,d=2")
    assert isinstance(wrong, Counterexample)
    assert dict(wrong.sizes) == {"n": 1, "d": 1}
    assert wrong.arguments is not None
    assert wrong.arguments["tokens"].tolist() in ([1], [3])


PHI = free(lambda x: jnp.maximum(x, 0) + 1)


def by_map(k, v):
    return jax.vmap(PHI)(k).T @ v


def by_sum(k, v):
    return sum(jnp.outer(PHI(a), b) for a, b in zip(k, v, strict=True))


def test_free_functions():
    found = equal(by_map, by_sum, "k:n=3,d=2; v:n,dv=2")
    assert isinstance(found, Certificate)
    assert isinstance(found.exact, Agreement)
    assert found.exact.symbols
    # the function behind it has values at a point
    assert isinstance(found.rigorous, Enclosure)


def test_a_free_function_that_happens_to_do():
    found = equal(lambda x: PHI(x), lambda x: jnp.where(x > 0, x, 0) + 1, "x:n=3")
    assert isinstance(found, Unrefuted)
    assert isinstance(found.rigorous, Enclosure)


def test_a_difference_behind_a_free_function_is_exact():
    found = equal(by_map, lambda k, v: by_map(k[1:], v[1:]), "k:n=3,d=2; v:n,dv=2")
    assert isinstance(found, Counterexample)
    assert dict(found.sizes) == {"n": 1, "d": 1, "dv": 1}
    assert found.numbers == "rational numbers"


@pytest.mark.parametrize("system", [Rationals(), Balls()])
def test_number_systems_see_behind_free_functions(system):
    program = trace(jax.vmap(jax.vmap(PHI)), np.zeros((2, 3, 4)))
    x = np.arange(-12.0, 12.0).reshape(2, 3, 4)
    (found,) = walk(program, system, [system.lift(x, x.dtype)])
    assert (found.array == system.lift(np.maximum(x, 0) + 1, x.dtype).array).all()


def test_a_capped_search_shrinks_one_axis_at_a_time():
    found = equal(
        lambda a, b, c, d: a.sum() + b.sum() + c.sum() + d.sum(),
        lambda a, b, c, d: a.sum() + b.sum() + c.sum() + d[:13].sum(),
        "a:i=9; b:j=9; c:k=9; d:l=15",
    )
    assert isinstance(found, Counterexample)
    assert dict(found.sizes) == {"i": 1, "j": 1, "k": 1, "l": 14}
    assert "256 smallest shapes" in found.search


def test_integer_results_are_compared_too():
    found = equal(
        lambda x: {"y": x, "n": (x > 0).astype(jnp.int32)},
        lambda x: {"y": x + 0, "n": (x > 0).astype(x.dtype)},
        "x:n=3",
    )
    assert isinstance(found, Certificate)
    assert isinstance(found.rigorous, Enclosure)


def test_parameters_by_position_by_keyword_and_with_defaults():
    def first(x, /, y, *, z, power=2):
        return (x + y + z) ** power

    def second(z, x, y, **others):
        return (x + y + z) * (z + y + x)

    assert equal(first, second, "x:n=2; y:n; z:n")
    assert not equal(first, second, "x:; y:; z:; power:")
    assert equal(jax.grad(lambda x: jnp.sum(x**3)), lambda x: 3 * x * x, "x:n=2")


@pytest.mark.parametrize(
    ("f", "g", "shapes", "message"),
    [
        (lambda x: x, lambda x: x, "y:n=3", "has no parameter 'y'; its parameters are x"),
        (lambda x, y: x, lambda x: x, "x:n=3", "needs a shape for 'y'; its parameters are x, y"),
        (lambda x: x, lambda x: x.sum(), "x:n=3", r"returns \[3\], .* returns \[\]"),
        (lambda x: x, lambda x: (x,), "x:n=3", "cannot be compared"),
        (lambda x: x[:0], lambda x: x[:0], "x:n=3", "nothing to certify"),
        (lambda x: None, lambda x: None, "x:n=3", "nothing to certify"),
        (lambda x: x / (1 // 0), lambda x: x, "x:n=3", "cannot be traced at x: .3.: ZeroDivisionError"),
        (lambda x: x if x[0] > 0 else -x, lambda x: x, "x:n=3", "TracerBoolConversionError"),
        (lambda x: x @ x, lambda x: x, "x:n=3,m=2", "cannot be traced at x: .3, 2."),
        (dict, lambda x: x, "x:n=3", "cannot be compared|does not say what its parameters are"),
    ],
)
def test_wrong_functions_and_shapes_are_named(f, g, shapes, message):
    with pytest.raises(ValueError, match=message):
        equal(f, g, shapes)


def test_wrong_options_are_named():
    with pytest.raises(TypeError, match="expected two functions, got int 3"):
        equal(3, quadratic, SHAPES)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="relation must be"):
        equal(quadratic, quadratic, SHAPES, relation="less")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="instances at least 1"):
        equal(quadratic, quadratic, SHAPES, instances=0)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        equal(quadratic, quadratic, SHAPES, seed=-1)


def test_no_layer_is_an_error_with_both_reasons():
    def bessel(x):
        return jax.scipy.special.i0e(x)

    with pytest.raises(NotCertifiableError, match=r"exact: .*bessel.* rigorous: .*bessel"):
        equal(bessel, lambda x: bessel(-x), "x:n=2")
    assert issubclass(UnknownPrimitiveError, NotImplementedError)
    found = equal(bessel, bessel, "x:n=2")
    assert isinstance(found, Certificate)
    assert found.notes == ("both are the same program",)


def test_a_program_without_values_is_refused():
    with pytest.raises(NotCertifiableError, match=r"rigorous: at none of [0-9]+ points is there a value"):
        equal(lambda x: jnp.log(-x * x), lambda x: 2 * jnp.log(-x * x), "x:n=2")


def test_json_holds_everything():
    for found in (
        equal(chunked, quadratic, SHAPES, seed=7),
        equal(lambda x: jnp.exp(x), lambda x: x, "x:n=3", seed=7),
        equal(lambda x: jnp.sin(x), lambda x: -jnp.sin(-x), "x:n=3", seed=7),
    ):
        content = json.loads(found.to_json())
        assert content == found.as_dict()
        assert content["certified"] is bool(found)
        assert ("verdict" in content) is isinstance(found, Unrefuted)
        assert content["seed"] == 7
        assert set(content["versions"]) == {"lrgd_jax", "jax", "numpy", "python-flint", "python"}
        assert all(len(digest) == 64 for digest in content["programs"])
        assert {"verdict"} <= set(content["exact"])


def test_the_same_seed_gives_the_same():
    for pair in ((chunked, quadratic), (functools.partial(chunked, rows=1), quadratic)):
        assert equal(*pair, SHAPES, seed=3).as_dict() == equal(*pair, SHAPES, seed=3).as_dict()


def test_the_setting_of_jax_does_not_matter_and_stays():
    with jax.enable_x64(False):
        found = equal(chunked, quadratic, SHAPES)
        assert not jax.config.read("jax_enable_x64")
    assert found.programs == equal(chunked, quadratic, SHAPES).programs


def test_a_difference_of_one_rounding_is_one():
    found = equal(lambda x: 0.1 * x + 0.2 * x, lambda x: (0.1 + 0.2) * x, "x:n=2")
    assert isinstance(found, Counterexample)
    assert isinstance(found.rigorous, Exclusion)
    assert dict(found.sizes) == {"n": 1}
    # a fraction of which the digits go on is cut in the text, and whole in the result
    assert "/" in found.left[0][0]
