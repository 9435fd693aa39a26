#!/usr/bin/env bash
# beartype refuses a function that is annotated with a NamedTuple that is generic; a generic frozen dataclass it takes.
#
# `class Pair(NamedTuple, Generic[T])` is valid since Python 3.11, and a function may return `Pair[int]`.
# Guess: it is checked as the tuple that it is, or not at all.
# Why it matters: results that callers unpack are NamedTuples, shapes are checked by jaxtyping with beartype, and a record that holds any kind of
# layer or state wants to be generic; so such a record is a dataclass here.
# Seen, beartype 0.23.1: NamedTuple: BeartypeDecorHintPepUnsupportedException; dataclass: fine
source "$(dirname "$0")/lib/environment.sh"
environment 3.12 "beartype==0.23.1"
seen="$(python - <<'PY'
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from beartype import beartype

T = TypeVar("T")


class Pair(NamedTuple, Generic[T]):
    first: T
    second: T


@dataclass(frozen=True)
class Record(Generic[T]):
    first: T
    second: T


def attempt(kind):
    def make(x: int) -> kind[int]:
        return kind(x, x)

    try:
        beartype(make)(1)
    except Exception as error:
        return type(error).__name__
    return "fine"


print(f"NamedTuple: {attempt(Pair)}; dataclass: {attempt(Record)}")
PY
)"
expect "NamedTuple: BeartypeDecorHintPepUnsupportedException; dataclass: fine" "$seen"
