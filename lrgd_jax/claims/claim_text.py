"""What claims say to a reader, read off their files without running them, so that listing claims loads no JAX."""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrgd_jax.claims.claim import Claim

__all__ = ["ClaimText", "parse_claim_text", "read_claim_texts"]

SHIPPED = "proofs_checks"
LITERALS = "slug", "title", "group", "statement", "assumptions", "proof", "source"
"""Fields of a claim that a file states as literals."""


@dataclass(frozen=True)
class ClaimText:
    """The words of a claim.

    Attributes:
        slug: stable name in lower case and hyphens.
        title: one line.
        group: letter of the part of the theory, or "user".
        statement: LaTeX within Markdown.
        assumptions: what must hold.
        proof: Markdown with LaTeX.
        source: paper and equation.
        mutants: what is wrong with each of them.
    """

    slug: str
    title: str
    group: str
    statement: str
    assumptions: tuple[str, ...]
    proof: str
    source: str
    mutants: tuple[str, ...]

    @classmethod
    def of(cls, claim: Claim) -> ClaimText:
        """The words of a claim that is loaded already."""
        literals = {name: getattr(claim, name) for name in LITERALS}
        return cls(**literals, mutants=tuple(mutant.name for mutant in claim.mutants))


def read_claim_texts() -> dict[str, ClaimText]:
    """The words of all claims that come with the package, by slug, in the order of `load_claims`.

    A file that states them in another way than as literals is imported.
    """
    texts: list[ClaimText] = []
    for file in files(SHIPPED).iterdir():
        if file.name.endswith(".py") and not file.name.startswith("_"):
            text = parse_claim_text(file.read_text(encoding="utf-8"))
            texts += _import_claim_texts(file.name.removesuffix(".py")) if text is None else [text]
    return {text.slug: text for text in sorted(texts, key=lambda text: (text.group, text.slug))}


def parse_claim_text(source: str) -> ClaimText | None:
    """The words of the one claim of a file; None where they cannot be told without running it.

    Args:
        source: of a Python file with `claim = Claim(slug="...", ...)`.
    """
    tree = ast.parse(source)
    bound = [node.value for node in tree.body if isinstance(node, ast.Assign) and _binds_claim(node.targets[0])]
    if len(bound) != 1 or _times_bound(tree) != 1 or not isinstance(bound[0], ast.Call):
        return None
    fields = {keyword.arg: keyword.value for keyword in bound[0].keywords}
    try:
        literals = {name: ast.literal_eval(fields[name]) for name in LITERALS}
        return ClaimText(**literals, mutants=_mutant_names(fields["mutants"]))
    except (KeyError, ValueError):
        return None


def _binds_claim(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "claim"


def _times_bound(tree: ast.Module) -> int:
    """How often the names `claim` and `claims`, which say what a file holds, are given a value or imported."""
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    imports = (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    names += [alias.asname or alias.name for node in imports for alias in node.names]
    return sum(name in ("claim", "claims") for name in names)


def _mutant_names(mutants: ast.expr) -> tuple[str, ...]:
    """The names within `(Mutant("name", ...), ...)`.

    Raises:
        ValueError: they are written in another way.
    """
    calls = mutants.elts if isinstance(mutants, ast.Tuple) else []
    names = [ast.literal_eval(call.args[0]) for call in calls if isinstance(call, ast.Call) and call.args]
    if not calls or len(names) < len(calls):
        raise ValueError("expected a tuple of mutants")
    return tuple(names)


def _import_claim_texts(name: str) -> list[ClaimText]:
    from lrgd_jax.claims.registry import claims_of

    module = importlib.import_module(f"{SHIPPED}.{name}")
    return [ClaimText.of(claim) for claim in claims_of(module, name)]
