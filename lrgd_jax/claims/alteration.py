"""Sides made out of another one: with some arguments changed, or some results computed otherwise."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType

from jaxtyping import PyTree

from lrgd_jax.claims.side import Side, parameters_of, within_partials

__all__ = ["alter", "alter_results"]


def alter(side: Side, **changes: object) -> Side:
    """A side that is called with some of its arguments changed, and all others as they come.

    For a parameter that the claim supplies, a change is a function of the argument, and of any others that its further
    parameters name: arguments, dimensions or free functions of the claim, none of them changed. For a parameter with a
    default, which no claim supplies, a change is the value itself.

    Args:
        side: the function that is called.
        **changes: the changes, by the names of its parameters.

    Returns:
        A side that needs what `side` needs, and what the changes name.

    Raises:
        ValueError: nothing is changed, the side has no such parameter, or a change is no function where one is needed.

    Examples:
        >>> def step(w, gradient, rate, scale=1):
        ...     return w - scale * rate * gradient
        >>> alter(step, rate=lambda rate: -rate)(w=1, gradient=2, rate=3)
        7
        >>> alter(step, rate=lambda rate, n: rate / n, scale=2)(w=1, gradient=2, rate=3, n=6)
        -1.0
    """
    needed, takes_rest = parameters_of(side)
    name = _name(side)
    own = {parameter: changes[parameter] for parameter in _options(side) if parameter in changes}
    if not changes:
        raise ValueError(f"{name} is altered in nothing; name a parameter and its change: rate=lambda rate: -rate")
    if not takes_rest:
        _check_parameters(name, [parameter for parameter in changes if parameter not in own], needed)
    transformations = {
        parameter: _function(name, parameter, change) for parameter, change in changes.items() if parameter not in own
    }
    others = {parameter: _further_parameters(change) for parameter, change in transformations.items()}

    @functools.wraps(within_partials(side))
    def altered(**known: PyTree) -> PyTree:
        changed = {
            parameter: change(known[parameter], **{other: known[other] for other in others[parameter]})
            for parameter, change in transformations.items()
        }
        passed = known if takes_rest else {parameter: known[parameter] for parameter in needed}
        return side(**{**passed, **changed, **own})

    names = {*needed, *transformations, *(other for some in others.values() for other in some)}
    _sign(altered, names, takes_rest, sys._getframe(1))
    return altered


def alter_results(side: Side, results: Mapping[str, Side]) -> Side:
    """A side that returns a dictionary, with some of its results computed otherwise.

    Args:
        side: the function whose other results are kept.
        results: by the names of its results, functions that are themselves like sides: their parameters are named
            after arguments, dimensions or free functions of the claim.

    Returns:
        A side that needs what `side` needs, and what the functions need.

    Raises:
        ValueError: nothing is altered; or, when it is called, `side` has no such result.

    Examples:
        >>> def moments(x):
        ...     return {"sum": x + x, "product": x * x}
        >>> alter_results(moments, {"product": lambda x: -x * x})(x=3)
        {'sum': 6, 'product': -9}
    """
    name = _name(side)
    if not results:
        raise ValueError(f"{name} is altered in nothing; name a result and the function that computes it otherwise")
    functions = [side, *results.values()]
    needs = [parameters_of(function) for function in functions]

    @functools.wraps(within_partials(side))
    def altered(**known: PyTree) -> PyTree:
        returned, *others = (
            function(**(known if takes_rest else {parameter: known[parameter] for parameter in names}))
            for function, (names, takes_rest) in zip(functions, needs, strict=True)
        )
        unknown = sorted(set(results) - set(returned))
        if unknown:
            raise ValueError(f"{name} returns no {unknown[0]!r} to alter, only {sorted(returned)}; name one of these")
        return {**returned, **dict(zip(results, others, strict=True))}

    names = {parameter for parameters, _ in needs for parameter in parameters}
    _sign(altered, names, any(takes_rest for _, takes_rest in needs), sys._getframe(1))
    return altered


def _sign(altered: Side, names: Iterable[str], takes_rest: bool, caller: FrameType) -> None:
    """Gives a function its parameters, and its author: whoever alters a side, as `namedtuple` does with its caller."""
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in sorted(names)]
    rest = [inspect.Parameter("rest", inspect.Parameter.VAR_KEYWORD)] if takes_rest else []
    vars(altered)["__signature__"] = inspect.Signature([*parameters, *rest])
    altered.__module__ = caller.f_globals.get("__name__", altered.__module__)


def _name(side: Side) -> str:
    return getattr(within_partials(side), "__name__", repr(side))


def _options(side: Side) -> list[str]:
    """The parameters with a default."""
    parameters = inspect.signature(side).parameters.items()
    return [name for name, parameter in parameters if parameter.default is not inspect.Parameter.empty]


def _check_parameters(name: str, asked: Iterable[str], needed: set[str]) -> None:
    unknown = [parameter for parameter in asked if parameter not in needed]
    if unknown:
        raise ValueError(
            f"{name} has no parameter {unknown[0]!r} to change, only {sorted(needed)}; name one of these, or give it "
            "the parameter"
        )


def _function(name: str, parameter: str, change: object) -> Callable[..., PyTree]:
    if not callable(change):
        raise ValueError(
            f"{name} is given {parameter!r} by the claim, so the change must be a function of it, such as "
            f"lambda {parameter}: -{parameter}; got {change!r}"
        )
    return change


def _further_parameters(change: Callable[..., PyTree]) -> list[str]:
    """The names that a change asks for beside the argument itself, which comes first."""
    parameters = list(inspect.signature(change).parameters.values())[1:]
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]
