"""A page a folder of the package, a section a module."""

import ast
from pathlib import Path

from lrgd_jax.experiments.shared.markdown import row

ROOT = Path(__file__).resolve().parents[2]

PACKAGE = ROOT / "lrgd_jax"


def api_pages():
    """The pages by file name, their index among them."""
    rooms = {"ground": sorted(PACKAGE.glob("[!_]*.py"))}
    for init in sorted(PACKAGE.glob("*/__init__.py")):
        rooms[init.parent.name] = sorted(init.parent.rglob("[!_]*.py"))
    titles = {"ground": ("Features, kernels, positions, types", "What everything else stands on.")}
    pages = {}
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
        pages[f"{name}.md"] = "\n".join(page)
    return {**pages, "index.md": "\n".join(lines) + "\n"}


def first_line(file):
    """The first sentence of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]
