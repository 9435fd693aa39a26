"""Imports: three forms of Amazon's reviews, tables and lists give the data set that they hold, and a true report."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from interaction_files import DAY, events, lines, metadata, reviews

from lrgd_jax.outside.digests import digests_of, file_digest
from lrgd_jax.recommend.data.csv_files import read_csv
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.formats import amazon_reviews
from lrgd_jax.recommend.data.formats.amazon_reviews import read_reviews, read_titles
from lrgd_jax.recommend.data.formats.csv_interactions import Columns, read_interactions, read_title_table
from lrgd_jax.recommend.data.formats.ordered_lists import read_sequences
from lrgd_jax.recommend.data.imported_folder import load_imported, new_folder, read_report, save_dataset
from lrgd_jax.recommend.data.preparation import Rules, prepare_table
from lrgd_jax.recommend.data.titles import clean_title

AMAZON = Rules(duplicates="first", sort=True, ties=True)


@pytest.mark.parametrize("year", [2014, 2018, 2023])
@pytest.mark.parametrize("suffix", ["json", "jsonl.gz"])
def test_reviews_of_every_year_say_the_same(tmp_path, year, suffix):
    table = read_reviews(lines(tmp_path / f"reviews.{suffix}", reviews(year)))
    assert table.select("user", "item", "rating", "time").rows() == [
        (u, i, float(r), d * DAY) for u, i, r, d in events()[::-1]
    ]


def test_reviews_are_read_block_by_block(tmp_path, monkeypatch):
    file = lines(tmp_path / "reviews.json.gz", reviews(2018))
    whole = read_reviews(file)
    monkeypatch.setattr(amazon_reviews, "BLOCK", 100)
    assert read_reviews(file).equals(whole)


def test_titles_come_from_the_metadata(tmp_path):
    strict = read_titles(lines(tmp_path / "meta.json", metadata(2018)))
    assert strict == {"i0": "The first thing", "i2": "It's"}
    assert read_titles(lines(tmp_path / "meta2.jsonl.gz", metadata(2023))) == strict
    # the metadata of 2014 are Python's dictionaries
    (tmp_path / "meta3.json").write_text("".join(repr(x) + "\n" for x in metadata(2014)))
    assert read_titles(tmp_path / "meta3.json") == strict


def test_an_import_keeps_what_it_says_and_no_more(tmp_path):
    titles = read_titles(lines(tmp_path / "meta.json", metadata(2018)))
    result = prepare_table(read_reviews(lines(tmp_path / "reviews.json", reviews(2018))), titles, AMAZON)
    data, report = result.data, result.report
    assert set(data.users) == {"u0", "u1", "u2", "u3"}
    lists = {user: [data.catalogue.names[x] for x in data.sequences.of(k)] for k, user in enumerate(data.users)}
    assert lists == {
        "u0": ["i0", "i1", "i2"],
        "u1": ["i0", "i1", "i2", "i3"],
        "u2": ["i0", "i1", "i2"],
        "u3": ["i0", "i1", "i2", "i3"],
    }
    assert report["items_without_title"] == 2
    assert [step["step"] for step in report["dropped"]] == ["duplicates", "short"]
    assert report["dropped"][1]["users"] == 1
    lost = sum(step["interactions"] for step in report["dropped"])
    assert report["read"]["interactions"] - lost == report["kept"]["interactions"] == len(data.sequences.items)


@pytest.mark.parametrize(
    "rules",
    [AMAZON, Rules(duplicates="last", sort=True, ties=True, split="time", valid_from="0.5", test_from="1970-01-23")],
)
def test_what_was_saved_is_loaded(tmp_path, rules):
    table = read_reviews(lines(tmp_path / "reviews.json", reviews(2014)))
    result = prepare_table(table, {"i0": "one"}, rules)
    save_dataset(result, tmp_path / "data")
    split, wanted = load_split(tmp_path / "data"), result.cut.of(result.data)
    assert split.users == wanted.users
    assert split.catalogue == wanted.catalogue
    for ours, theirs in ((split.train, wanted.train), (split.test.histories, wanted.test.histories)):
        for name in ("starts", "items", "times"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    np.testing.assert_array_equal(split.test.targets, wanted.test.targets)
    np.testing.assert_array_equal(split.valid.seconds, wanted.valid.seconds)
    assert read_report(tmp_path / "data")["kept"] == result.report["kept"]
    if rules.split == "time":
        assert result.cut.test_from == 22 * DAY


def test_a_table_with_dates(tmp_path):
    rows = [
        "who,what,when,stars",
        *(f"{u},{i},1970-04-{1 + d // 4:02} {d % 4:02}:00:00,{r}" for u, i, r, d in events()),
    ]
    (tmp_path / "events.csv").write_text("\n".join(rows))
    table, unread = read_interactions(tmp_path / "events.csv", Columns("who", "what", "when", "stars"))
    assert unread == {}
    assert table["time"].to_list() == [(90 + d // 4) * DAY + d % 4 * 3600 for _, _, _, d in events()]
    assert table["rating"].to_list() == [r for _, _, r, _ in events()]


def test_lists_as_lines_and_as_a_table(tmp_path):
    (tmp_path / "lines.txt").write_text("u a b c\nv  b a\n")
    with gzip.open(tmp_path / "table.csv.gz", "wt") as stream:
        stream.write("user,items\nu,a b c\nv,b a\n")
    one, other = read_sequences(tmp_path / "lines.txt"), read_sequences(tmp_path / "table.csv.gz")
    assert one.rows() == other.rows() == [("u", "a"), ("u", "b"), ("u", "c"), ("v", "b"), ("v", "a")]
    result = prepare_table(one, None, Rules())
    assert result.data.users == ("u",)
    assert result.data.sequences.times is None


def test_titles_from_a_table(tmp_path):
    (tmp_path / "titles.csv").write_text('item,title\na,"one, two"\nb,\n')
    assert read_title_table(tmp_path / "titles.csv", item="item", title="title") == {"a": "one, two"}


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("Salt &amp; Pepper", "Salt & Pepper"),
        ("<span class='a'>Atlas</span> of <br/>Seas", "Atlas of Seas"),
        ("&lt;b&gt;Bold&lt;/b&gt;", "Bold"),
        ("<style>p {color: red}</style>Lamp<script>run()</script>", "Lamp"),
        ("<script>never ends", ""),
        ("var aPageStart = (new Date()).getTime();\nvar ue_t0=1", ""),
        ("3 < 4 and 5 > 2, I <3 it", "3 < 4 and 5 > 2, I <3 it"),
        (["Atlas", "", "of Seas"], "Atlas, of Seas"),
        ("a\udc80b", "ab"),
        (1984, "1984"),
        (None, ""),
        ({"en": "Atlas"}, ""),
    ],
)
def test_titles_are_without_the_page_that_they_come_from(tmp_path, value, title):
    expected = {"i": title} if title else {}
    assert read_titles(lines(tmp_path / "meta.json", [{"asin": "i", "title": value}])) == expected
    if isinstance(value, str) and value.isprintable():
        pl.DataFrame({"item": ["i"], "title": [value]}).write_csv(tmp_path / "titles.csv")
        assert read_title_table(tmp_path / "titles.csv", item="item", title="title") == expected


@pytest.mark.parametrize("wrong", [True, {"A": 1}, ["A"], 10**30, 2.5])
def test_what_is_no_id_is_refused(tmp_path, wrong):
    review = {"reviewerID": "A", "asin": "B", "overall": 5.0, "unixReviewTime": 1}
    for field in ("reviewerID", "asin"):
        file = lines(tmp_path / "reviews.json", [review, {**review, field: wrong}])
        with pytest.raises(ValueError, match=rf"reviews\.json, field {field}: expected an id as text"):
            read_reviews(file)
    with pytest.raises(ValueError, match=r"meta\.json, line 1: asin: expected an id as text"):
        read_titles(lines(tmp_path / "meta.json", [{"asin": wrong, "title": "Lamp"}]))


def test_fields_without_end_are_not_written_out(tmp_path):
    file = lines(tmp_path / "reviews.json", [{"n" * 4096: 1}])
    for read in (read_reviews, read_titles):
        with pytest.raises(ValueError, match="has no field") as refused:
            read(file)
        assert len(str(refused.value)) < 800
    (tmp_path / "events.csv").write_text("user," + "n" * 4096 + "\nu,a\n")
    with pytest.raises(ValueError, match="has no column 'item'") as refused:
        read_interactions(tmp_path / "events.csv")
    assert len(str(refused.value)) < 800


def test_a_byte_order_mark_begins_no_name(tmp_path):
    mark = b"\xef\xbb\xbf"
    (tmp_path / "events.csv").write_bytes(mark + b"user,item\nu,a\n")
    assert read_interactions(tmp_path / "events.csv")[0].rows() == [("u", "a")]
    (tmp_path / "lists.txt").write_bytes(mark + b"u a b\n")
    assert read_sequences(tmp_path / "lists.txt").rows() == [("u", "a"), ("u", "b")]
    for suffix in ("json", "json.gz"):
        plain = lines(tmp_path / f"plain.{suffix}", reviews(2018))
        whole = gzip.decompress(plain.read_bytes()) if suffix.endswith("gz") else plain.read_bytes()
        marked = tmp_path / f"marked.{suffix}"
        marked.write_bytes(gzip.compress(mark + whole) if suffix.endswith("gz") else mark + whole)
        assert read_reviews(marked).rows() == read_reviews(plain).rows()


def test_a_folder_is_there_as_a_whole_or_not_at_all(tmp_path):
    with pytest.raises(IsADirectoryError), new_folder(tmp_path / "data") as unfinished:  # noqa: PT012
        (unfinished / "half").write_text("x")
        unfinished.write_text("y")
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "data") as unfinished:
        (unfinished / "whole").write_text("x")
    assert [x.name for x in tmp_path.rglob("*")] == ["data", "whole"]
    with pytest.raises(FileExistsError, match="is there already"), new_folder(tmp_path / "data"):
        pass


@pytest.mark.parametrize("name", ["catalogue.parquet", "users.parquet", "interactions.parquet", "dataset.json"])
def test_a_damaged_cache_is_named(tmp_path, name):
    save_dataset(prepare_table(read_sequences_of(tmp_path), None, Rules()), tmp_path / "data")
    file = tmp_path / "data" / name
    file.write_bytes(file.read_bytes()[:50])
    for _ in range(2):
        with pytest.raises(ValueError, match=f"{name} is damaged"):
            load_split(tmp_path / "data")
        # damaged before it was written, its digest fits
        seal_anew(tmp_path / "data")
    (tmp_path / "data" / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        load_imported(tmp_path / "data")


def test_vectors_come_back_as_they_were_saved_and_objects_are_refused(tmp_path):
    """A pickled object could run code when somebody loads it."""
    result = prepare_table(read_sequences_of(tmp_path), None, Rules())

    def with_vectors(vectors):
        catalogue = replace(result.data.catalogue, vectors=vectors)
        return replace(result, data=replace(result.data, catalogue=catalogue))

    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    save_dataset(with_vectors(vectors), tmp_path / "data")
    found = load_imported(tmp_path / "data").catalogue.vectors
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, vectors)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        save_dataset(with_vectors(np.array([[object()]] * 4)), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_damaged_vectors_are_named(tmp_path):
    save_dataset(prepare_table(read_sequences_of(tmp_path), None, Rules()), tmp_path / "data")
    (tmp_path / "data" / "vectors.npy").write_bytes(b"\x93NUMPY no more")
    seal_anew(tmp_path / "data")
    with pytest.raises(ValueError, match=r"vectors\.npy is damaged"):
        load_split(tmp_path / "data")


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("interactions", {"user": [0, 9], "item": [0, 1]}, "user: expected whole numbers from 0 to 1, got 9"),
        ("interactions", {"user": [0, 1], "item": [0, -1]}, "item: expected whole numbers from 0 to 3, got -1"),
        ("interactions", {"user": [0, None], "item": [0, 1]}, "user: expected Int64, got gaps"),
        ("interactions", {"user": [0.0, 1.0], "item": [0, 1]}, "user: expected Int64, got Float64"),
        ("interactions", {"user": [0, 1], "item": [0, 1], "time": ["a", "b"]}, "time: expected Int64, got String"),
        ("users", {"name": [1, 2]}, "name: expected String, got Int64"),
        ("users", {"name": ["Ada", "Ada"]}, "it names 'Ada' twice"),
        ("catalogue", {"name": ["a", None, "c", "d"]}, "name: expected String, got gaps"),
        ("catalogue", {"name": list("abcd"), "title": [1, 2, 3, 4]}, "title: expected String, got Int64"),
        ("catalogue", {"name": list("abca")}, "the catalogue names 'a' twice"),
    ],
)
def test_tables_of_other_values_are_named(tmp_path, name, columns, message):
    save_dataset(prepare_table(read_sequences_of(tmp_path), None, Rules()), tmp_path / "data")
    pl.DataFrame(columns).write_parquet(tmp_path / "data" / f"{name}.parquet")
    seal_anew(tmp_path / "data")
    with pytest.raises(ValueError, match=rf"{name}\.parquet is damaged \({message}"):
        load_split(tmp_path / "data")


@pytest.mark.parametrize("vectors", [np.ones((3, 2)), np.ones(4), np.full((4, 2), np.nan), np.ones((4, 2), np.int64)])
def test_vectors_that_are_not_the_items_are_named(tmp_path, vectors):
    save_dataset(prepare_table(read_sequences_of(tmp_path), None, Rules()), tmp_path / "data")
    np.save(tmp_path / "data" / "vectors.npy", vectors)
    seal_anew(tmp_path / "data")
    with pytest.raises(ValueError, match=r"vectors\.npy is damaged \(vectors: expected"):
        load_split(tmp_path / "data")


def flip(file):
    """The least bit of the middle byte, as a disk may."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["catalogue.parquet", "users.parquet", "interactions.parquet", "vectors.npy"])
