"""Messages about wrongly written functions: the line of their own file, what is wrong, what to write instead."""

import jax
import numpy as np
import pytest
from support.faulty_functions import FAULTS, calls, counts, named

from lrgd_jax.certify import equal
from lrgd_jax.certify.tracing.faults import FaultError, naming_refusals, trace_or_explain


def squared_sum(x):
    return x.sum() ** 2


@pytest.mark.parametrize(("function", "text", "said"), FAULTS)
def test_equal_names_the_line(function, text, said):
    for pair in ((function, squared_sum), (squared_sum, function)):
        with pytest.raises(FaultError) as caught:
            equal(*pair, "x:n=3")
        named(str(caught.value), text, said)
        assert "cannot be traced at x: [3]" in str(caught.value)


def test_random_numbers_from_a_stated_seed_are_no_fault():
    def seeded(x):
        return (x[:, None] * x[None, :]).sum() + 0 * np.random.default_rng(0).standard_normal()

    assert equal(squared_sum, seeded, "x:n=3")


def test_a_stumble_of_a_number_system_is_not_hidden():
    with pytest.raises(KeyError), naming_refusals("the left side"):
        raise KeyError("a mistake of this package")


def test_what_is_traced_once_is_not_compared_with_itself():
    before = len(calls)
    trace_or_explain("it", counts, counts, jax.ShapeDtypeStruct((3,), np.float64), twice=False)
    assert len(calls) == before + 1
