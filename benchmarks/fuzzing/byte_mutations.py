"""Changes of bytes that know nothing of the format: flips, cuts, repeats, insertions, lengths, pieces of others."""

from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[Random, bytes, Sequence[bytes]], bytes]
"""A changed file, from a valid one and from others of the same kind."""

LENGTHS = (
    0,
    1,
    2,
    7,
    8,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
WORDS = (
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b'"',
    b",",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"nan",
    b"-1",
    b"{",
    b"[",
    b"]",
    b"\xed\xa0\x80",
)
LONGEST_REPEAT = 4096


def mutate_bytes(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """One to three changes, most often one."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        content = random.choice(CHANGES)(random, content, others)
    return content


def _flip(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    del others
    at = _place(random, content)
    return content[:at] + bytes(byte ^ (1 << random.randrange(8)) for byte in content[at : at + 1]) + content[at + 1 :]


def _overwrite(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    del others
    at = _place(random, content)
    return content[:at] + random.randbytes(1) + content[at + 1 :]


def _write_length(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A whole number where one may stand: of 1 to 8 bytes, on the border of what fits."""
    del others
    size, at = random.choice((1, 2, 4, 8, 8)), _place(random, content)
    number = random.choice((*LENGTHS, len(content), random.randrange(2 * len(content) + 2)))
    return content[:at] + (number % 256**size).to_bytes(size, random.choice(("little", "big"))) + content[at + size :]


def _cut(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    del others
    return content[: _place(random, content)]


def _remove(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    del others
    first, last = _piece(random, content)
    return content[:first] + content[last:]


def _repeat(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    del others
    first, last = _piece(random, content)
    times = random.choice((1, 1, 2, 16, LONGEST_REPEAT // max(1, last - first)))
    return content[:last] + content[first:last] * times + content[last:]


def _insert(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    del others
    at = _place(random, content)
    return content[:at] + random.choice((*WORDS, random.randbytes(random.randrange(1, 9)))) + content[at:]


def _exchange(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Two neighbouring pieces change places."""
    del others
    first, middle, last = sorted(_place(random, content) for _ in range(3))
    return content[:first] + content[middle:last] + content[first:middle] + content[last:]


def _graft(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A piece of another file in place of one of the same size."""
    other = random.choice(others) if others else content
    first, last = _piece(random, other)
    at = _place(random, content)
    return content[:at] + other[first:last] + content[at + last - first :]


def _add(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    del others
    return content + random.choice((b"\0", b"\n", b"}", random.randbytes(8), content))


CHANGES: tuple[Mutation, ...] = (
    _flip, _flip, _overwrite, _write_length, _write_length, _cut, _remove, _repeat, _insert, _exchange, _graft, _add,
)  # fmt: skip


def _place(random: Random, content: bytes) -> int:
    """Anywhere; as often near the beginning or the end, where headers and footers lie, as anywhere else."""
    size = len(content)
    near = min(size, 64)
    return random.choice(
        (random.randint(0, size), random.randint(0, size), random.randint(0, near), size - random.randint(0, near))
    )


def _piece(random: Random, content: bytes) -> tuple[int, int]:
    first = _place(random, content)
    return first, min(len(content), first + random.choice((1, 2, 4, 8, 32, 256)))
