"""The plug-in for pytest: the fixture `claim`, which runs a claim at all layers.

Every session of pytest in the environment loads this module, so it imports JAX and the package only when a test asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

import pytest

if TYPE_CHECKING:
    from lrgd_jax.claims import Claim, LayerVerdict
    from lrgd_jax.claims.pytest_layers import LayerOptions

__all__ = ["claim"]


@pytest.fixture
def claim() -> Callable[..., dict[str, LayerVerdict]]:
    """Runs a claim, or the shipped claim of a slug, at all layers, and returns what each of them said, by its name.

    The function takes the options of `lrgd_jax.claims.given_claim`. A layer that does not apply says so in its verdict;
    the test is skipped only if none applies.
    """
    return _run


def _run(claim: Claim | str, **options: Unpack[LayerOptions]) -> dict[str, LayerVerdict]:
    __tracebackhide__ = True
    from lrgd_jax.claims.pytest_layers import claim_layers

    layers = claim_layers(claim, **options)
    verdicts = {name: layers.run(name) for name in layers.names}
    skipped = {name: verdict.skipped for name, verdict in verdicts.items() if verdict.skipped is not None}
    if len(skipped) == len(verdicts):
        pytest.skip("; ".join(f"{name}: {reason}" for name, reason in skipped.items()))
    return verdicts
