"""Results of another structure are no results to compare, whatever the layer."""

import collections
import re

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import Bounded, equal, trace
from lrgd_jax.certify.tracing.faults import FaultError
from lrgd_jax.certify.tracing.structures import StructureError, comparable, describe, mismatch
from lrgd_jax.certify.verdicts.enclosures import Enclosure, enclose_difference
from lrgd_jax.certify.verdicts.random_fields import Prepared, agree_exactly
from lrgd_jax.claims.certify_claims import certify_claim
from lrgd_jax.claims.check_claims import check_claim
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import compare
from lrgd_jax.claims.failure_texts import certification_text
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.pytest_layers import claim_layers

X = np.array([1.0, -2.0, 0.5])


def plain(x):
    return 2 * x


def named(x):
    return {"out": x + x}


OTHERS = {
    "a dictionary of it": (named, "{'out': [3]}"),
    "a tuple of it": (lambda x: (x + x,), "([3],)"),
    "a list of it": (lambda x: [x + x], "[[3]]"),
    "another shape": (lambda x: (x + x)[:, None], "[3, 1]"),
    "nothing": (lambda x: None, "None"),
}
LAYERS = {
    "prime fields": lambda f, g: agree_exactly(trace(f, X), trace(g, X), Prepared([X]), seed=0),
    "balls": lambda f, g: enclose_difference(trace(f, X), trace(g, X), [X]),
    "floating point": lambda f, g: compare(*(Bounded(h(X), h(0 * X)) for h in (f, g))),
    "two functions": lambda f, g: equal(f, g, "x:n=3"),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", OTHERS)
def test_no_layer_compares_other_structures(name, layer):
    other, text = OTHERS[name]
    for sides in ((plain, other), (other, plain)):
        with pytest.raises((StructureError, FaultError)) as refused:
            LAYERS[layer](*sides)
        # a function that returns None has forgotten to return, which is said before anything is compared
        structures = (text,) if refused.type is FaultError else (text, "[3]")
        assert all(f"returns {structure}" in str(refused.value) for structure in structures)


def claim(**changes):
    options = {
        "arguments": {"x": "n"},
        "dimensions": {"n": (1, 3)},
        "shapes": ({"n": 3},),
        "left": plain,
        "right": lambda x: x + x,
        "mutants": (Mutant("three", lambda x: 3 * x), Mutant("none", lambda x: x)),
    }
    return Claim(slug="double", title="Twice", statement="$2x$", proof="-", source="-", **(options | changes))


def test_a_claim_whose_sides_have_other_structures_falls_at_every_layer():
    false = claim(right=named)
    line = r" \(\S*test_structures\.py:\d+: `[^`]*`\) returns "
    message = rf"the results cannot be compared: the left side{line}\[3\], the right side{line}\{{'out': \[3\]\}}"
    floating = check_claim(false, dtype="float64")
    assert floating.failure is not None
    assert re.match(message, floating.failure.reason)
    found = certify_claim(false)
    assert not found.passed
    assert found.reason is None
    assert found.refuted is not None
    assert re.search(message, certification_text(false, found))
    for layer in ("float64", "exact", "rigorous"):
        with pytest.raises(AssertionError, match="cannot be compared"):
            claim_layers(false).run(layer)


def test_a_mutant_of_another_structure_is_named():
    with pytest.raises(StructureError, match=r"the mutant 'named' returns \{'out': \[3\]\}, what it replaces returns"):
        certify_claim(claim(mutants=(Mutant("named", named), Mutant("none", lambda x: x))))


def test_the_order_of_keys_counts_where_the_structure_has_one():
    def both(kind, *keys):
        values = {"a": 2 * X, "b": 3 * X}
        return kind((key, values[key]) for key in keys)

    assert mismatch(both(dict, "a", "b"), both(dict, "b", "a")) is None
    reason = mismatch(both(collections.OrderedDict, "a", "b"), both(collections.OrderedDict, "b", "a"))
    assert reason is not None
    assert "returns OrderedDict" in reason
    swapped = trace(lambda x: {"b": 2 * x, "a": 3 * x}, X), trace(lambda x: {"a": x * 3, "b": x + x}, X)
    assert isinstance(enclose_difference(*swapped, [X]), Enclosure)


def test_what_is_described():
    assert describe({"out": np.zeros((3, 2)), "more": (1.0,)}) == "{'more': ([],), 'out': [3, 2]}"
    assert describe(trace(lambda x: (x, jnp.sum(x)), X)) == "([3], [])"
    comparable({"a": X}, {"a": -X})
    # the same text, but not the same class
    fields = collections.namedtuple("fields", "x")
    others = collections.namedtuple("fields", "x")
    reason = mismatch(fields(X), others(X))
    assert reason is not None
    assert "PyTreeDef" in reason
