"""Tests of pytest out of claims: one line a claim, one test a layer."""

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType

from lrgd_jax.certify.tracing.faults import FaultError
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance
from lrgd_jax.claims.pytest_layers import LAYERS, ClaimLayers, claim_layers

__all__ = ["given_claim"]

LAYER = "claim_layer"
"""The parameter of the tests that `given_claim` makes."""


def given_claim(
    claim: Claim | str,
    *,
    layers: Sequence[str] = LAYERS,
    dtypes: Sequence[str] = ("float64", "float32"),
    examples: int = 50,
    magnitude: float = 8.0,
) -> Callable[..., object]:
    """Makes a test for pytest of a claim, with one case a layer.

    A layer that does not apply to the claim is skipped with its reason. In floating point, hypothesis draws dimensions
    and values, always the same ones; an instance at which a side cannot be evaluated or is not finite is passed over.
    Then the claim's own shapes are checked with compiled sides. JAX computes in 64 bits meanwhile, whatever it is
    configured to.

    What is returned is a test already; it also decorates a function, which is then called with every drawn instance
    of floating point as its parameter `instance` (a `ComparedInstance`). Further parameters are fixtures.

    Args:
        claim: what is claimed, or the slug of a claim that comes with the package.
        layers: some of "floating", "exact", "rigorous" and "mutants".
        dtypes: dtypes of the floating arguments: some of "float64", "float32" and "bfloat16".
        examples: how many instances hypothesis draws for each dtype.
        magnitude: drawn floating arguments lie between minus this and this.

    Returns:
        The test, which is a decorator of tests too.

    Raises:
        ImportError: pytest is not installed.
        ValueError: an argument is no such thing.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> test_mine = given_claim(claim)
        >>> @given_claim(claim, layers=("floating",), examples=10)
        ... def test_more(instance):
        ...     assert instance.dimensions["n"] > 0
    """
    pytest = _pytest()
    run = claim_layers(claim, layers=layers, dtypes=dtypes, examples=examples, magnitude=magnitude)
    return pytest.mark.parametrize(LAYER, run.names)(_bare_test(run, _stand_in_at(sys._getframe(1))))


def _bare_test(run: ClaimLayers, place: Callable[[], None]) -> Callable[..., object]:
    """A test without a body, which decorates a function where it is given one."""

    def claim_test(*decorated: Callable[..., object], **named: str) -> Callable[..., object] | None:
        __tracebackhide__ = True
        # what comes beside a layer is the instance of a class whose method this is
        if LAYER not in named:
            return _test_of_function(run, *decorated)
        _run_layer(run, named[LAYER], None)
        return None

    # pytest is to see one parameter, in a class too, and to report the user's file
    vars(claim_test)["__signature__"] = _signature([inspect.Parameter("decorated", inspect.Parameter.POSITIONAL_ONLY)])
    vars(claim_test)["place_as"] = place
    claim_test.__doc__ = run.claim.title
    return claim_test


def _test_of_function(run: ClaimLayers, function: Callable[..., object]) -> Callable[..., object]:
    """A test that calls a user's function with every drawn instance."""
    if not inspect.isfunction(function):
        raise ValueError(f"given_claim decorates functions, got {function!r}")
    parameters = inspect.signature(function).parameters
    fixtures = [parameter for name, parameter in parameters.items() if name != "instance"]

    @functools.wraps(function)
    def claim_test(*self: object, **named: object) -> None:
        __tracebackhide__ = True
        layer = str(named.pop(LAYER))

        def body(instance: ComparedInstance) -> None:
            __tracebackhide__ = True
            function(*self, **({"instance": instance} if "instance" in parameters else {}), **named)

        _run_layer(run, layer, body)

    vars(claim_test)["__signature__"] = _signature(fixtures)
    return _pytest().mark.parametrize(LAYER, run.names)(claim_test)


def _run_layer(run: ClaimLayers, layer: str, function: Callable[[ComparedInstance], object] | None) -> None:
    __tracebackhide__ = True
    try:
        skipped = run.run(layer, function).skipped
    except FaultError as fault:
        # the message names the user's own line; what lies between is this package and JAX
        raise _pytest().fail.Exception(f"{run.claim.slug} ({layer}): error: {fault}", pytrace=False) from None
    if skipped is not None:
        _pytest().skip(skipped)


def _signature(parameters: Sequence[inspect.Parameter]) -> inspect.Signature:
    return inspect.Signature([*parameters, inspect.Parameter(LAYER, inspect.Parameter.KEYWORD_ONLY)])


def _stand_in_at(frame: FrameType) -> Callable[[], None]:
    """A function that is said to be defined where the user's file is at."""

    def stand_in() -> None:
        """Is never called."""

    place = {"co_filename": frame.f_code.co_filename, "co_firstlineno": frame.f_lineno}
    stand_in.__code__ = stand_in.__code__.replace(**place)
    return stand_in


def _pytest() -> ModuleType:
    try:
        import pytest
    except ImportError as missing:
        raise ImportError(
            'given_claim makes tests for pytest, which is not installed; install it, for example as "lrgd-jax[test]", '
            "or check the claim by check_claim and certify_claim"
        ) from missing
    return pytest
