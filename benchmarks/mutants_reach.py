"""Which test files run which lines of a package, and how long they take: coverage, one file of tests at a time.

A mutant then meets the files that run its line and no others, the nearest and the shortest first. Files are the unit,
not tests, because JAX traces a function once: a test that reuses the program of another runs none of its lines.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from coverage import CoverageData
from mutants_run import run

NO_TESTS = 5
"""pytest's exit code where all tests of a file are deselected."""


def reach(tree: Path, package: str, kept: Path, workers: int) -> dict[str, dict[str, Any]]:
    """Per test file that mirrors a package: its seconds, and the lines that it runs, by module.

    What was found earlier is used again where the file of tests has not changed.

    Raises:
        RuntimeError: a test fails without any mutation.
    """
    known = json.loads(kept.read_text()) if kept.exists() else {}
    files = sorted(str(path.relative_to(tree)) for path in (tree / "tests" / package).rglob("test_*.py"))
    states = {file: _digest(tree / file) for file in files}
    missing = [file for file in files if known.get(file, {}).get("state") != states[file]]
    failed = []
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(_run, tree, package, file): file for file in missing}
        for done in as_completed(waiting):
            file, found = waiting[done], done.result()
            if isinstance(found, str):
                failed.append(f"{file} must pass before anything is mutated, but says: {found}")
                continue
            known[file] = {"state": states[file], **found}
            kept.write_text(json.dumps(known))
            print(f"{file} passes in {found['seconds']:.0f} s", flush=True)
    if failed:
        raise RuntimeError("\n".join(failed))
    return {file: known[file] for file in files if known[file]["lines"]}


def reaching(found: Mapping[str, Mapping[str, Any]], tree: Path, module: str, lines: range) -> list[str]:
    """The test files that run any of some lines; where the module has changed since, any of its lines."""
    present = _digest(tree / module)
    return [
        file
        for file, one in found.items()
        if (run := one["lines"].get(module)) and (one["texts"][module] != present or not set(lines).isdisjoint(run))
    ] or ([] if any(module in one["lines"] for one in found.values()) else list(found))


def sure(found: Mapping[str, Mapping[str, Any]], tree: Path, module: str, lines: range, file: str) -> bool:
    """Whether a file of tests runs any of some lines as they are now."""
    one = found[file]
    return one["texts"].get(module) == _digest(tree / module) and not set(lines).isdisjoint(one["lines"][module])


def _run(tree: Path, package: str, file: str) -> dict[str, Any] | str:
    """The seconds and the lines; what pytest says where a test fails."""
    start = time.monotonic()
    ended = run(tree, [file], cover=f"lrgd_jax/{package}")
    if ended.code == NO_TESTS:
        return {"seconds": 0.0, "lines": {}, "texts": {}}
    if ended.code:
        return f"{ended.output[-2000:]} (exit code {ended.code})"
    data = CoverageData(str(tree / f".coverage-{Path(file).stem}"))
    data.read()
    measured = {str(Path(name).relative_to(tree)): data.lines(name) for name in data.measured_files()}
    lines = {name: sorted(run) for name, run in measured.items() if run}
    texts = {name: _digest(tree / name) for name in lines}
    return {"seconds": round(time.monotonic() - start, 1), "lines": lines, "texts": texts}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
