"""Changes of Parquet files: of bytes, and of columns, types and entries, written anew."""

import io
from collections.abc import Sequence
from random import Random

import polars as pl

from benchmarks.fuzzing.byte_mutations import mutate_bytes

TYPES = (
    pl.Int8,
    pl.UInt64,
    pl.Float32,
    pl.Float64,
    pl.String,
    pl.Boolean,
    pl.Binary,
    pl.Date,
    pl.Categorical,
    pl.List(pl.Int64),
)
STRANGE = (None, -1, 0, 10**6, 2**62, -(2**62))


def mutate_parquet(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A change of the bytes, or of the table that they hold."""
    if random.random() < 0.6:
        return mutate_bytes(random, content, others)
    table = pl.read_parquet(io.BytesIO(content))
    try:
        table = random.choice(CHANGES)(random, table)
        packed = io.BytesIO()
        table.write_parquet(packed, compression=random.choice(("zstd", "uncompressed", "snappy", "gzip")))
        return packed.getvalue()
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        # a change that the table does not allow
        return mutate_bytes(random, content, others)


def _retype(random: Random, table: pl.DataFrame) -> pl.DataFrame:
    name = random.choice(table.columns)
    return table.with_columns(pl.col(name).cast(random.choice(TYPES), strict=False))


def _put(random: Random, table: pl.DataFrame) -> pl.DataFrame:
    name, at = random.choice(table.columns), random.randrange(max(1, len(table)))
    entries = table[name].to_list()
    entries[at] = (
        random.choice(STRANGE)
        if table[name].dtype.is_numeric()
        else random.choice((None, "", "é", "x" * 300, *entries))
    )
    return table.with_columns(pl.Series(name, entries, table[name].dtype))


def _drop(random: Random, table: pl.DataFrame) -> pl.DataFrame:
    return table.drop(random.choice(table.columns))


def _rename(random: Random, table: pl.DataFrame) -> pl.DataFrame:
    return table.rename({random.choice(table.columns): random.choice(("", "name", "user", "other"))})


def _add(random: Random, table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(
        pl.lit(random.choice((1, "x", None, 0.5))).alias(random.choice(("more", "title", "time")))
    )


def _rows(random: Random, table: pl.DataFrame) -> pl.DataFrame:
    return random.choice(
        (
            table.head(0),
            table.head(1),
            table.reverse(),
            pl.concat([table, table]),
            table.sample(fraction=1, shuffle=True, seed=1),
        )
    )


CHANGES = (_retype, _put, _put, _drop, _rename, _add, _rows)
