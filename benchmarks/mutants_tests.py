"""Which tests a mutant meets, and in which order; and what they said."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/[^\s:]+\.py)(\S*)", re.MULTILINE)


def mirrored(root: Path, module: str) -> list[str]:
    """The test files of the package that a module is in, those nearest to the module first.

    First the file that is named after it, then those that import it, then those that mention most of what it defines.
    """
    path = Path(module)
    files = sorted((root / "tests" / path.parts[1]).rglob("test_*.py"))
    names = _defined(root / module)
    near = {str(file.relative_to(root)): _nearness(file, path, names) for file in files}
    return sorted(near, key=lambda name: near[name], reverse=True)


def killer(output: str) -> tuple[str, str] | None:
    """The file and the test that failed, in what pytest printed."""
    found = FAILED.search(output)
    return (found[1], found[2].removeprefix("::")) if found else None


def function_text(file: Path, test: str) -> str:
    """The source of a test, given as pytest names it; the whole file where it names none, nothing where it is gone."""
    if not file.exists():
        return ""
    text, name = file.read_text(), test.partition("[")[0].split("::")[-1]
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef) and node.name == name]
    if not name:
        return text
    return "".join(ast.unparse(node) for node in found)


def _nearness(file: Path, module: Path, names: frozenset[str]) -> tuple[bool, bool, int]:
    words, imported = _words(file), _imported(file)
    return file.stem == f"test_{module.stem}", ".".join(module.with_suffix("").parts) in imported, len(words & names)


@cache
def _words(file: Path) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", file.read_text()))


@cache
def _imported(file: Path) -> frozenset[str]:
    """The dotted names that a file imports from, and those names joined with what it takes from them."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom) and node.module]
    joined = {f"{node.module}.{name.name}" for node in nodes for name in node.names}
    return frozenset({str(node.module) for node in nodes} | joined)


@cache
def _defined(file: Path) -> frozenset[str]:
    """The public names that a module defines."""
    body = ast.parse(file.read_text()).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return frozenset(name for name in names if not name.startswith("_"))
