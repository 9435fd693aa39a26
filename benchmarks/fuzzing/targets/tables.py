"""Tables that people bring: CSV and gzip of interactions, lists of items, reviews, a published folder with vectors."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl

from benchmarks.fuzzing.byte_mutations import mutate_bytes
from benchmarks.fuzzing.json_mutations import mutate_lines, wrap
from benchmarks.fuzzing.target import Target
from benchmarks.fuzzing.targets.archives import mutate_npz
from lrgd_jax.recommend.data.folder_layouts import load_split
from lrgd_jax.recommend.data.formats.amazon_reviews import read_reviews, read_titles
from lrgd_jax.recommend.data.formats.csv_interactions import Columns, read_interactions
from lrgd_jax.recommend.data.formats.ordered_lists import read_sequences

INTERACTIONS = (
    b'user,item,rating,time\nAda,atlas,5,10\nAda,"lamp, small",4.5,20\nBo,tent,3,2018-01-31\n',
    b"user,item,rating,time\r\nAda,atlas,5,1500000000\r\nBo,tent,,1500000001\r\n",
)
SEQUENCES = (b"Ada atlas lamp tent\nBo tent atlas\n", b"user,items\nAda,atlas lamp tent\nBo,tent atlas lamp\n")
REVIEWS = (
    b'{"reviewerID": "A", "asin": "B1", "overall": 5.0, "unixReviewTime": 1400000000}\n'
    b'{"reviewerID": "A", "asin": "B2", "overall": 3.0, "unixReviewTime": 1400000100, "summary": "fine"}\n',
    b'{"user_id": "A", "parent_asin": "B1", "asin": "B0", "rating": 5.0, "timestamp": 1400000000123}\n',
)
TITLES = (
    b'{"asin": "B1", "title": "Lamp &amp; shade"}\n{"asin": "B2", "title": null}\n',
    b"{'asin': 'B1', 'title': 'Lamp'}\n",
)
FIELDS = (
    b"",
    b'"',
    b'""',
    b",",
    b",,",
    b"Ada",
    b"nan",
    b"1e400",
    b"-1",
    b"99999999999999999999",
    b"2018-13-41",
    b"\xff",
    b"\0",
    b" ",
    b"\xc2\xa0",
    b"a\nb",
)


def mutate_table(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A change of the bytes, or a field, a row or a column that is another."""
    if random.random() < 0.5:
        return mutate_bytes(random, content, others)
    rows = [line.split(b",") for line in content.split(b"\n")]
    at = random.randrange(len(rows))
    column = random.randrange(len(rows[at]))
    change = random.randrange(5)
    if change == 0:
        rows[at][column] = random.choice(FIELDS)
    elif change == 1:
        rows[at].insert(column, random.choice(FIELDS))
    elif change == 2:
        del rows[at][column]
    elif change == 3:
        rows[at], rows[0] = rows[0], rows[at]
    else:
        rows.insert(at, random.choice(rows))
    return b"\n".join(b",".join(row) for row in rows)


