"""Writes the pages that come from code: the claims, the API and the notebooks.

python docs/generate.py
"""

import ast
import base64
import inspect
import json
import shutil
from pathlib import Path

from lrgd_jax.claims import Adjoint, Integers, Statistical, load_claims

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PACKAGE = ROOT / "lrgd_jax"


def fresh(folder):
    """An empty folder for generated pages."""
    shutil.rmtree(DOCS / folder, ignore_errors=True)
    (DOCS / folder).mkdir(parents=True)
    return DOCS / folder


def row(*cells):
    """A row of a table; a bar within a cell would end it."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def claims():
    """A page a claim, and a table of them."""
    folder, found = fresh("claims"), load_claims()
    for claim in found.values():
        (folder / f"{claim.slug}.md").write_text(claim_page(claim, found))
    lines = [
        "# Claims",
        "",
        "Each claim is a statement with a proof, two sides written independently of each other, and mutants: wrong",
        "versions of one side that the check must reject. `lrgd verify` checks them all, `lrgd verify SLUG` one of",
        "them; [How sure are we](../how-sure.md) says what such a check is worth.",
        "",
        row("claim", "what it says", "tolerance", "mutants"),
        row("---", "---", "---", "---"),
        *(
            row(f"[{claim.slug}]({claim.slug}.md)", claim.title, tolerance(claim)[0], len(claim.mutants))
            for claim in found.values()
        ),
        "",
        "A claim of your own is one file: see [State a claim of your own](../tutorials/own-claim.md).",
    ]
    (folder / "index.md").write_text("\n".join(lines) + "\n")


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
    """Statement, assumptions, proof, source, mutants, what is drawn, and the file itself."""
    file = Path(inspect.getsourcefile(claim.left))
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


def api():
    """A page a folder of the package, a section a module."""
    folder = fresh("api")
    rooms = {"ground": sorted(PACKAGE.glob("[!_]*.py"))}
    for init in sorted(PACKAGE.glob("*/__init__.py")):
        rooms[init.parent.name] = sorted(init.parent.glob("[!_]*.py"))
    titles = {"ground": ("Features, kernels, positions, types", "What everything else stands on.")}
    lines = ["# API", "", "One page a folder of the package, one section a module.", "", row("folder", "what it holds")]
    lines.append(row("---", "---"))
    for name, modules in rooms.items():
        if not modules:
            continue
        title, summary = titles.get(name) or (name, first_line(PACKAGE / name / "__init__.py"))
        lines.append(row(f"[{title}]({name}.md)", summary))
        page = [f"# {title}", "", summary, ""]
        for module in modules:
            dotted = ".".join(module.relative_to(ROOT).with_suffix("").parts)
            page += [f"::: {dotted}", ""]
        (folder / f"{name}.md").write_text("\n".join(page))
    (folder / "index.md").write_text("\n".join(lines) + "\n")


def first_line(file):
    """The first sentence of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]


def notebooks():
    """A page a notebook: its text, its code, and the outputs that it was kept with."""
    folder = fresh("notebooks")
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = []
        for number, cell in enumerate(json.loads(file.read_text())["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                page += [source, ""]
                continue
            page += ["```python", source, "```", ""]
            for output in cell["outputs"]:
                page += shown(output, folder / f"{file.stem}-{number}.png")
        (folder / f"{file.stem}.md").write_text("\n".join(page))


def shown(output, picture):
    """One output of a cell: its picture where it has one, else its text."""
    data = output.get("data", {})
    if "image/png" in data:
        picture.write_bytes(base64.b64decode("".join(data["image/png"])))
        return [f"![output of the cell above]({picture.name})", ""]
    text = "".join(output.get("text") or data.get("text/plain") or "")
    return ["```text", text.rstrip(), "```", ""]


if __name__ == "__main__":
    claims()
    api()
    notebooks()
