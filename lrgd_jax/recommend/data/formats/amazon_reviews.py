"""Amazon reviews as they are published: one JSON object a line, in the fields of 2014, 2018 or 2023.

Sources: He and McAuley 2016 (2014), Ni et al. 2019 (2018), Hou et al. 2024 (2023).
"""

import ast
import codecs
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from lrgd_jax.outside.archives import open_gzip
from lrgd_jax.outside.convert import cut_text, wrong_field
from lrgd_jax.recommend.data.csv_files import require_file
from lrgd_jax.recommend.data.titles import clean_title

__all__ = ["read_reviews", "read_titles"]

BLOCK = 1 << 26
"""Bytes at once, before the last line is completed."""
OLD = {"reviewerID": pl.String, "asin": pl.String, "overall": pl.Float64, "unixReviewTime": pl.Int64}
NEW = {"user_id": pl.String, "parent_asin": pl.String, "asin": pl.String, "rating": pl.Float64, "timestamp": pl.Int64}
MILLISECONDS = 1000
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON writes a character by two numbers, of which one alone is none."""

NO_ID = r"^(?:[\[{]|true$|false$|-?\d{16}|-?\d+\.)"
"""What polars makes a text of: lists, objects, truth values, and numbers beyond those that JSON's readers keep whole.
Ids of Amazon are letters and digits."""


def read_reviews(file: Path) -> pl.DataFrame:
    """user, item, rating and time (seconds) of each review, in the order of the file; block by block.

    In the data of 2023 the item is `parent_asin`, which the metadata go by, or `asin` where there is none.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, no JSON lines, or has other fields.
    """
    first = _read_first_object(file)
    recent = "user_id" in first
    schema = NEW if recent else OLD
    needed = ["user_id", "timestamp"] if recent else list(OLD)
    missing = [name for name in needed if name not in first]
    if missing or (recent and not {"parent_asin", "asin"} & first.keys()):
        raise ValueError(
            f"{file} has no field {', '.join(missing) or 'parent_asin'}; expected the reviews of Amazon 2014 or 2018 "
            f"({', '.join(OLD)}) or 2023 ({', '.join(NEW)}), found {cut_text(', '.join(first))}"
        )
    tables = [_parse_block(file, block, schema) for block in _read_blocks(file)]
    table = pl.concat(tables)
    if not recent:
        return table.select(user="reviewerID", item="asin", rating="overall", time="unixReviewTime")
    item = pl.coalesce("parent_asin", "asin")
    return table.select(user="user_id", item=item, rating="rating", time=pl.col("timestamp") // MILLISECONDS)


def read_titles(file: Path) -> dict[str, str]:
    """The title of each item of a metadata file, where it has one.

    The metadata of 2014 are Python dictionaries and no JSON; they are read as literals, never run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or has other fields.
    """
    first = _read_first_object(file)
    key = "parent_asin" if "parent_asin" in first else "asin"
    if key not in first:
        came = cut_text(", ".join(first))
        raise ValueError(f"{file} has no field asin or parent_asin; expected Amazon metadata, found {came}")
    titles = {}
    for number, line in enumerate(_read_lines(file), start=1):
        if line.strip():
            entry = _parse_object(file, number, line)
            if entry.get(key) is not None and not isinstance(entry[key], str):
                raise wrong_field(f"{file}, line {number}: {key}", "an id as text", entry[key])
            if entry.get(key) and (title := clean_title(entry.get("title"))):
                titles[entry[key]] = title
    return titles


def _parse_block(file: Path, block: bytes, schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    try:
        table = pl.read_ndjson(io.BytesIO(block), schema=schema)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = cut_text(str(error).splitlines()[0])
        raise ValueError(f"{file} holds a line that is no review in JSON: {reason}") from None
    for name in table.select(pl.col(pl.String)).columns:
        strange = table[name].filter(table[name].str.contains(NO_ID))
        if len(strange):
            raise ValueError(f"{file}, field {name}: expected an id as text, found {strange[0][:60]!r}")
    _require_letters(file, block, list(schema))
    return table


def _require_letters(file: Path, block: bytes, names: Sequence[str]) -> None:
    """Raises ValueError where an id has half of a surrogate pair, which polars reads as another character."""
    if not SURROGATE.search(block):
        return
    for number, line in enumerate(block.splitlines(), start=1):
        entry = _parse_object(file, number, line) if SURROGATE.search(line) else {}
        for name in names:
            if isinstance(entry.get(name), str) and not _is_text(entry[name]):
                raise ValueError(f"{file}, field {name}: expected an id as text, found half of a surrogate pair")


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _read_first_object(file: Path) -> dict[str, Any]:
    for number, line in enumerate(_read_lines(file), start=1):
        if line.strip():
            return _parse_object(file, number, line)
    raise ValueError(f"{file} is empty; expected one JSON object a line")


def _parse_object(file: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
        try:
            entry = json.loads(text)
        except ValueError:
            entry = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        entry = None
    if not isinstance(entry, dict):
        raise ValueError(f"{file}, line {number}: expected a JSON object, found {line[:40]!r}")
    return entry


def _read_lines(file: Path) -> Iterator[bytes]:
    for block in _read_blocks(file):
        yield from block.splitlines()


def _read_blocks(file: Path) -> Iterator[bytes]:
    """Whole lines, about `BLOCK` bytes at once."""
    require_file(file)
    with open_gzip(file) if file.suffix == ".gz" else file.open("rb") as stream:
        mark = codecs.BOM_UTF8
        while block := stream.read(BLOCK):
            yield (block + stream.readline()).removeprefix(mark)
            # only a file begins with one
            mark = b""
