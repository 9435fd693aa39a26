"""The names at the top: all of them load, none before it is used, and starting the command line loads no JAX."""

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

import lrgd_jax

HEAVY = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy", "matplotlib")
COMMAND = "from lrgd_jax.__main__ import main; sys.argv = ['lrgd', {}]; main()"
STARTS = {
    "import lrgd_jax": "import lrgd_jax",
    "lrgd --help": COMMAND.format("'--help'"),
    "lrgd claims": COMMAND.format("'claims'"),
    "lrgd claims SLUG": COMMAND.format("'claims', 'softmax-attention'"),
    "lrgd recommend --help": COMMAND.format("'recommend', '--help'"),
}


@pytest.mark.parametrize("what", STARTS)
def test_starting_loads_nothing_heavy(what):
    program = (
        f"import atexit, sys; atexit.register(lambda: sys.stderr.write('loaded: ' + "
        f"' '.join(name for name in {HEAVY!r} if name in sys.modules)))\n{STARTS[what]}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "loaded: "


def test_every_name_loads_and_the_stub_lists_the_same():
    stub = ast.parse((ROOT / "lrgd_jax" / "__init__.pyi").read_text())
    (listed,) = (node.value for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(lrgd_jax.__all__) == sorted(ast.literal_eval(listed))
    assert set(lrgd_jax.__all__) - {"__version__"} == set(dir(lrgd_jax))
    assert all(getattr(lrgd_jax, name) is not None for name in lrgd_jax.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lrgd_jax.no_such_name  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("name", ["SoftmaxAttention", "dual_of", "equal", "given_claim", "explain", "Recommender"])
def test_the_public_names_have_docstrings(name):
    assert getattr(lrgd_jax, name).__doc__.strip()


def test_every_function_and_class_at_the_top_has_an_example():
    bare = [
        name
        for name in lrgd_jax.__all__
        if callable(getattr(lrgd_jax, name)) and ">>>" not in (getattr(lrgd_jax, name).__doc__ or "")
    ]
    assert bare == []
