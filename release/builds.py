"""The wheel and the sdist: built in two copies that differ in place, time and permissions, and compared as bytes."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from release.commands import run

__all__ = ["DIST", "ROOT", "build_twice", "check_contents", "sdist_alone", "wheel_alone"]

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
EPOCH = "1735689600"
"""The time that archives carry, the first second of 2025."""

QUICK = ("tests/test_features.py", "tests/test_positions.py", "tests/attention/test_multi_head.py")
"""Tests of the sdist that take seconds."""


def build_twice() -> None:
    """Builds into dist/, after the same files came out of two copies of what git tracks.

    Raises:
        SystemExit: an archive differs from its twin.
    """
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_build(Path(folder) / name, private) for name, private in (("a", False), ("b/deeper", True)))
        digests = [
            {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in each} for each in (first, second)
        ]
        if digests[0] != digests[1]:
            sys.exit(f"two builds differ: {digests[0]} and {digests[1]}; compare the archives by diffoscope")
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        for path in first:
            shutil.copy(path, DIST)
    for name, digest in sorted(digests[0].items()):
        print(f"{name}: built twice, sha256 {digest}")


def check_contents() -> None:
    """Sees that the wheel has what users and type checkers need, and that the metadata are valid."""
    run(sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(DIST.iterdir())))
    with zipfile.ZipFile(_one("*.whl")) as archive:
        names = set(archive.namelist())
    info = next(name.split("/")[0] for name in names if ".dist-info/" in name)
    needed = {"lrgd_jax/py.typed", "pytest_lrgd.py", "proofs_checks/linear_attention.py"}
    needed |= {f"{info}/{name}" for name in ("METADATA", "entry_points.txt", "licenses/LICENSE")}
    foreign = {
        name for name in names if name.split("/")[0] not in ("lrgd_jax", "proofs_checks", "pytest_lrgd.py", info)
    }
    if needed - names or foreign:
        sys.exit(f"the wheel lacks {sorted(needed - names)} and has {sorted(foreign)} too many")
    print(f"the wheel has {len(names)} files, py.typed among them")


def wheel_alone(folder: Path) -> dict[str, str]:
    """The environment of a process that imports the package from the unpacked wheel, and nothing of the checkout."""
    with zipfile.ZipFile(_one("*.whl")) as archive:
        archive.extractall(folder)
    return {**os.environ, "PYTHONPATH": str(folder)}


def sdist_alone() -> None:
    """Collects the tests of the unpacked sdist, and runs the quick ones, with the packages of this environment."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(_one("*.tar.gz")) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        environment = {**os.environ, "PYTHONPATH": str(unpacked)}
        for arguments in (("--collect-only", "-q", "tests"), ("-q", *QUICK)):
            print(run(sys.executable, "-m", "pytest", *arguments, cwd=unpacked, env=environment).splitlines()[-1])


def _build(copy: Path, private: bool) -> list[Path]:
    """Copies what git tracks and builds there; a private copy is readable by its owner alone."""
    tracked = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, tracked):
        if not (ROOT / name).is_file():
            continue
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        executable = os.access(ROOT / name, os.X_OK)
        target.chmod((0o700 if executable else 0o600) if private else (0o755 if executable else 0o644))
        if private:
            os.utime(target, (0, 10**9))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(copy / "built"), str(copy)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the build failed:\n{done.stdout}{done.stderr}")
    return sorted((copy / "built").iterdir())


def _one(pattern: str) -> Path:
    archives = sorted(DIST.glob(pattern))
    if len(archives) != 1:
        sys.exit(f"expected one {pattern} in dist/, found {len(archives)}; run `make release-build`")
    return archives[0]
