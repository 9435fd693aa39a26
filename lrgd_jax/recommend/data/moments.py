"""Times as tables spell them, read as whole seconds since 1970."""

import polars as pl

__all__ = ["LATEST", "MILLISECONDS", "parse_moments"]

LATEST = 32_503_680_000
"""The year 3000."""
MILLISECONDS = 1000
DATES = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M%:z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
)


def parse_moments(texts: pl.Series, form: str | None = None) -> pl.Series:
    """Whole seconds since 1970, null where a text is no time.

    Read are seconds with and without a fraction, which is cut off, and dates of ISO 8601 with and without a time, a
    fraction and a zone, which may also be written ` UTC`; a date without a zone is taken as UTC.

    Args:
        texts: the times.
        form: how dates are written in place of ISO 8601, such as %d/%m/%Y.

    Examples:
        >>> spellings = ["86400", "86400.9", "1970-01-02", "1970-01-02 00:00:00 UTC", "1970-01-02T02:00:00.5+02:00"]
        >>> parse_moments(pl.Series(spellings)).to_list()
        [86400, 86400, 86400, 86400, 86400]
        >>> parse_moments(pl.Series(["2/1/1970", "soon"]), "%d/%m/%Y").to_list()
        [86400, None]
    """
    if form is not None:
        return _read_dates(texts, form)
    numbers = texts.cast(pl.Int64, strict=False)
    if numbers.null_count() == texts.null_count():
        return numbers
    real = texts.cast(pl.Float64, strict=False)
    numbers = pl.select(pl.coalesce(numbers, real.floor().cast(pl.Int64, strict=False))).to_series()
    if numbers.null_count() == texts.null_count():
        return numbers
    # one spelling of the zone, and one of what parts day and time
    plain = (
        texts.str.strip_chars()
        .str.replace(r"^(\d{4}-\d\d-\d\d)[Tt]", "$1 ")
        .str.replace(r"\s*(?:UTC|GMT|[Zz])$", "+00:00")
        .str.replace(r"(:\d\d(?:\.\d+)?)\s*([+-]\d\d):?(\d\d)?$", "$1$2:$3")
        .str.replace(r"([+-]\d\d):$", "$1:00")
    )
    return pl.select(pl.coalesce(numbers, *(_read_dates(plain, form) for form in DATES))).to_series()


def _read_dates(texts: pl.Series, form: str) -> pl.Series:
    zoned = "%z" in form or ":z" in form or "%+" in form
    moments = texts.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC" if zoned else None)
    return moments.dt.epoch("s")
