"""Rules of the house that no linter knows: derived tolerances, a quiet import, no addresses, no pickle."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT

PYTHON = sorted(
    path
    for folder in ("lrgd_jax", "proofs_checks", "tests", "benchmarks", "notebooks", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
TOLERANCES = {"atol", "rtol", "abs_tol", "rel_tol", "places", "delta", "significant", "decimal"}
SMALL = 0.1
"""A smaller number on one side of an order comparison is a tolerance in disguise."""


def literal_tolerances(source: str) -> list[str]:
    """Where a test compares with a number that somebody chose."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            named = [k.arg for k in node.keywords if k.arg in TOLERANCES and isinstance(k.value, ast.Constant)]
            if name in {"approx", "allclose", "isclose", "assert_allclose"} or "almost_equal" in name or named:
                found.append(f"line {node.lineno}: {name}({', '.join(map(str, named))})")
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops
        ):
            # also within a product, such as 1e-6 * scale
            parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
            numbers = [x.value for x in parts if isinstance(x, ast.Constant) and isinstance(x.value, float)]
            found.extend(f"line {node.lineno}: compared with {x}" for x in numbers if 0 < x < SMALL)
    return found


@pytest.mark.parametrize("path", [p for p in PYTHON if "tests" in p.parts], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_literal_tolerance(path):
    assert literal_tolerances(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "np.testing.assert_allclose(x, y, rtol=1e-5)",
        "np.allclose(x, y)",
        "assert x == pytest.approx(y)",
        "assert abs(x - y) < 1e-6",
        "assert 1e-6 > error",
        "compare(x, y, atol=0.5)",
        "assert error < 1e-6 * scale",
        "np.testing.assert_array_almost_equal(x, y, 5)",
    ],
)
def test_a_literal_tolerance_is_found(source):
    assert literal_tolerances(source)


def test_importing_changes_no_config_and_plots_nothing():
    program = (
        "import sys, jax; before = dict(jax.config.values); import lrgd_jax;"
        "[getattr(lrgd_jax, name) for name in lrgd_jax.__all__]; after = dict(jax.config.values);"
        "changed = {k for k in before if before[k] != after[k]};"
        "sys.exit(f'changed {changed}' if changed else 'matplotlib' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_no_registry_address_stands_in_the_repository():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout, so nothing is tracked")
    pattern = re.compile(r"https?://[\w.-]*(pypi|pythonhosted|npmjs|unpkg|jsdelivr|debian)\b", re.IGNORECASE)
    text = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cff", ".json", ".ipynb", ""}
    paths = [ROOT / name for name in tracked.stdout.splitlines()]
    guilty = [
        str(p) for p in paths if p.suffix in text and p.is_file() and pattern.search(p.read_text(errors="ignore"))
    ]
    assert guilty == []


def test_the_package_reads_no_pickle():
    for path in PYTHON:
        if "lrgd_jax" in path.relative_to(ROOT).parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                    assert not {"pickle", "torch", "joblib"} & {name.split(".")[0] for name in names}, path
                if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                    assert isinstance(node.value, ast.Constant), path
                    assert node.value.value is False, path


VERSION = re.compile(r"version_info|__version__|metadata\.version|Version\(|version\.parse\(")
LIBRARIES = {"jax", "jnp", "lax", "jaxlib"}


def version_questions(source: str) -> list[str]:
    """Where a program asks what a version of Python or of a library is, or has."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            function, first = ast.unparse(node.func), ast.unparse(node.args[0]) if node.args else ""
            parsed = function.split(".")[-1] in ("Version", "parse_version") or function.endswith("version.parse")
            if parsed or (function in ("hasattr", "getattr") and first.split(".")[0] in LIBRARIES):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Compare) and VERSION.search(ast.unparse(node)):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


MOST_UNTYPED = 59
"""Annotations of the package that say nothing, mostly of what JAX itself does not type; fewer is better."""


def test_few_annotations_say_nothing():
    count = sum(path.read_text().count(": Any") for path in PYTHON if path.is_relative_to(ROOT / "lrgd_jax"))
    assert count <= MOST_UNTYPED


def test_one_module_knows_the_versions():
    asking = {
        str(path.relative_to(ROOT)): version_questions(path.read_text())
        for path in PYTHON
        if not path.is_relative_to(ROOT / "tests")
        and path != ROOT / "lrgd_jax" / "certify" / "tracing" / "jax_versions.py"
    }
    assert {name: lines for name, lines in asking.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "if jax.__version__ >= '0.11': pass",
        "if sys.version_info < (3, 12): pass",
        "x = Version(jax.__version__)",
        "hasattr(lax, 'log2')",
        "getattr(jax.numpy, 'unstack', None)",
        "assert importlib.metadata.version('jax') == '0.10.2'",
    ],
)
def test_a_question_about_versions_is_found(source):
    assert version_questions(source)


def test_no_two_test_files_are_one_module_to_pytest():
    """Without an `__init__.py` beside it a test file is a module by its name alone; the second of it is refused."""
    loose = [p.name for p in PYTHON if p.name.startswith("test_") and not (p.parent / "__init__.py").exists()]
    assert sorted(loose) == sorted({*loose})


def test_the_recommenders_tests_import_no_experiment_and_no_command():
    for path in sorted((ROOT / "tests" / "recommend").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            assert not any(name.startswith(("lrgd_jax.experiments", "lrgd_jax.cli")) for name in names), path
