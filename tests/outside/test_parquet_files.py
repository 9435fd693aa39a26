"""Parquet from outside: a table that declares too much, or is damaged, is refused in one sentence."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lrgd_jax.outside import archives
from lrgd_jax.outside.archives import UNBOUNDED
from lrgd_jax.outside.parquet_files import read_parquet

TABLE = pl.DataFrame({"name": ["a", None], "n": [1, 2], "x": [0.5, 1.5], "yes": [True, False]})


@pytest.mark.parametrize("name", ["a.parquet", "a*.parquet", "[ab].parquet", "day=3/a.parquet"])
def test_a_table_comes_back_whatever_its_name(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    TABLE.write_parquet(file)
    assert_frame_equal(read_parquet(file, what="table"), TABLE)


def test_rows_that_are_declared_are_bounded_unless_the_bound_is_lifted(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FLOOR", 1000)
    table = pl.DataFrame({"n": pl.zeros(1_000_000, pl.Int64, eager=True)})
    table.write_parquet(tmp_path / "n.parquet")
    with pytest.raises(ValueError, match=rf"n\.parquet cannot be read as a table: it unpacks to more .*{UNBOUNDED}=1"):
        read_parquet(tmp_path / "n.parquet", what="table")
    monkeypatch.setenv(UNBOUNDED, "1")
    assert len(read_parquet(tmp_path / "n.parquet", what="table")) == len(table)


def test_texts_are_bounded_before_they_are_unpacked_and_unless_the_bound_is_lifted(tmp_path, monkeypatch):
    """One long text packed tightly, and a dictionary that repeats a shorter one in every row."""
    monkeypatch.setattr(archives, "FLOOR", 1000)
    long, often = pl.Series("t", ["x" * 1_000_000]), pl.Series("t", ["x" * 10_000]).gather([0] * 20)
    for table, decoded in ((long, False), (often, True)):
        table.to_frame().write_parquet(tmp_path / "t.parquet")
        with monkeypatch.context() as patched:
            if not decoded:
                patched.setattr(pl, "scan_parquet", lambda *_, **__: pytest.fail("it was decoded"))
            with pytest.raises(ValueError, match=rf"t\.parquet .*: it unpacks to more .*{UNBOUNDED}=1"):
                read_parquet(tmp_path / "t.parquet", what="table")
        with monkeypatch.context() as patched:
            patched.setenv(UNBOUNDED, "1")
            assert read_parquet(tmp_path / "t.parquet", what="table")["t"].equals(table)


def test_columns_of_other_kinds_are_refused(tmp_path):
    categories = pl.Series(["a", "b"], dtype=pl.Categorical)
    for column in ([[1], [2, 3]], [{"a": 1}, {"a": 2}], [b"a", b"b"], categories):
        pl.DataFrame({"column": column}).write_parquet(tmp_path / "n.parquet")
        with pytest.raises(ValueError, match="column 'column': expected numbers, texts"):
            read_parquet(tmp_path / "n.parquet", what="table")


def test_a_part_of_a_file_or_another_is_one_sentence(tmp_path):
    TABLE.write_parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    for content in (b"", b"PAR1", b"PAR1PAR1", b"no table at all", *(whole[:k] for k in range(0, len(whole), 7))):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.parquet cannot be read as a table: .") as refused:
            read_parquet(tmp_path / "a.parquet", what="table")
        assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(FileNotFoundError, match="there is no table"):
        read_parquet(tmp_path / "b.parquet", what="table")


def test_a_panic_of_the_library_is_one_sentence(tmp_path, monkeypatch):
    TABLE.write_parquet(tmp_path / "a.parquet")

    def panic(*_, **__):
        raise pl.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr(pl, "scan_parquet", panic)
    with pytest.raises(ValueError, match="cannot be read as a table: index out of bounds"):
        read_parquet(tmp_path / "a.parquet", what="table")
