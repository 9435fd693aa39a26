"""Changes of JSON that stay JSON, or nearly: values of other types and sizes, keys gone, twice or elsewhere."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from benchmarks.fuzzing.byte_mutations import Mutation, mutate_bytes

STRANGE: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 0.5, 2.5, -0.0, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 2**64, 10**30,
    "", "text", "1", "0.5", "true", "null", "é\u2028", "\x1b[2J", [], {}, [1], [None], {"a": 1}, [[1]],
)  # fmt: skip
RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "01",
    "+1",
    "1.",
    "'a'",
    "0x10",
    '"\\ud800"',
    '"\\u0000"',
    "1" * 5000,
)
"""Texts in place of a value that JSON does not allow, or that no number holds."""
DEEP = (50, 99, 101, 500, 20_000)
MARK = "b3f1c7-value"

Path = tuple[str | int, ...]


def mutate_json(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A change of the value, of its text, or of its bytes."""
    kind = random.random()
    if kind < 0.2:
        return mutate_bytes(random, content, others)
    value = json.loads(content)
    for _ in range(random.choice((1, 1, 1, 2))):
        value = mutate_value(random, value, [json.loads(other) for other in others])
    if kind < 0.35:
        return _with_raw(random, value)
    if kind < 0.4:
        return _with_twin(random, value)
    return json.dumps(value, ensure_ascii=random.random() < 0.5, indent=random.choice((None, None, 1))).encode(
        "utf-8", "surrogatepass"
    )


def mutate_lines(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Of a file with a value a line: one line is changed, or the lines as bytes."""
    lines = content.split(b"\n")
    full = [k for k, line in enumerate(lines) if line.strip()]
    if random.random() < 0.3 or not full:
        return mutate_bytes(random, content, others)
    at = random.choice(full)
    lines[at] = mutate_json(random, lines[at], [lines[k] for k in full]).replace(b"\n", b" ")
    return b"\n".join(lines)


def mutate_value(random: Random, value: Any, others: Sequence[Any]) -> Any:
    """One change somewhere in a value."""
    value = copy.deepcopy(value)
    paths = list(_paths(value))
    path = random.choice(paths)
    return random.choice(CHANGES)(random, value, path, others)


def wrap(
    inner: Mutation, unpack: Callable[[bytes], bytes], pack: Callable[[bytes], bytes], share: float = 0.7
) -> Mutation:
    """A mutation of what a container holds, packed again; else one of the container's own bytes."""

    def mutate(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
        if random.random() < share:
            return pack(inner(random, unpack(content), [unpack(other) for other in others]))
        return mutate_bytes(random, content, others)

    return mutate


def _replace(random: Random, value: Any, path: Path, others: Sequence[Any]) -> Any:
    del others
    return _put(value, path, copy.deepcopy(random.choice(STRANGE)))


def _alter(random: Random, value: Any, path: Path, others: Sequence[Any]) -> Any:
    """Nearly what it was: a number a little larger, a text as a number, a list one shorter."""
    del others
    old = _get(value, path)
    return _put(value, path, random.choice(_neighbours(old)))


def _neighbours(old: Any) -> list[Any]:
    if isinstance(old, bool):
        return [not old, int(old), str(old).lower()]
    if isinstance(old, int | float):
        return [old + 1, old - 1, -old, old * 2, old / 2, float(old), str(old), [old], old * 10**12, bool(old)]
    if isinstance(old, str):
        return [old + "x", old[:-1], old.upper(), old * 50, [old], {old: old}, old + "\0", f" {old}"]
    if isinstance(old, list):
        return [old[:-1], old * 2, old[::-1], [*old, None], [old], old[0] if old else None]
    if isinstance(old, dict):
        return [list(old.items()), list(old), {key.upper(): x for key, x in old.items()}, dict(reversed(old.items()))]
    return [0, "", [], {}, False]


def _drop(random: Random, value: Any, path: Path, others: Sequence[Any]) -> Any:
    del random, others
    if not path:
        return {}
    del _get(value, path[:-1])[path[-1]]
    return value


def _rename(random: Random, value: Any, path: Path, others: Sequence[Any]) -> Any:
    del others
    holder = _get(value, path[:-1]) if path else value
    if not path or not isinstance(path[-1], str):
        return _put(value, path, None)
    names = (path[-1] + "_", path[-1][:-1], path[-1].title(), "", random.choice(list(holder)))
    held = holder.pop(path[-1])
    holder[random.choice(names)] = held
    return value


def _move(random: Random, value: Any, path: Path, others: Sequence[Any]) -> Any:
    """A value of another place, of this file or of another one."""
    source = random.choice((value, *others))
    return _put(value, path, copy.deepcopy(_get(source, random.choice(list(_paths(source))))))


def _bury(random: Random, value: Any, path: Path, others: Sequence[Any]) -> Any:
    del others
    inner: Any = _get(value, path)
    for _ in range(random.choice(DEEP[:3])):
        inner = [inner] if random.random() < 0.5 else {"a": inner}
    return _put(value, path, inner)


CHANGES = (_replace, _replace, _alter, _alter, _alter, _drop, _rename, _move, _move, _bury)


def _with_raw(random: Random, value: Any) -> bytes:
    """A text in a place that JSON has no value for, or a nesting that no writer of JSON goes through."""
    path = random.choice(list(_paths(value)))
    text = json.dumps(_put(copy.deepcopy(value), path, MARK))
    depth = random.choice(DEEP)
    raw = random.choice((*RAW, "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth))
    return text.replace(f'"{MARK}"', raw, 1).encode()


def _with_twin(random: Random, value: Any) -> bytes:
    """A key that is there twice with two values."""
    objects = [path for path in _paths(value) if isinstance(_get(value, path), dict) and _get(value, path)]
    if not objects:
        return json.dumps(value).encode()
    path = random.choice(objects)
    key = random.choice(list(_get(value, path)))
    held = {**_get(value, path), MARK: copy.deepcopy(random.choice(STRANGE))}
    return json.dumps(_put(copy.deepcopy(value), path, held)).replace(f'"{MARK}"', json.dumps(key), 1).encode()


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _paths(one, (*path, key))


def _get(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _put(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    _get(value, path[:-1])[path[-1]] = new
    return value
