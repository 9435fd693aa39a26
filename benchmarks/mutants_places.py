"""Places in a file: where a mutation cannot matter, and which lines make up a statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

Position = tuple[int, int]
"""Line and column."""


def idle_spans(source: str) -> list[tuple[Position, Position]]:
    """Where a mutation changes nothing that a user sees, as the head of this file lists it."""
    lines = source.splitlines()
    return [
        (_position(lines, node.lineno, node.col_offset), _position(lines, node.end_lineno, node.end_col_offset))
        for node in _idle(ast.parse(source))
    ]


def _idle(tree: ast.Module) -> Iterator[ast.expr | ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from node.decorator_list
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                yield node.returns
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "zip":
            yield from (word.value for word in node.keywords if word.arg == "strict")
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from node.exc.args
        elif isinstance(node, ast.Assign | ast.If) and _is_declaration(node):
            yield node


def _is_declaration(node: ast.Assign | ast.If) -> bool:
    """Whether a statement says what is public, or imports for type checkers alone."""
    names = node.targets if isinstance(node, ast.Assign) else [node.test]
    return any(getattr(name, "id", "") in ("__all__", "TYPE_CHECKING") for name in names)


def _position(lines: Sequence[str], line: int | None, offset: int | None) -> Position:
    """Line and column, counted in characters: `ast` counts bytes."""
    if line is None or offset is None:
        raise ValueError("a node of a parsed file must have an end, but one has none")
    return line, len(lines[line - 1].encode()[:offset].decode())


def statement(source: str, line: int) -> range:
    """The lines of the smallest statement around a line; of a statement with a body, the lines before the body."""
    spans = [span for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt) for span in _spans(node)]
    return min((span for span in spans if line in span), key=len)


def _spans(node: ast.stmt) -> Iterator[range]:
    body: Sequence[ast.stmt] = getattr(node, "body", [])
    first = min([node.lineno, *(name.lineno for name in getattr(node, "decorator_list", []))])
    yield range(first, (body[0].lineno if body else (node.end_lineno or node.lineno) + 1))
    for handler in getattr(node, "handlers", []):
        yield range(handler.lineno, handler.body[0].lineno)
