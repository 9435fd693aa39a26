"""The measured constants: what is seen again at other points lies within them, and a wrong function does not."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify.rounding import measuring
from lrgd_jax.certify.rounding.constants import constants_in_use
from lrgd_jax.certify.rounding.measuring import FORMATS, FUNCTIONS, measure, measure_all
from lrgd_jax.certify.tracing.jax_versions import NEWER, newer_functions

COUNT, SEED = 2003, 1


def test_every_function_that_the_bounds_ask_for_is_measured():
    table = constants_in_use().table
    assert {*table} - {*NEWER} == {*FUNCTIONS} - {*NEWER}
    assert {*table} >= {*newer_functions()} == {*FUNCTIONS} & {*NEWER}
    assert all({*table[name]} == {*function.formats} for name, function in FUNCTIONS.items())


@pytest.mark.parametrize("form", FORMATS)
def test_the_measured_constants_still_hold(form):
    for name, function in FUNCTIONS.items():
        if form in function.formats:
            assert measure(name, form, COUNT, SEED) <= constants_in_use().table[name][form], name


@pytest.mark.parametrize("form", ["float64", "float32"])
def test_an_error_is_measured_in_units(form, monkeypatch):
    eps = jnp.finfo(FORMATS[form]).eps

    def off(x):
        return lax.exp(x) * (1 + 10 * eps)

    wrong = dataclasses.replace(FUNCTIONS["exp"], xla=off)
    monkeypatch.setattr(measuring, "FUNCTIONS", {**FUNCTIONS, "exp": wrong})
    assert 20 - 2 <= measure("exp", form, COUNT, SEED) <= 20 + 4


def test_a_mistake_of_the_way_of_single_numbers_counts_too(monkeypatch):
    """Only where a number stands alone, and only at some: so many of them are evaluated one by one."""
    eps = jnp.finfo("float64").eps

    def off(x):
        alone = jnp.where((x > 2) & (x < 4) & (x.ndim == 0), 100 * eps, 0.0)
        return lax.exp(x) * (1 + alone)

    monkeypatch.setattr(measuring, "FUNCTIONS", {**FUNCTIONS, "exp": dataclasses.replace(FUNCTIONS["exp"], xla=off)})
    assert measure("exp", "float64", COUNT, SEED) >= 100


def test_a_mistake_of_the_float64_evaluation_counts_too(monkeypatch):
    wrong = dataclasses.replace(FUNCTIONS["exp"], numpy=lambda x: np.exp(x) * (1 + 100 * 2.0**-52))
    monkeypatch.setattr(measuring, "FUNCTIONS", {**FUNCTIONS, "exp": wrong})
    assert measure("exp", "float64", COUNT, SEED) >= 100


def test_all_are_measured_in_order_and_only_once():
    found = dict(measure_all(count=200))
    assert [*found] == [*FUNCTIONS]
    assert all({*row} == {*FUNCTIONS[name].formats} for name, row in found.items())
    assert all(x <= constants_in_use().table[name][form] for name, row in found.items() for form, x in row.items())


def test_a_value_that_is_not_finite_is_no_measurement(monkeypatch):
    wrong = dataclasses.replace(FUNCTIONS["exp"], xla=lambda x: lax.exp(x) * jnp.nan)
    monkeypatch.setattr(measuring, "FUNCTIONS", {**FUNCTIONS, "exp": wrong})
    with pytest.raises(ArithmeticError, match="exp in float32"):
        measure("exp", "float32", COUNT, SEED)
