"""The names at the top: all of them load, none before it is used, and starting the command line loads no JAX."""

import ast
import dataclasses
import importlib
import inspect
import re
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


PUBLIC = [
    "lrgd_jax",
    *(f"lrgd_jax.{name}" for name in ("features", "kernels", "positions")),
    *(
        package
        for path in sorted((ROOT / "lrgd_jax").glob("*/**/__init__.py"))
        if "__all__" in path.read_text()
        # the command line is no interface of Python's, and what is in an experiment's folder `Experiment` says
        for package in [".".join(path.parent.relative_to(ROOT).parts)]
        if not package.startswith(("lrgd_jax.cli", "lrgd_jax.experiments."))
    ),
]
"""The packages and modules whose `__all__` somebody may use."""


def missing_parts(thing: object) -> list[str]:
    """What the docstring of a function or class lacks: its text, its arguments or fields by name, an example."""
    if not (inspect.isclass(thing) or inspect.isfunction(thing)) or thing.__module__.startswith("jaxtyping"):
        return []
    # a dataclass without a docstring has its signature in that place
    text = thing.__doc__ or ""
    if not text or text.startswith(f"{thing.__name__}("):
        return ["text"]
    if inspect.isfunction(thing):
        kind, named = "Args", list(inspect.signature(thing).parameters)
    else:
        fields = dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ()
        own = [field.name for field in fields if field.name in vars(thing).get("__annotations__", {})]
        kind, named = "Attributes", [name for name in (*own, *getattr(thing, "_fields", ())) if name[0] != "_"]
    missing = [f"{kind}: {name}" for name in named if not re.search(rf"\n        \*{{0,2}}{name}:", text)]
    return missing if "Examples:" in text and ">>>" in text else [*missing, "Examples:"]


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


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_says_what_it_takes_and_has_an_example(package):
    module = importlib.import_module(package)
    faults = {name: missing for name in module.__all__ if (missing := missing_parts(getattr(module, name)))}
    assert faults == {}


def test_a_docstring_without_arguments_or_example_is_noticed():
    def halve(number: float) -> float:
        """Half of a number."""
        return number / 2

    assert missing_parts(halve) == ["Args: number", "Examples:"]
    halve.__doc__ = "Half of a number.\n\n    Args:\n        number: any.\n\n    Examples:\n        >>> halve(1.0)\n"
    assert missing_parts(halve) == []
