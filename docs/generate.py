"""Writes the pages that come from code (the claims, the API, the notebooks), the tables of results, and the menu.

python docs/generate.py
"""

import json
import shutil
from pathlib import Path

from navigation import write_navigation
from pages.api import api_pages
from pages.claims import claim_pages
from pages.experiments import numbers
from pages.fuzzing import fuzzing_tables
from pages.kernel_faults import kernel_fault_tables
from pages.misquoted import misquoted_page
from pages.mutants import mutant_tables
from pages.narrow_formats import narrow_format_tables
from pages.notebooks import notebook_pages
from pages.peers import peer_tables, shortcut_table
from pages.primitives import primitives_page
from pages.speed import speed_tables
from pages.which_optimiser import which_optimiser_table

from lrgd_jax.experiments import names

DOCS = Path(__file__).resolve().parent
RESULTS = DOCS / "results"
PEERS = {"last-items": peer_tables, "one-moment": peer_tables, "shortcuts": shortcut_table}
"""Tables of docs/benchmarks.md, by result file."""


def empty_folder(name):
    """An empty folder for generated pages."""
    shutil.rmtree(DOCS / name, ignore_errors=True)
    (DOCS / name).mkdir(parents=True)
    return DOCS / name


def write_pages(folder, pages):
    """Writes pages into a folder."""
    for name, text in pages.items():
        (folder / name).write_text(text)


def main():
    """Writes whole pages, and the tables that hand-written pages include."""
    write_pages(empty_folder("claims"), claim_pages())
    write_pages(DOCS, {"primitives.md": primitives_page()})
    write_pages(empty_folder("api"), api_pages())
    folder = empty_folder("notebooks")
    write_pages(folder, notebook_pages(folder))
    write_pages(RESULTS, {f"{name}.md": "\n".join(numbers(name)) + "\n" for name in names()})
    summary = json.loads((RESULTS / "misquoted" / "summary.json").read_text())
    write_pages(DOCS, {"misquoted.md": misquoted_page(summary)})
    summary = json.loads((RESULTS / "mutants" / "summary.json").read_text())
    write_pages(RESULTS, {"mutants.md": "\n".join(mutant_tables(summary)) + "\n"})
    summary = json.loads((RESULTS / "fuzzing" / "summary.json").read_text())
    write_pages(RESULTS, {"fuzzing.md": "\n".join(fuzzing_tables(summary)) + "\n"})
    summary = json.loads((RESULTS / "kernel-faults" / "summary.json").read_text())
    write_pages(RESULTS, {"kernel-faults.md": "\n".join(kernel_fault_tables(summary)) + "\n"})
    summary = json.loads((RESULTS / "which-optimiser" / "summary.json").read_text())
    write_pages(RESULTS, {"which-optimiser.md": "\n".join(which_optimiser_table(summary)) + "\n"})
    write_pages(RESULTS / "speed", speed_tables(RESULTS / "speed"))
    for name, tables in PEERS.items():
        summary = json.loads((RESULTS / "peers" / f"{name}.json").read_text())
        write_pages(RESULTS, {f"peers-{name}.md": "\n".join(tables(summary)) + "\n"})
    summary = json.loads((RESULTS / "narrow-formats" / "summary.json").read_text())
    write_pages(RESULTS, {"narrow-formats.md": "\n".join(narrow_format_tables(summary)) + "\n"})
    write_navigation(DOCS.parent / "zensical.yml")


if __name__ == "__main__":
    main()
