"""What the fields of a form may be: checked where they are concrete, left alone under a trace."""

from collections.abc import Callable

import numpy as np
from jax.core import Tracer

__all__ = ["check_choice", "check_decay", "check_not_negative", "check_positive", "check_sizes"]


def check_choice(form: str, name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises ValueError where a form is given a name that it does not know."""
    if value not in choices:
        raise ValueError(f"{form}: {name} must be one of {', '.join(choices)}; got {value!r}")


def check_sizes(form: str, **sizes: int | None) -> None:
    """Raises ValueError where a number of tokens or steps is less than one."""
    for name, size in sizes.items():
        if size is not None and size < 1:
            raise ValueError(f"{form}: {name} must be at least 1, got {size}")


def check_decay(form: str, value: object, *, name: str = "decay") -> None:
    """Raises ValueError where a decay lies outside [0, 1], and says so where it seems to be the logarithm of one."""
    advice = "; if these are logarithms of decays, which are never positive, give their exponentials"
    _check(
        form, name, value, "between 0 and 1", lambda x: (x >= 0) & (x <= 1), lambda x: advice if (x <= 0).all() else ""
    )


def check_not_negative(form: str, **values: object) -> None:
    """Raises ValueError at a negative number."""
    for name, value in values.items():
        _check(form, name, value, "not negative", lambda x: x >= 0)


def check_positive(form: str, **values: object) -> None:
    """Raises ValueError at a number that is not positive."""
    for name, value in values.items():
        _check(form, name, value, "positive", lambda x: x > 0)


def _check(
    form: str,
    name: str,
    value: object,
    what: str,
    fits: Callable[[np.ndarray], np.ndarray],
    advice: Callable[[np.ndarray], str] = lambda _: "",
) -> None:
    if value is None or isinstance(value, Tracer):
        return
    numbers = np.asarray(value)
    wrong = numbers[~fits(numbers)]
    if wrong.size:
        raise ValueError(f"{form}: {name} must be {what}, got {wrong.flat[0]}{advice(numbers)}")
