"""Commands that are run, and those that the pages print."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["run", "run_pages"]

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = ("pip install", "pipx install", "uv tool install", "python -m venv", "make ")
"""What a page says before the commands that are tried here: the installation, which has been made, or make's own."""


def run(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Runs a command and returns what it printed.

    Raises:
        SystemExit: it failed; what it printed is shown.
    """
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def run_pages(python: Path, environment: Mapping[str, str] | None = None) -> None:
    """Runs, as printed and outside the checkout, what README and the tutorials tell a new user to run.

    Args:
        python: the interpreter that has the package installed.
        environment: of the processes.
    """
    readme = (ROOT / "README.md").read_text()
    data = (ROOT / "docs" / "tutorials" / "data.md").read_text()
    base = dict(os.environ if environment is None else environment)
    base["PATH"] = f"{python.parent}{os.pathsep}{base['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for file in ("my_claim.py", "test_my_claim.py"):
            (place / file).write_text((ROOT / "docs" / "tutorials" / file).read_text())
        made_up = re.search(r"^\$ (lrgd data generate (\S+) .*)$", data, re.MULTILINE)
        if made_up is None:
            sys.exit("docs/tutorials/data.md no longer shows `lrgd data generate`")
        commands = [
            *_commands(_section(readme, "Install")),
            "lrgd verify my-claim --claims-path my_claim.py",
            made_up[1],
            f"lrgd recommend evaluate --data {made_up[2]} --json evaluated.json",
        ]
        for command in commands:
            print(f"$ {command}", flush=True)
            run("bash", "-c", command, cwd=place, env=base)
        (place / "ten_lines.py").write_text(_python(_section(readme, "Ten lines")))
        print("$ python ten_lines.py", flush=True)
        print(run(str(python), "ten_lines.py", cwd=place, env=base).splitlines()[-1])


def _section(page: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    if found is None:
        sys.exit(f"README.md has no section {heading!r}")
    return found[1]


def _commands(section: str) -> list[str]:
    """The lines of its shell blocks without their comments."""
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)).splitlines()
    commands = [line.partition("  #")[0].strip() for line in lines]
    kept = [command for command in commands if command and not command.startswith((*SKIPPED, "#"))]
    if not kept:
        sys.exit("the section shows no command after the installation")
    return kept


def _python(section: str) -> str:
    found = re.search(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    if found is None:
        sys.exit("the section shows no Python")
    return found[1]
