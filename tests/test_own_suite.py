"""The suite of somebody's own is red where one line of a layer is wrong, and shows the smallest counterexample."""

import importlib.util
import shutil

import pytest
from conftest import ROOT

SUITE = ROOT / "examples" / "own_attention_suite"
FAULTS = {
    "nnx_layer.py": ("memory, query", "memory, key"),  # the memory is read with the key
    "pallas_kernel.py": ("column <= row", "column < row"),  # a token does not see itself
    "torch_in_jax.py": ("decay * memory + jnp.outer(value, key)", "decay * (memory + jnp.outer(value, key))"),
}


@pytest.fixture
def faulty_suite(pytester):
    """A copy in which one line of every layer is wrong."""
    shutil.copytree(SUITE, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for layer, (right, wrong) in FAULTS.items():
        place = pytester.path / "own_attention" / layer
        text = place.read_text()
        assert text.count(right) == 1
        place.write_text(text.replace(right, wrong))
    return pytester


def test_planted_faults_are_shown_by_the_smallest_counterexample(faulty_suite):
    layers = [layer for layer in FAULTS if "torch" not in layer or importlib.util.find_spec("torch") is not None]
    result = faulty_suite.runpytest_subprocess("-k", "exact", "-p", "no:cacheprovider")
    assert result.parseoutcomes()["failed"] == len(layers)
    for layer in layers:
        # the line that is wrong stands at the end of the counterexample
        result.stdout.fnmatch_lines(["*smallest counterexample*", "* n = [12]*", f"* parts from *{layer}:*"])
