"""The code of a claim's two sides, with what they use of their file, so that both stand beside each other on a page."""

import ast
import inspect
import textwrap
from pathlib import Path


def sides_code(claim):
    """(heading, code) of each side, and, where both use a function or a constant of their file, of what they share."""
    file = Path(inspect.getfile(claim.left))
    source = file.read_text()
    defined = _definitions(source)
    used = [_uses(side.__name__, defined) for side in (claim.left, claim.right)]
    shared = [name for name in defined if name in used[0] and name in used[1]]
    parts = [
        (f"The {word} side, `{side.__name__}`", [name for name in defined if name in own and name not in shared])
        for word, side, own in zip(("left", "right"), (claim.left, claim.right), used, strict=True)
    ]
    parts += [("What both use", shared)] if shared else []
    return [(heading, "\n\n".join(defined[name][1] for name in names)) for heading, names in parts]


def _definitions(source):
    """Name -> (node, code) of the functions, classes and constants at the top of a file, in its order."""
    lines, found = source.splitlines(), {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            first = node.lineno
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        else:
            continue
        code = textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno]))
        found |= {name: (node, code) for name in names}
    return found


def _uses(name, defined):
    """A definition, and all of the same file that it reaches; a claim and its mutants are none of these."""
    reached, to_read = set(), [name]
    while to_read:
        name = to_read.pop()
        if name in reached or name not in defined:
            continue
        reached.add(name)
        to_read += [one.id for one in ast.walk(defined[name][0]) if isinstance(one, ast.Name)]
    return reached
