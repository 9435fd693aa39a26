"""Which mutants there are, which of them cannot matter, and which are drawn.

Mutations are cosmic-ray's. Left out are operators whose mutants die while the file is imported or change nothing but
speed (a decorator removed), and places that no behaviour depends on: annotations, what a raised error says, `__all__`,
the arguments of decorators (`frozen=True`), and `strict=True` of `zip`, which guards against our own mistakes.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from mutants_places import Position, idle_spans

PAIRS = {  # of comparisons: the edge, and the opposite
    "Binary": (
        "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_Mul Pow_Mul BitOr_BitAnd BitAnd_BitOr BitXor_BitAnd "
        "LShift_RShift RShift_LShift"
    ),
    "Comparison": ("Lt_LtE LtE_Lt Gt_GtE GtE_Gt Lt_GtE GtE_Lt Gt_LtE LtE_Gt Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is"),
    "Unary": "Delete_USub Delete_Not Delete_Invert",
}
SINGLE = (
    "AddNot ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceAndWithOr ReplaceOrWithAnd ReplaceBreakWithContinue "
    "ReplaceContinueWithBreak ExceptionReplacer NumberReplacer ZeroIterationForLoop"
)
OPERATORS = (
    *(f"core/Replace{kind}Operator_{pair}" for kind, pairs in PAIRS.items() for pair in pairs.split()),
    *(f"core/{name}" for name in SINGLE.split()),
)
"""The names of the operators, as cosmic-ray lists them."""
SIGNATURES = ("parameters", "typedargslist", "varargslist", "lambdef")


@dataclass(frozen=True)
class Mutant:
    """One mutation of one module: the operator, and the how-manieth place of the file where it applies."""

    module: str
    operator: str
    occurrence: int
    start: Position
    end: Position
    definition: str
    line: str
    key: str


def draw(root: Path, package: str, size: int, seed: int) -> list[Mutant]:
    """A random sample of the mutants of a package, the same for the same seed.

    Each mutant's place in the order is a hash of the seed and of its own definition and line, so that a change of the
    code elsewhere changes nothing in the sample but the mutants of the lines that changed.
    """
    found = [mutant for module in modules(root, package) for mutant in candidates(root, module)]
    order = sorted(found, key=lambda mutant: _digest(str(seed), mutant.key))
    drawn = list(islice((mutant for mutant in order if changes(root, mutant)), size))
    if len(drawn) < size:
        raise ValueError(f"{package} has {len(drawn)} mutants, fewer than the {size} to draw")
    return drawn


def modules(root: Path, package: str) -> list[str]:
    """The files of a package, relative to the root."""
    return sorted(str(path.relative_to(root)) for path in (root / "lrgd_jax" / package).rglob("*.py"))


def candidates(root: Path, module: str) -> Iterator[Mutant]:
    """All mutants of a file but those at places that no behaviour depends on."""
    source = (root / module).read_text()
    nodes, spans, seen = list(ast_nodes(get_ast(source))), idle_spans(source), Counter()
    for name in OPERATORS:
        operator = get_operator(name)()
        places = ((node, *span) for node in nodes for span in operator.mutation_positions(node))
        for occurrence, (node, start, end) in enumerate(places):
            # to cosmic-ray the bare star of a signature is a product
            if node.parent.type in SIGNATURES or any(low <= start and end <= high for low, high in spans):
                continue
            definition, line = ASTQuery(node).get_definition_name() or "", source.splitlines()[start[0] - 1].strip()
            identity = (module, definition, name, line)
            seen[identity] += 1
            key = _digest(*identity, str(seen[identity]))[:16]
            yield Mutant(module, name, occurrence, start, end, definition, line, key)


def changes(root: Path, mutant: Mutant) -> bool:
    """Whether the mutated file is Python and another program."""
    source = (root / mutant.module).read_text()
    try:
        mutated = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
        return mutated is not None and ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False
    except AttributeError:  # cosmic-ray's ExceptionReplacer cannot replace a dotted name
        return False


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
