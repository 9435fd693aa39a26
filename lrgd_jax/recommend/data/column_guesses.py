"""What a table says about its own columns: which look like times or ratings, and whether its rows go by item."""

from collections.abc import Collection, Mapping

import polars as pl

from lrgd_jax.recommend.data.moments import MILLISECONDS, parse_moments

__all__ = ["guess_columns", "require_known_order", "rise_by_item"]

SORTED = 0.9
"""Share of rising neighbours of a user from which on rows go by item; about a half rise by chance."""
SAMPLE = 1000
"""Rows that a guess looks at."""
EARLIEST = 100_000_000
"""1973: smaller numbers may be anything."""
LARGEST_RATING = 100
DAY_OR_MONTH_FIRST = r"^\s*\d{1,2}([/.-])\d{1,2}[/.-]\d{4}\b"
"""Dates of which nobody can say what comes first; the year comes last."""
RATING_NAMES = ("rating", "stars", "overall", "score")
TIME_NAMES = ("time", "timestamp", "date", "datetime", "created", "when")


def guess_columns(table: pl.DataFrame, unread: Collection[str]) -> dict[str, str]:
    """What the columns that nobody asked for look like; empty where they look like nothing known.

    Args:
        table: all of the file, as text.
        unread: names of its columns.

    Returns:
        A phrase a column, such as "looks like seconds since 1970: use --time timestamp".

    Examples:
        >>> rows = pl.DataFrame({"timestamp": ["1600000000", "1600003600"], "stars": ["4", "5"], "note": ["a", "b"]})
        >>> guess_columns(rows, ["timestamp", "note"])
        {'timestamp': 'looks like seconds since 1970: use --time timestamp', 'note': ''}
        >>> guess_columns(rows, ["stars"])
        {'stars': 'looks like ratings: use --rating stars'}
    """
    return {name: _guess(name, table[name].drop_nulls().head(SAMPLE)) for name in unread}


def rise_by_item(table: pl.DataFrame) -> bool:
    """Whether the rows of each user are sorted by item, so that their order can be no order of time.

    Args:
        table: columns user and item; items that are numbers are compared as such.
    """
    numbers = table["item"].cast(pl.Float64, strict=False)
    items = table["item"] if numbers.null_count() > table["item"].null_count() else numbers
    before = pl.col("item").shift().over("user")
    pairs = table.select("user", item=items).with_columns(before=before).drop_nulls("before")
    pairs = pairs.filter(pl.col("item") != pl.col("before"))
    rising = (pairs["item"] > pairs["before"]).sum()
    # a single pair rises by chance half of the time
    return len(pairs) > 1 and max(rising, len(pairs) - rising) >= SORTED * len(pairs)


def require_known_order(file: object, table: pl.DataFrame, guesses: Mapping[str, str]) -> None:
    """Refuses to take the order of rows for the order of time where the table speaks against it.

    Args:
        file: named in the message.
        table: columns user and item.
        guesses: of `guess_columns`.

    Raises:
        ValueError: an unread column looks like times, or the rows go by item.
    """
    times = [f"{name!r} {guess}" for name, guess in guesses.items() if "--time" in guess]
    if times:
        raise ValueError(
            f"{file}: column {'; '.join(times)}, or give --ordered if the rows of each user are in the order of time"
        )
    if rise_by_item(table):
        raise ValueError(
            f"{file}: the rows of each user are sorted by item, which is no order of time; name the column of the "
            f"times by --time{_listed(guesses)}, or give --ordered if the rows are in the order of time all the same"
        )


def _listed(guesses: Mapping[str, str]) -> str:
    return f" (not read: {', '.join(guesses)})" if guesses else " (the file has no other column)"


def _guess(name: str, texts: pl.Series) -> str:
    if not len(texts):
        return ""
    numbers = texts.cast(pl.Float64, strict=False)
    low, high = (float(x) if isinstance(x, int | float) else 0.0 for x in (numbers.min(), numbers.max()))
    whole = numbers.null_count() == 0
    if whole and low >= EARLIEST * MILLISECONDS:
        return f"looks like milliseconds since 1970: divide by {MILLISECONDS}, then use --time {name}"
    if whole and low >= EARLIEST:
        return f"looks like seconds since 1970: use --time {name}"
    if not whole and parse_moments(texts).null_count() == 0:
        return f"looks like dates: use --time {name}"
    if texts.str.contains(DAY_OR_MONTH_FIRST).all():
        return f"looks like dates: use --time {name} with --time-format, such as %d/%m/%Y"
    if any(word == name.lower() for word in TIME_NAMES):
        return f"is named like times: use --time {name}"
    named = any(word in name.lower() for word in RATING_NAMES)
    if whole and named and low >= 0 and high <= LARGEST_RATING:
        return f"looks like ratings: use --rating {name}"
    return ""