def _pack(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


zipped_table = wrap(mutate_table, gzip.decompress, _pack)
zipped_lines = wrap(mutate_lines, gzip.decompress, _pack)


def _plain_rows(content: bytes) -> list[dict[str, str]] | None:
    """The rows as Python reads them; None where quotes or odd ends of lines leave open what a row is."""
    text = content.decode("utf-8-sig", "replace")
    if text.replace('"lamp, small"', "").count('"') or "\0" in text or "\r" in text.replace("\r\n", ""):
        return None
    rows = [*csv.DictReader(io.StringIO(text, newline=""), strict=True)]
    return None if any(None in row or None in row.values() for row in rows) else rows


def _interactions_fault(folder: Path, table: pl.DataFrame) -> str | None:
    rows = _plain_rows(gzip.decompress((folder / "table.csv.gz").read_bytes()))
    if rows is None:
        return None
    # a row of nothing is an interaction of nobody, which preparation drops and counts
    rows = [row for row in rows if any(row.values())]
    table = table.filter(pl.any_horizontal(pl.all().is_not_null()))
    for name in ("user", "item"):
        if [text or "" for text in table[name]] != [row[name] for row in rows]:
            return f"the column {name} is not the file's"
    ratings = [float(row["rating"]) if row["rating"] else None for row in rows]
    if str([*table["rating"]]) != str(ratings):
        return f"ratings {[*table['rating']]} for {ratings}"
    whole = [(row["time"], time) for row, time in zip(rows, table["time"], strict=True) if row["time"].isdigit()]
    return next((f"the time {text} is {time}" for text, time in whole if int(text) != time), None)


def _sequences_fault(folder: Path, table: pl.DataFrame) -> str | None:
    content = (folder / "lists.txt").read_bytes()
    if b'"' in content or b"," in content or content.startswith(b"\xef\xbb\xbf"):
        return None
    lines = [line.split() for line in content.decode().splitlines() if line.strip()]
    plain = [(user, item) for user, *items in lines for item in items or [None]]
    return None if [*table.iter_rows()] == plain else f"{[*table.iter_rows()]!r:.200} for {plain!r:.200}"


def _reviews_fault(folder: Path, table: pl.DataFrame) -> str | None:
    text = gzip.decompress((folder / "reviews.json.gz").read_bytes()).decode("utf-8-sig")
    try:
        lines = [json.loads(line, object_pairs_hook=_once) for line in text.split("\n") if line.strip()]
    except KeyError:
        # a name that is there twice may mean either
        return None
    if len(lines) != len(table):
        return f"{len(table)} reviews of {len(lines)} lines"
    for line, row in zip(lines, table.iter_rows(named=True), strict=True):
        old = "user_id" not in lines[0]
        time = line.get("unixReviewTime" if old else "timestamp")
        said = {
            "user": line.get("reviewerID" if old else "user_id"),
            "rating": line.get("overall" if old else "rating"),
        }
        divided = time // 1000 if isinstance(time, int) and not old else time
        for name, value in (*said.items(), ("time", divided)):
            # what is no whole number of seconds is left out later
            if row[name] is not None and not {str(row[name]), row[name]} & _readings(value):
                return f"{name} is {row[name]!r}, in the file {value!r:.100}"
    return None


def _readings(value: Any) -> set[Any]:
    """A value of JSON as text and as number: numbers may be texts, texts numbers, and 5 and 5.0 are one number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return set()
    whole = {str(int(value))} if isinstance(value, float) and value.is_integer() else set()
    return {str(value), value, *whole, *({float(value)} if isinstance(value, int) else ())}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise KeyError("a name is there twice")
    return dict(pairs)


def _titles_fault(folder: Path, titles: dict[str, str]) -> str | None:
    text = (folder / "titles.json").read_text(encoding="utf-8-sig")
    strange = [item for item in titles if item not in text and item.isascii() and item.isalnum()]
    return f"items {strange} are not in the file" if strange else None


def _published_seeds() -> list[dict[str, bytes]]:
    vectors = io.BytesIO()
    np.savez(vectors, item=np.array([1, 3]), emb=np.array([[1, 2], [3, 4]], np.float16))
    items = _pack(b'item,title\n1,Atlas\n2,"Lamp, small"\n3,\n4,Tent\n')
    common = {"items.csv.gz": items, "title_minilm_pca64.npz": vectors.getvalue()}
    examples = (
        b"split,user,item,rating,timestamp,history_items,history_ratings,history_timestamps\n"
        b"valid,u,3,1,20,1 2,5 4,10 20\ntest,v,4,5,40,4 1,3 5,5 30\n"
    )
    past = b"user,item,rating,timestamp\nu,1,5,10\nu,2,4,20\nu,3,1,20\nv,4,3,5\nv,1,5,30\nv,4,5,40\n"
    return [
        {**common, "sequences_full.csv.gz": _pack(b"user,items\nu,1 2 3 4\nv,4 2 1\n")},
        {**common, "interactions.csv.gz": _pack(past), "examples.csv.gz": _pack(examples)},
    ]


def _published_fault(folder: Path, split: Any) -> str | None:
    rows = _plain_rows(gzip.decompress((folder / "items.csv.gz").read_bytes()).replace(b'"Lamp, small"', b"x"))
    if rows is not None and [*split.catalogue.names] != [row["item"] for row in rows]:
        return "the items are not the file's"
    with np.load(folder / "title_minilm_pca64.npz", allow_pickle=False) as stored:
        for item, row in zip(stored["item"].reshape(-1).tolist(), stored["emb"], strict=True):
            if str(item) in split.catalogue.names:
                own = split.catalogue.vectors[split.catalogue.names.index(str(item))]
                if not np.array_equal(own, row.astype(np.float32)):
                    return f"the vector of {item} is not the file's"
    return None


TABLES = ("items.csv.gz", "sequences_full.csv.gz", "interactions.csv.gz", "examples.csv.gz")

TARGETS = (
    Target(
        "CSV interactions",
        lambda: [{"table.csv.gz": _pack(text)} for text in INTERACTIONS],
        {"table.csv.gz": zipped_table},
        lambda folder: read_interactions(folder / "table.csv.gz", Columns(time="time", rating="rating"))[0],
        _interactions_fault,
    ),
    Target(
        "lists of items",
        lambda: [{"lists.txt": text} for text in SEQUENCES],
        {"lists.txt": mutate_table},
        lambda folder: read_sequences(folder / "lists.txt"),
        _sequences_fault,
    ),
    Target(
        "reviews",
        lambda: [{"reviews.json.gz": _pack(text)} for text in REVIEWS],
        {"reviews.json.gz": zipped_lines},
        lambda folder: read_reviews(folder / "reviews.json.gz"),
        _reviews_fault,
    ),
    Target(
        "titles",
        lambda: [{"titles.json": text} for text in TITLES[:1]],
        {"titles.json": mutate_lines},
        lambda folder: read_titles(folder / "titles.json"),
        _titles_fault,
    ),
    Target("published folders", _published_seeds,
           {**dict.fromkeys(TABLES, zipped_table), "title_minilm_pca64.npz": mutate_npz},
           load_split, _published_fault),
)  # fmt: skip
