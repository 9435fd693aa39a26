"""Functions as they are written wrongly, with the line that a message must name and what it must say."""

import functools
import math
import random
import re
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np


def numpy_inside(x):
    return np.sin(x) * x


def branches(x):
    y = x.sum()
    if y > 0:
        return y
    return -y


def loops(x):
    while x.sum() > 1:
        x = x / 2
    return x.sum()


def joins(x):
    return x.sum() if x[0] > 0 and x[1] > 0 else x[0]


def larger(x):
    return max(x[0], x[1])


def python_number(x):
    return x * math.sqrt(x.sum())


def masked(x):
    return x[x > 0].sum()


def python_index(x):
    return x[[0, 1][x.argmax()]]


def assigns(x):
    x[0] = 1.0
    return x.sum()


def draws(x):
    return x.sum() + np.random.standard_normal()  # noqa: NPY002


def draws_of_python(x):
    return x.sum() * random.random()


def clock(x):
    return x.sum() * time.perf_counter()


calls = []


def counts(x):
    calls.append(1)
    return x.sum() * len(calls)


def chooses(x):
    calls.append(1)
    return x.sum() if len(calls) % 2 else x.max()


def no_return(x):
    x.sum()


def words(x):
    return {"sum": x.sum(), "name": "sum"}


def deep(x):
    def inner(y):
        return jax.jit(lambda z: z @ jnp.ones((7, 7)))(y)

    return jnp.sum(inner(x))


class OwnError(Exception):
    """Of somebody's own."""


def raises_own(x):
    raise OwnError("this and that. And more\nin several lines")


def exits(x):
    raise SystemExit(1)


FAULTS = [
    (numpy_inside, "np.sin(x) * x", "use jax.numpy in place of numpy"),
    (branches, "if y > 0:", "jnp.where or jax.lax.cond in place of `if`"),
    (loops, "while x.sum() > 1:", "jax.lax.while_loop"),
    (joins, "return x.sum() if x[0] > 0 and x[1] > 0", "jnp.logical_and"),
    (larger, "return max(x[0], x[1])", "jnp.maximum"),
    (python_number, "math.sqrt(x.sum())", "use jnp in place of math"),
    (masked, "return x[x > 0].sum()", "jnp.where(mask, x, 0)"),
    (python_index, "return x[[0, 1][x.argmax()]]", "index a jnp array"),
    (assigns, "x[0] = 1.0", "x.at[i].set(y)"),
    (draws, "np.random.standard_normal()", "take random numbers as an argument"),
    (draws_of_python, "random.random()", "take random numbers as an argument"),
    (clock, "time.perf_counter()", "keeps something between calls"),
    (counts, "def counts(x):", "change nothing outside"),
    (chooses, "def chooses(x):", "change nothing outside"),
    (no_return, "def no_return(x):", "returns None (is a `return` missing?)"),
    (words, "def words(x):", "returns a str; return arrays"),
    (deep, "z @ jnp.ones((7, 7))", "TypeError: dot_general requires contracting dimensions to have the same shape"),
    (raises_own, 'raise OwnError("this', "OwnError: this and that, at"),
    (exits, "raise SystemExit(1)", "SystemExit: 1"),
    (functools.partial(no_return), "def no_return(x):", "returns None"),
    (jax.jit(no_return), "def no_return(x):", "returns None"),
]


def named(message, text, said):
    """The message is one line, and names this file, the right line of it, and what to do."""
    assert len(message.splitlines()) == 1
    assert said in message
    found = re.search(r"faulty_functions\.py:(\d+): `(.*?)`(;|$)", message)
    assert found is not None, message
    assert text in found[2]
    assert text in Path(__file__).read_text().splitlines()[int(found[1]) - 1]
