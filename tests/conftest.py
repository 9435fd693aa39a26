"""Strict JAX for every test, and where real data lie."""

import os

# before JAX starts: jaxtyping checks every annotated shape of the package while it is imported
import jaxtyping
from jaxtyping import install_import_hook

CHECKED = ("features", "positions", "attention", "dual", "incontext", "robust")
_hook = install_import_hook([f"lrgd_jax.{name}" for name in CHECKED], "beartype.beartype")

from pathlib import Path

import jax
import pytest
from hypothesis import HealthCheck, settings

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

pytest_plugins = ("pytester",)

settings.register_profile(
    "quick",
    deadline=None,
    max_examples=20,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("LRGD_HYPOTHESIS_PROFILE", "quick"))

ROOT = Path(__file__).resolve().parent.parent


MEMORY = 2 * 1024**3
"""What a test process may keep after a module; those of both stacks share one machine."""


@pytest.fixture(autouse=True, scope="module")
def few_compiled_programs():
    """Drops compiled programs, which are kept for ever otherwise, where they fill the memory."""
    yield
    pages = Path("/proc/self/statm")
    if pages.is_file() and int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > MEMORY:
        jax.clear_caches()


@pytest.fixture
def unchecked():
    """The package as its users run it: without the tests' own type checker, which would refuse a wrong word first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real checkpoints and data sets beside the repository; skips where it is absent."""
    folder = Path(os.environ.get("LRGD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set LRGD_DATA to a folder that holds stories260K and the rest")
    return folder
