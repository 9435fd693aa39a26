"""Whose line it was, whether the package refused on purpose, and the first sentence of what was said."""

import functools
import json

import jax
import numpy as np
import pytest

from lrgd_jax.atomic import to_scalar
from lrgd_jax.tracebacks import Line, definition_line, first_sentence, is_refusal, package_line, user_line


def raised(function):
    try:
        function()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what is asked for
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One thing. And another", "One thing"),
        ("One thing\nof two lines.\n\nAnd more", "One thing of two lines"),
        ("At 1.5 of x.shape", "At 1.5 of x.shape"),
        ("such as e.g. this. Then", "such as e.g. this"),
        ("", ""),
    ],
)
def test_the_first_sentence(text, sentence):
    assert first_sentence(text) == sentence


def test_what_the_package_raises_is_a_refusal_and_what_it_trips_over_is_none():
    assert is_refusal(raised(lambda: to_scalar("x", [])))
    assert is_refusal(OSError(28, "No space left"))
    # the same type, raised by the interpreter within a line of the package
    assert not is_refusal(raised(lambda: first_sentence(None)))  # pyright: ignore[reportArgumentType]
    assert not is_refusal(raised(lambda: json.loads("{")))
    assert not is_refusal(ValueError("never raised"))


def test_the_users_line_is_the_innermost_of_their_own():
    def inner(x):
        return np.linalg.inv(x)

    error = raised(lambda: jax.vmap(lambda x: inner(x))(np.ones((2, 3, 3))))
    line = user_line(error)
    assert line is not None
    assert line.text == "return np.linalg.inv(x)"
    assert str(line).endswith(f"test_tracebacks.py:{line.number}: `return np.linalg.inv(x)`")
    assert not line.shipped


def test_the_line_of_the_package():
    line = package_line(raised(lambda: to_scalar("x", [])))
    assert line is not None
    assert line.file.endswith("lrgd_jax/atomic.py")
    assert line.shipped
    assert line.text.startswith("raise ValueError(")
    assert package_line(ValueError()) is None


def test_where_a_function_is_defined():
    def mine(x, y):
        return x

    wanted = Line(__file__, mine.__code__.co_firstlineno)
    for function in (mine, functools.partial(mine, 1), jax.jit(mine)):
        assert definition_line(function) == wanted
    assert wanted.text == "def mine(x, y):"
    assert definition_line(len) is None
    assert str(Line("<stdin>", 3)) == "<stdin>:3"