@pytest.mark.parametrize("change", [flip, Path.unlink, lambda file: file.write_bytes(file.read_bytes() + b"\0")])
def test_a_file_of_a_cache_that_is_not_the_one_that_was_written_is_refused(tmp_path, name, change):
    result = prepare_table(read_sequences_of(tmp_path), None, Rules())
    catalogue = replace(result.data.catalogue, vectors=np.ones((4, 2), np.float32))
    save_dataset(replace(result, data=replace(result.data, catalogue=catalogue)), tmp_path / "data")
    written = file_digest(tmp_path / "data" / name)
    change(tmp_path / "data" / name)
    with pytest.raises((ValueError, FileNotFoundError), match=rf"{name}.*; import the data again") as refused:
        load_split(tmp_path / "data")
    assert written in str(refused.value) or not (tmp_path / "data" / name).exists()


def test_a_file_without_a_digest_is_not_read(tmp_path):
    """Neither vectors that were put beside a cache, nor a cache of a version that kept no digests."""
    save_dataset(prepare_table(read_sequences_of(tmp_path), None, Rules()), tmp_path / "data")
    np.save(tmp_path / "data" / "vectors.npy", np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"vectors\.npy is damaged \(dataset\.json holds no digest of it\)"):
        load_split(tmp_path / "data")
    file = tmp_path / "data" / "dataset.json"
    content = json.loads(file.read_text())
    del content["digests"]
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"dataset\.json is damaged .*digests.*; import the data again"):
        load_split(tmp_path / "data")
    file.write_text(json.dumps(content | {"format": 1}))
    with pytest.raises(ValueError, match=r"dataset\.json is of format 1, not 2; import the data again"):
        load_split(tmp_path / "data")


