"""Compressed files: what they unpack to is bounded, and no header is believed."""

import gzip
import io
import zipfile

import numpy as np
import pytest

from lrgd_jax.outside import archives
from lrgd_jax.outside.archives import UNBOUNDED, open_gzip, read_npy, read_npz

ARRAYS = {
    "numbers": np.arange(6, dtype=np.float32).reshape(2, 3),
    "turned": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "names": np.array(["a", "bcd"]),
    "none": np.zeros((0, 3), np.int64),
    "one": np.array(2.5),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_numpy_reads_them(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    read = read_npz(tmp_path / "a.npz", what="table")
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array, strict=True)
    np.save(tmp_path / "a.npy", ARRAYS["turned"])
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy", what="vectors"), ARRAYS["turned"], strict=True)


def header(shape, dtype="<f8"):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"shape": shape, "fortran_order": False, "descr": dtype})
    return content.getvalue()


def packed(file, content, name="a.npy"):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header((1 << 40,)), "its header declares 1099511627776 entries of float64, and 0 bytes follow"),
        (header((1 << 40, 1 << 40)), "its header declares"),
        (header((2,)) + b"\0" * 15, "declares 2 entries of float64, and 15 bytes follow"),
        (header((2,)) + b"\0" * 17, "declares 2 entries of float64, and 17 bytes follow"),
        (header((2,), "|O") + b"\0" * 16, "Python objects"),
        (header((2,))[:20], "cannot be read"),
        (b"no array", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_header_is_not_believed(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as refused:
        read_npz(packed(tmp_path / "a.npz", content), what="table")
    assert f"{tmp_path / 'a.npz'} cannot be read as a table" in str(refused.value)
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_npy(tmp_path / "a.npy", what="vectors")


def test_an_archive_of_other_things_or_none(tmp_path):
    with pytest.raises(ValueError, match=r"'a\.txt', which is no array"):
        read_npz(packed(tmp_path / "a.npz", b"text", "a.txt"), what="table")
    whole = (tmp_path / "a.npz").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cannot be read as a table"):
            read_npz(tmp_path / "a.npz", what="table")
    with pytest.raises(FileNotFoundError, match="there is no table"):
        read_npz(tmp_path / "b.npz", what="table")


def test_what_unpacks_to_too_much_is_refused_unless_the_bound_is_lifted(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FLOOR", 1000)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(100_000))
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(500_000)))
    with pytest.raises(ValueError, match=f"unpacks to more than .*{UNBOUNDED}=1"):
        read_npz(tmp_path / "a.npz", what="table")
    with pytest.raises(ValueError, match=f"unpacks to more than .*{UNBOUNDED}=1"), open_gzip(tmp_path / "a.gz") as text:
        text.read()
    monkeypatch.setenv(UNBOUNDED, "1")
    assert read_npz(tmp_path / "a.npz", what="table")["a"].shape == (100_000,)
    with open_gzip(tmp_path / "a.gz") as text:
        assert text.read() == bytes(500_000)


def test_a_damaged_gzip_file_is_named(tmp_path):
    whole = gzip.compress(np.random.default_rng(0).bytes(2000))
    for length in (0, 5, len(whole) // 2, len(whole) - 1):
        (tmp_path / "a.gz").write_bytes(whole[:length])
        if length:
            with pytest.raises(ValueError, match=r"a\.gz is a damaged gzip file"), open_gzip(tmp_path / "a.gz") as text:
                text.read()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    (tmp_path / "a.gz").write_bytes(bytes(damaged))
    with pytest.raises(ValueError, match=r"a\.gz is a damaged gzip file"), open_gzip(tmp_path / "a.gz") as text:
        text.read()
