"""Changes of NumPy's files: of an array's header, entries or type, and of the archive around it."""

import io
import struct
import zipfile
from collections.abc import Sequence
from random import Random

import numpy as np

from benchmarks.fuzzing.byte_mutations import mutate_bytes

WORDS = (
    b"True",
    b"(",
    b")",
    b",",
    b"<i8",
    b"<f8",
    b">f4",
    b"|O",
    b"<U9999999",
    b"9999999999999",
    b"-1",
    b"'descr'",
    b"(2,2)",
    b"[" * 200,
)


def mutate_npy(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A change of the bytes, of the header's words, or of one entry."""
    kind = random.random()
    if kind < 0.5:
        return mutate_bytes(random, content, others)
    (size,) = struct.unpack_from("<H", content, 8)
    header, body = content[10 : 10 + size], content[10 + size :]
    if kind < 0.8:
        at = random.randrange(len(header.rstrip()) + 1)
        header = header[:at] + random.choice(WORDS) + header[at + random.choice((0, 1, 3, 5)) :]
        return content[:8] + struct.pack("<H", len(header) % 2**16) + header + body
    array = np.load(io.BytesIO(content), allow_pickle=False)
    changed = io.BytesIO()
    np.save(changed, random.choice(CHANGES)(random, array), allow_pickle=False)
    return changed.getvalue()


def mutate_npz(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A change of the bytes, or of one of the arrays, in an archive that is whole."""
    if random.random() < 0.3:
        return mutate_bytes(random, content, others)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(members))
    change = random.randrange(8)
    if change == 0:
        del members[name]
    elif change == 1:
        members[random.choice(("x.npy", "x.txt", "vectors.npy", name.upper()))] = members.pop(name)
    elif change == 2:
        members[name] = random.choice(list(members.values()))
    else:
        members[name] = mutate_npy(random, members[name], list(members.values()))
    packed = io.BytesIO()
    with zipfile.ZipFile(
        packed, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    ) as archive:
        for member, held in members.items():
            archive.writestr(member, held)
    return packed.getvalue()


def _retype(random: Random, array: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return (
            array.astype(random.choice(("i1", "u8", "f4", "f8", "f2", "?", "U3", "S2", "c16", ">i4")))
            if array.dtype.kind != "U"
            else array.astype("S")
        )


def _put(random: Random, array: np.ndarray) -> np.ndarray:
    changed = array.copy()
    if changed.size:
        at = random.randrange(changed.size)
        choices = (np.nan, np.inf, 0, 1e30) if array.dtype.kind == "f" else (0, 1, 100)
        with np.errstate(over="ignore"):
            changed.reshape(-1)[at] = random.choice(choices)
    return changed


def _reshape(random: Random, array: np.ndarray) -> np.ndarray:
    return random.choice(
        (array[None], array.reshape(-1), array[..., None], array[:0] if array.ndim else array, array.T)
    )


def _resize(random: Random, array: np.ndarray) -> np.ndarray:
    flat = np.atleast_1d(array)
    return random.choice((flat[:-1], np.concatenate([flat, flat]), flat[::-1]))


CHANGES = (_retype, _put, _put, _reshape, _resize)