def seal_anew(folder):
    """The digests of what lies there now."""
    file = folder / "dataset.json"
    if file.read_bytes().endswith(b"}\n"):
        files = (path for path in folder.iterdir() if path != file)
        file.write_text(json.dumps(json.loads(file.read_text()) | {"digests": digests_of(files)}))


def read_sequences_of(folder):
    (folder / "lists.txt").write_text("u a b c\nv b a c d\n")
    return read_sequences(folder / "lists.txt")


def test_half_of_a_surrogate_pair_is_no_id(tmp_path):
    file = tmp_path / "reviews.jsonl"
    row = {"user_id": "U\U0001f600", "parent_asin": "A", "asin": "A", "rating": 5.0, "timestamp": 1, "text": "\ud83d"}
    file.write_text(json.dumps(row) + "\n")
    assert read_reviews(file)["user"].to_list() == ["U\U0001f600"]
    file.write_text(json.dumps(row | {"user_id": "U\ud800"}) + "\n")
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        read_reviews(file)


def test_a_list_within_a_list_is_no_title():
    deep: list[object] = ["Atlas"]
    for _ in range(10_000):
        deep = [deep, "of Seas"]
    assert clean_title(deep) == "of Seas"


def test_a_column_twice_is_refused(tmp_path):
    (tmp_path / "table.csv").write_text("user,item,item\nAda,atlas,tent\n")
    with pytest.raises(ValueError, match="the column 'item' twice"):
        read_csv(tmp_path / "table.csv", ["user", "item"])
