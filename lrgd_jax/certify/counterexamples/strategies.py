"""Strategies of hypothesis that the searches for counterexamples share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from hypothesis import strategies as st

__all__ = ["named"]

T = TypeVar("T")


def named(strategies: Mapping[str, st.SearchStrategy[T]]) -> st.SearchStrategy[dict[str, T]]:
    """A dictionary with a value for each name, in the order of the names.

    `fixed_dictionaries` gives its keys in any order, so that nobody relies on it. Here what is drawn is told apart by
    its values, is a row of numbers in between, and is shown: all three need one order.

    Args:
        strategies: of the value of each name.

    Examples:
        >>> from hypothesis import find
        >>> find(named({"b": st.integers(), "a": st.booleans()}), lambda drawn: drawn["a"])
        {'b': 0, 'a': True}
    """
    return st.fixed_dictionaries(strategies).map(lambda drawn: {name: drawn[name] for name in strategies})
