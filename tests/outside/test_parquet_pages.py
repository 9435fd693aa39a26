"""The metadata of Parquet: rows and pages as their writers declare them, and nothing believed that cannot be."""

import polars as pl
import pytest

from lrgd_jax.outside.parquet_pages import declared_by

TEXTS = [f"a text of some length, number {i}" for i in range(2000)]
TABLE = pl.DataFrame({"name": TEXTS, "n": range(2000), "yes": [i % 3 == 0 for i in range(2000)]})


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "brotli", "uncompressed"])
@pytest.mark.parametrize("rows", [7, 500, 5000])
def test_pages_unpack_to_what_they_hold_however_they_are_packed(tmp_path, compression, rows):
    file = tmp_path / "t.parquet"
    TABLE.write_parquet(file, compression=compression, row_group_size=rows, data_page_size=1000)
    declared = declared_by(file)
    assert declared.rows == len(TABLE)
    letters, eight = sum(map(len, TEXTS)), 8 * len(TABLE)
    assert letters + eight < declared.unpacked < 2 * (letters + eight)


def test_what_is_packed_tightly_is_declared_at_its_full_size(tmp_path):
    file = tmp_path / "t.parquet"
    pl.DataFrame({"t": ["x" * 1_000_000]}).write_parquet(file)
    assert file.stat().st_size < 10_000 < 1_000_000 < declared_by(file).unpacked


def test_changed_bytes_of_the_metadata_are_read_or_refused(tmp_path):
    file = tmp_path / "t.parquet"
    TABLE.head(3).write_parquet(file)
    whole = file.read_bytes()
    refusals = set()
    for place in range(0, len(whole), 5):
        for value in (0x8C, whole[place] ^ 1):
            file.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                declared_by(file)
            except ValueError as error:
                refusals.add(str(error).partition("(")[0])
    assert len(refusals) > 2


def test_columns_that_are_declared_to_share_their_pages_are_refused(tmp_path):
    file = tmp_path / "t.parquet"
    TABLE.head(2).write_parquet(file, compression="uncompressed")
    content = file.read_bytes()
    end = len(content) - 8
    start = end - int.from_bytes(content[end : end + 4], "little")
    file.write_bytes(content[:4] + content[start:])
    with pytest.raises(ValueError, match=r"declared to lie beyond|more bytes than there are"):
        declared_by(file)


def test_texts_that_are_encoded_by_prefixes_are_refused(tmp_path):
    """Ten thousand letters once, then a prefix of all of them in every row: rows times ten thousand in a small page."""
    file = tmp_path / "t.parquet"
    TABLE.head(2).select("n").write_parquet(file, compression="uncompressed")
    content = bytearray(file.read_bytes())
    # in the header of a page of two values, in zigzag: the encoding 8, by a dictionary, becomes 7
    place = content.index(b"\x2c\x15\x04\x15\x10") + 4
    content[place] = 0x0E
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"encodes texts by prefixes \(DELTA_BYTE_ARRAY\)"):
        declared_by(file)
