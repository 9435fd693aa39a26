"""Strict JAX for every test, and where real data lie."""

import os

# before JAX starts: jaxtyping checks every annotated shape of the package while it is imported
from jaxtyping import install_import_hook

_hook = install_import_hook(
    ["lrgd_jax.features", "lrgd_jax.positions", "lrgd_jax.attention", "lrgd_jax.dual"], "beartype.beartype"
)

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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real checkpoints and data sets beside the repository; skips where it is absent."""
    folder = Path(os.environ.get("LRGD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set LRGD_DATA to a folder that holds stories260K and the rest")
    return folder
