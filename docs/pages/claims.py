"""A page a claim, and a table of them."""

import inspect
from pathlib import Path

from lrgd_jax.claims import Adjoint, Integers, Statistical, load_claims
from lrgd_jax.claims.groups import GROUPS
from lrgd_jax.experiments.shared.markdown import row
from pages.claim_code import sides_code
from pages.claim_verdicts import verdict_lines

ROOT = Path(__file__).resolve().parents[2]


def claim_pages():
    """The pages by file name, their index among them."""
    found = load_claims()
    pages = {f"{claim.slug}.md": claim_page(claim, found) for claim in found.values()}
    lines = [
        "# Claims",
        "",
        "Each claim is a statement with a proof, two sides written independently of each other, and mutants: wrong",
        "versions of one side that the check must reject. `lrgd verify` checks them all, `lrgd verify SLUG` one of",
        "them; [How sure are we](../how-sure.md) says what such a check is worth.",
        "",
        *(line for group in GROUPS for line in group_table(group, found)),
        "A claim of your own is one file: see [State a claim of your own](../tutorials/own-claim.md).",
    ]
    return {**pages, "index.md": "\n".join(lines) + "\n"}


def group_table(group, claims):
    """The claims of a group, under a heading that says what they are about."""
    own = [claim for claim in claims.values() if claim.group == group.letter]
    return [
        f"## {group.letter}: {group.word}",
        "",
        f"{group.about[:1].upper()}{group.about[1:]}: `lrgd verify --group {group.letter}`.",
        "",
        row("claim", "what it says", "tolerance", "mutants"),
        row("---", "---", "---", "---"),
        *(
            row(f"[{claim.slug}]({claim.slug}.md)", claim.title, tolerance(claim)[0], len(claim.mutants))
            for claim in own
        ),
        "",
    ]


def tolerance(claim):
    """Where the tolerance of a claim comes from, in a word and in a sentence."""
    if isinstance(claim.tolerance, Adjoint):
        return "adjoint bound", "the adjoint bound of both traced sides (first order, for deep programs)"
    if isinstance(claim.tolerance, Statistical):
        chance = f"{claim.tolerance.false_alarm:.0e}"
        return "statistical", (
            "a deviation that a true claim exceeds on one instance with probability at most "
            f"{chance}, plus the running error of both traced sides"
        )
    return "running error", "the running error of both traced sides"


def claim_page(claim, known):
    """Statement, assumptions, proof, source, both sides, verdicts, mutants, what is drawn, and the file itself."""
    file = Path(inspect.getfile(claim.left))
    relation = "equals" if claim.relation == "equal" else "is at most"
    lines = [
        f"# {claim.title}",
        "",
        f"`{claim.slug}` · file `{file.relative_to(ROOT)}` · check it: `lrgd verify {claim.slug}`",
        "",
        "## Statement",
        "",
        linked(claim.statement, claim, known),
        *(["", "**Assumptions.**", "", *(f"- {text}" for text in claim.assumptions)] if claim.assumptions else []),
        "",
        "## Proof",
        "",
        linked(claim.proof, claim, known),
        "",
        "## Source",
        "",
        claim.source,
        "",
        "## Both sides",
        "",
        *(line for heading, code in sides_code(claim) for line in code_lines(heading, code)),
        "## Verdicts",
        "",
        *verdict_lines(claim.slug),
        "",
        "## How it is checked",
        "",
        f"The left side, `{claim.left.__name__}`, {relation} the right side, `{claim.right.__name__}`. "
        f"Tolerance: {tolerance(claim)[1]}.",
        "",
        row("mutant: what is wrong with it", "stands in for"),
        row("---", "---"),
        *(row(mutant.name, f"the {mutant.replaces} side") for mutant in claim.mutants),
        "",
        row("argument", "shape"),
        row("---", "---"),
        *(row(f"`{name}`", shape_in_words(shape)) for name, shape in claim.arguments.items()),
        "",
        row("dimension", "searched for counterexamples", *(f"check {k + 1}" for k in range(len(claim.shapes)))),
        row("---", "---", *("---" for _ in claim.shapes)),
        *(
            row(f"`{name}`", f"{smallest} to {largest}", *(shape[name] for shape in claim.shapes))
            for name, (smallest, largest) in claim.dimensions.items()
        ),
        "",
        '??? example "The file"',
        "",
        "    ```python",
        *(f"    {line}".rstrip() for line in file.read_text().splitlines()),
        "    ```",
    ]
    return "\n".join(lines) + "\n"


def code_lines(heading, code):
    """A heading and the code below it."""
    return [f"**{heading}**", "", "```python", *code.splitlines(), "```", ""]


def linked(text, claim, known):
    """The text, with the names of other claims linked to their pages."""
    for slug in known:
        if slug != claim.slug:
            text = text.replace(f"`{slug}`", f"[`{slug}`]({slug}.md)")
    return text.strip()


def shape_in_words(shape):
    """The declared shape of an argument."""
    if isinstance(shape, Integers):
        axes = f"`[{', '.join(shape.shape.split())}]`" if shape.shape else "one number"
        return f"{axes}, whole numbers below `{shape.below}`"
    return f"`[{', '.join(shape.split())}]`" if shape.split() else "one number"
