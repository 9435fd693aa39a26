"""Runs every notebook's source and keeps the outputs: `python notebooks/execute.py [--check] [NAME ...]`.

With --check nothing is written; it fails where a source does not run, or where the kept notebook is of another source.
"""

import argparse
import sys
from pathlib import Path

import jupytext
import nbformat
from nbconvert.preprocessors import ExecutePreprocessor

HERE = Path(__file__).resolve().parent
SECONDS_A_CELL = 300


def sources(names):
    """The percent sources that are asked for, all of them unless named."""
    found = {path.stem: path for path in sorted(HERE.glob("[0-9]*.py"))}
    unknown = [name for name in names if Path(name).stem not in found]
    if unknown:
        sys.exit(f"there is no notebook {unknown[0]!r}; there are {', '.join(found)}")
    return [found[Path(name).stem] for name in names] if names else list(found.values())


def executed(source):
    """The notebook with its outputs; an exception in a cell ends the run, with the cell's traceback."""
    notebook = jupytext.read(source)
    ExecutePreprocessor(timeout=SECONDS_A_CELL, kernel_name="python3").preprocess(
        notebook, {"metadata": {"path": str(HERE)}}
    )
    return stable(notebook)


def stable(notebook):
    """The notebook without what differs from run to run: times, random identifiers, the interpreter's version."""
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell["metadata"] = {}
    notebook.metadata = {
        "jupytext": notebook.metadata["jupytext"],
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.metadata["jupytext"]["text_representation"].pop("jupytext_version", None)
    notebook.metadata["jupytext"]["text_representation"].pop("format_version", None)
    return nbformat.from_dict({**notebook, "nbformat": 4, "nbformat_minor": 5})


def stale(source, notebook):
    """Whether the kept notebook is of another source than the one that has just run."""
    kept = source.with_suffix(".ipynb")
    if not kept.is_file():
        return True
    cells = nbformat.read(kept, as_version=4).cells
    return [cell.source for cell in cells] != [cell.source for cell in notebook.cells]


def main():
    """Runs the notebooks named on the command line."""
    parser = argparse.ArgumentParser(description="Runs every notebook's source and keeps the outputs.")
    parser.add_argument("names", nargs="*", help="which; all of them unless given")
    parser.add_argument("--check", action="store_true", help="run without writing")
    options = parser.parse_args()
    for source in sources(options.names):
        notebook = executed(source)
        if not options.check:
            nbformat.write(notebook, source.with_suffix(".ipynb"))
        elif stale(source, notebook):
            sys.exit(f"{source.with_suffix('.ipynb').name} is of another source: run `make notebooks`")
        print(f"{source.name}: runs")


if __name__ == "__main__":
    main()
