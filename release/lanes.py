"""Clean environments: the wheel by plain pip on every Python, with the oldest and the newest dependencies."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from release.builds import DIST, ROOT
from release.commands import run, run_pages

__all__ = ["LANES", "try_lane"]

LANES = ("3.11-oldest", "3.11-newest", "3.12-newest", "3.13-newest")
"""A version of Python, and which of the allowed dependencies."""


LICENCES = """
from importlib.metadata import distributions
for package in sorted(distributions(), key=lambda package: package.name.lower()):
    said = package.metadata
    kinds = [line.split(" :: ")[-1] for line in said.get_all("Classifier") or [] if line.startswith("License")]
    first = (said.get("License") or "unknown").strip().splitlines()[0]
    print(f"{package.name} {package.version}: {said.get('License-Expression') or ', '.join(kinds) or first}")
"""
"""A program that prints a line a package of its environment."""


def try_lane(lane: str, *, sbom: bool = False) -> bool:
    """Installs the wheel in a clean environment and runs what the pages say; returns whether there is such a Python.

    Args:
        lane: one of `LANES`.
        sbom: whether to write dist/sbom.json and the licences of what was installed.
    """
    version, _, which = lane.partition("-")
    python = interpreter(version)
    if python is None:
        print(f"== {lane} SKIPPED: Python {version} is not found", flush=True)
        return False
    print(f"== {lane}: {python}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", folder)
        own = Path(folder) / "bin" / "python"
        (wheel,) = DIST.glob("*.whl")
        pinned = [f"{name}=={least}" for name, least in lower_bounds().items()] if which == "oldest" else []
        run(str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel), *pinned)
        run(str(own), "-m", "pip", "check")
        print(run(str(own), "-m", "pip", "list", "--format=freeze").replace("\n", " "), flush=True)
        run_pages(own)
        if sbom:
            write_sbom(own)
    return True


def lower_bounds() -> dict[str, str]:
    """The oldest version of every direct dependency that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds: dict[str, str] = {}
    for entry in project["dependencies"]:
        stated = re.fullmatch(r"([\w.-]+)>=([\w.]+)", entry)
        if stated is None:
            sys.exit(f"pyproject.toml: expected a name and its lower bound, got {entry!r}")
        bounds[stated[1]] = stated[2]
    return bounds


def write_sbom(python: Path) -> None:
    """The SBOM of an environment in dist/sbom.json (CycloneDX), and a line a package with its licence."""
    place = DIST / "sbom.json"
    run(sys.executable, "-m", "cyclonedx_py", "environment", str(python), "--output-file", str(place))
    print(f"wrote {place.relative_to(ROOT)}")
    run_licences(python)


def run_licences(python: Path) -> None:
    """Prints the licence of every package of an environment, as its own metadata say."""
    print(run(str(python), "-c", LICENCES))


def interpreter(version: str) -> str | None:
    """A Python of a version that runs; what pyenv has counts too, whose commands on the path may refuse."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(root.glob(f"versions/{version}.*/bin/python"))
    named = [f"python{version}", f"/usr/bin/python{version}", f"/usr/local/bin/python{version}", *map(str, installed)]
    question = f"import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    for candidate in named:
        path = shutil.which(candidate)
        if path and not subprocess.run([path, "-c", question], capture_output=True, check=False).returncode:
            return path
    return None
