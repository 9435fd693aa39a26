"""The table of primitives against the registries, and against what the walker does."""

import runpy
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend import core
from jax.extend.core import primitives

from lrgd_jax.certify import UnknownPrimitiveError, coverage, running_error, trace
from lrgd_jax.certify.balls.ball_arithmetic import Balls
from lrgd_jax.certify.exact.algebra import RING
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.fields.prime_fields import PrimeField
from lrgd_jax.certify.rounding.running_error import Rounding
from lrgd_jax.certify.walking.alternatives import SPELLINGS
from lrgd_jax.certify.walking.complex_numbers import COMPLEX
from lrgd_jax.certify.walking.control_flow import CONTROL
from lrgd_jax.certify.walking.data_movement import MOVES
from lrgd_jax.certify.walking.expansions import EXPANSIONS
from lrgd_jax.certify.walking.walker import walk

ROOT = Path(__file__).resolve().parents[2]
WORDS = {"", "rule", "walked", "moved", "written out", "integers"}


def test_every_registered_rule_is_in_the_table():
    found = coverage()
    spelled = {name.replace("_", "-", 1) if name.startswith("scatter_") else name for name in Rounding.rules}
    assert {name for name, one in found.items() if one.rounding == "rule"} == spelled - {"exp_neg_sq"}
    assert all(found[name].balls for name in {*Balls.functions, *MOVES, *CONTROL, *EXPANSIONS})
    assert all(found[name].complex for name in COMPLEX if not name.startswith("scatter_"))
    assert {one.rounding for one in found.values()} | {one.balls for one in found.values()} == WORDS


def test_every_primitive_of_jax_is_in_the_table():
    found = coverage()
    named = {x.name for x in vars(primitives).values() if isinstance(x, core.Primitive)}
    assert named <= {*found}
    assert {"svd", "eigh", "nextafter", "igamma"} <= {name for name, one in found.items() if not one.known}


def test_what_is_said_of_one_system_in_part_is_about_rules_that_exist():
    for system in (PrimeField(101, 0), Rationals(), Balls()):
        assert {*system.partial} <= {*system.functions, *system.rules, *RING, *EXPANSIONS}
    assert all(text for text in SPELLINGS.values())
    assert {*SPELLINGS} <= {*coverage()}


# What the table says is what happens.

FUNCTIONS = {
    "sqrt": lambda x: lax.sqrt(x),
    "tan": lambda x: lax.tan(x),
    "top_k": lambda x: x[lax.top_k(x, 2)[1]],
    "fft": lambda x: jnp.fft.fft(x).real,
    "cholesky": lambda x: lax.linalg.cholesky(jnp.outer(x, x) + jnp.eye(3)),
    "qr": lambda x: jnp.linalg.qr(jnp.outer(x, x) + jnp.eye(3))[1],
    "svd": lambda x: jnp.linalg.svd(jnp.outer(x, x))[1],
    "igamma": lambda x: lax.igamma(x, x),
    "reduce_window_sum": lambda x: lax.reduce_window(x, 0.0, lax.add, (2,), (1,), "VALID"),
    "nextafter": lambda x: lax.nextafter(x, x),
}
X = np.array([3.0, 0.5, 1.75])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_word_of_the_table_is_true(name):
    function, said = FUNCTIONS[name], coverage()[name]
    for word, system in ((said.fields, PrimeField(101, 0)), (said.rationals, Rationals()), (said.balls, Balls())):
        if word and word not in ("lengths 1, 2, 4", "case by case"):
            walk(trace(function, X), system, [system.lift(X, X.dtype)])
        else:
            with pytest.raises(NotImplementedError):
                walk(trace(function, X), system, [system.lift(X, X.dtype)])
    if said.rounding:
        assert np.isfinite(np.asarray(running_error(function, X).error)).all()
    else:
        with pytest.raises(UnknownPrimitiveError, match=f"'{name}'"):
            running_error(function, X)


def test_the_page_has_a_row_for_each_primitive(tmp_path):
    lines = runpy.run_path(str(ROOT / "docs" / "pages" / "primitives.py"))["primitives_page"]().splitlines()
    rows = [line.split("|")[1].strip(" `") for line in lines if line.startswith("| `")]
    assert rows == [*coverage()]
    assert "docs/primitives.md" in (ROOT / ".gitignore").read_text().split()
    assert "primitives.md" in (ROOT / "docs" / "navigation.py").read_text()
