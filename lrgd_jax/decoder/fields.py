"""Named values from a file whose every key is accounted for: used, known to be without effect, or refused by name."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TypeGuard, TypeVar

from lrgd_jax.outside.convert import LONGEST_PATH, shorten, wrong_field

__all__ = ["Fields", "refuse_unread"]

Value = TypeVar("Value", int, float, bool, str)

MOST = 10_000
"""How many layers, or experts, a decoder may have; those that people train have hundreds."""


class Fields:
    """The values of a file by key, which records what was read; a nested object is a `Fields` too.

    It has no `keys`, on purpose: a copy by `{**fields}` would count as reading every key.

    Args:
        values: by key.
        place: what stands before a key where it is named, such as "rope_scaling.".

    Examples:
        >>> fields = Fields({"hidden_size": 8, "rope_scaling": {"type": "linear", "factor": 2}, "use_glue": True})
        >>> fields.whole("hidden_size"), fields.nested("rope_scaling").number("factor")
        (8, 2.0)
        >>> list(fields.unread())
        [('rope_scaling.type', 'linear'), ('use_glue', True)]
    """

    def __init__(self, values: Mapping[str, object], place: str = "") -> None:
        self._values = values
        self._place = place
        self._read: set[str] = set()
        self._nested: dict[str, Fields] = {}

    def __contains__(self, name: str) -> bool:
        """Whether the key is there, be it with null; this does not count as reading it."""
        return name in self._values

    def __bool__(self) -> bool:
        """Whether there is any key."""
        return bool(self._values)

    def __getitem__(self, name: str) -> object:
        """The value of a key as it is written.

        Raises:
            ValueError: the key is not there.
        """
        if name not in self._values:
            raise ValueError(f"{self._place}{name} is missing")
        return self.get(name)

    def get(self, name: str, default: object = None) -> object:
        """The value of a key as it is written, or the default where the key is not there."""
        self._read.add(name)
        return self._values.get(name, default)

    def has(self, name: str) -> bool:
        """Whether the key is there with another value than null, which counts as reading it where it is null."""
        if self._values.get(name) is not None:
            return True
        self._read.add(name)
        return False

    def names(self) -> tuple[str, ...]:
        """The keys, none of which counts as read by this."""
        return tuple(self._values)

    def pairs(self) -> Iterator[tuple[str, object]]:
        """Every key with its value, all of which count as read."""
        for name in self.names():
            yield name, self.get(name)

    def nested(self, name: str) -> "Fields":
        """The object under a key; an empty one where the key is not there or null.

        Raises:
            ValueError: there is something else.
        """
        if name not in self._nested:
            value = self.get(name)
            if not isinstance(value, Mapping | None):
                raise self.wrong(name, "an object", value)
            self._nested[name] = Fields(value or {}, f"{self._place}{name}.")
        return self._nested[name]

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number; the default, if there is one, where the key is not there.

        Raises:
            ValueError: the key is missing and has no default, or holds something else; so in the methods below.
        """
        return self._one(name, default, _is_whole, "a whole number")

    def size(self, name: str, default: int | None = None) -> int:
        """A whole number above zero."""
        return self._one(name, default, _is_size, "a positive whole number")

    def count(self, name: str, default: int | None = None) -> int:
        """How many layers or experts there are; each has tensors of its own, so there are not without end."""
        return self._one(name, default, _is_count, f"a whole number from 1 to {MOST}")

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        return float(self._one(name, default, _is_number, "a finite number"))

    def positive(self, name: str, default: float | None = None) -> float:
        """A finite number above zero."""
        return float(self._one(name, default, _is_positive, "a positive number"))

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false, and nothing that only looks like it."""
        return self._one(name, default, _is_flag, "true or false")

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        return self._one(name, default, _is_text, "a text")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one."""
        value = self[name]
        came = value if isinstance(value, list) else [value]
        texts = tuple(text for text in came if _is_text(text))
        if len(texts) != len(came):
            raise self.wrong(name, "a list of texts", value)
        return texts

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers, or one."""
        value = self[name]
        came = value if isinstance(value, list) else [value]
        numbers = tuple(number for number in came if _is_whole(number))
        if len(numbers) != len(came):
            raise self.wrong(name, "a whole number or a list of them", value)
        return numbers

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = self[name]
        numbers = tuple(number for number in value if _is_number(number)) if isinstance(value, list) else ()
        if not isinstance(value, list) or len(numbers) != len(value):
            raise self.wrong(name, "a list of finite numbers", value)
        return numbers

    def whole_or_none(self, name: str, default: int | None = None) -> int | None:
        """A whole number or null; the default, which may be None too, where the key is not there."""
        if name in self._values and not self.has(name):
            return None
        return default if name not in self._values else self.whole(name)

    def number_or_none(self, name: str, default: float | None = None) -> float | None:
        """A finite number or null; the default, which may be None too, where the key is not there."""
        if name in self._values and not self.has(name):
            return None
        return default if name not in self._values else self.number(name)

    def wrong(self, name: str, expected: str, value: object) -> ValueError:
        """The error of a key that holds something else than what was expected."""
        return wrong_field(f"{self._place}{name}", expected, value)

    def unread(self) -> Iterator[tuple[str, object]]:
        """The keys that nobody has read with their values; of a nested object that was opened, its own."""
        for name, value in self._values.items():
            if name in self._nested:
                yield from self._nested[name].unread()
            elif name not in self._read:
                yield f"{self._place}{name}", value

    def _one(
        self, name: str, default: Value | None, is_one: Callable[[object], TypeGuard[Value]], expected: str
    ) -> Value:
        if name not in self._values and default is not None:
            return default
        value = self[name]
        if not is_one(value):
            raise self.wrong(name, expected, value)
        return value


def refuse_unread(
    fields: Fields,
    *,
    without_effect: Callable[[str], bool],
    neutral: Mapping[str, object],
    what: str,
) -> dict[str, object]:
    """Refuses, by name, the first key that nobody read and that is not known to leave the numbers as they are.

    A key that holds null says nothing and is never refused.

    Args:
        fields: after everything that matters was read.
        without_effect: whether a key changes no number, whatever it holds.
        neutral: keys that change no number while they hold this value.
        what: was read, such as "a llama".

    Returns:
        The keys that nobody read, which change no number, with their values.

    Raises:
        ValueError: there is such a key.

    Examples:
        >>> known = {"without_effect": {"use_cache"}.__contains__, "neutral": {"use_glue": False}}
        >>> refuse_unread(Fields({"use_cache": True, "use_glue": False}), **known, what="a llama")
        {'use_cache': True, 'use_glue': False}
        >>> refuse_unread(Fields({"use_glue": True}), **known, what="a llama")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        ValueError: use_glue is true: what that means for the numbers of a llama is not known here; ...
    """
    unused = dict(fields.unread())
    for name, value in unused.items():
        if value is None or (_equal(value, neutral[name]) if name in neutral else without_effect(name)):
            continue
        instead = f", or set it to {shorten(neutral[name])}" if name in neutral else ""
        raise ValueError(
            f"{name:.{LONGEST_PATH}} is {shorten(value)}: what that means for the numbers of {what} is not known here; "
            f"remove the key if it means nothing{instead}"
        )
    return unused


def _equal(one: object, other: object) -> bool:
    # 1 == True, but a config that says 1 where a flag stands says something else
    return type(one) is type(other) and one == other


def _is_flag(value: object) -> TypeGuard[bool]:
    return isinstance(value, bool)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: object) -> TypeGuard[int]:
    return _is_whole(value) and value > 0


def _is_count(value: object) -> TypeGuard[int]:
    return _is_size(value) and value <= MOST


def _is_positive(value: object) -> TypeGuard[float]:
    return _is_number(value) and value > 0


def _is_number(value: object) -> TypeGuard[float]:
    # compared, not converted: a whole number may be larger than any float
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
