"""Files shaped like MovieLens, sorted by user and item, in many spellings: read right, or refused with what helps."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from refusals import refusal, run

from lrgd_jax.recommend.data.folder_layouts import load_split

START, DAY = 1_000_000_000, 86_400
ROWS = [(u, m, 3.5 + u % 2, START + DAY * ((7 * m + u) % 5)) for u in range(1, 5) for m in (2, 9, 10, 31, 100)]
HEADER = "userId,movieId,rating,timestamp"
NAMED = ["--user", "userId", "--item", "movieId", "--time", "timestamp", "--sort"]
BY_COLUMNS = ["--columns", "user,item,rating,time", "--time", "time", "--sort"]


def spelled(time: Callable[[int], str] = str, separator: str = ",", header: str | None = HEADER, end="\n"):
    """The rows as bytes."""
    lines = [(u, m, rating, time(when)) for u, m, rating, when in ROWS]
    names = [header.split(",")] if header else []
    return "".join(separator.join(map(str, x)) + end for x in (*names, *lines)).encode()


def date(form):
    return lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime(form)


READ = {
    "20M: commas and a header": (spelled(), NAMED),
    "Windows": (b"\xef\xbb\xbf" + spelled(end="\r\n"), NAMED),
    "100K: tabs, no header": (spelled(separator="\t", header=None), [*BY_COLUMNS, "--separator", "\t"]),
    "a tab as it is written": (spelled(separator="\t"), [*NAMED, "--separator", "\\t"]),
    "1M: two colons, no header": (spelled(separator="::", header=None), [*BY_COLUMNS, "--separator", "::"]),
    "ISO 8601": (spelled(date("%Y-%m-%dT%H:%M:%SZ")), NAMED),
    "float seconds": (spelled("{}.75".format), NAMED),
    "the day first": (spelled(date("%d/%m/%Y %H:%M:%S")), [*NAMED, "--time-format", "%d/%m/%Y %H:%M:%S"]),
    "gzip": (gzip.compress(spelled()), NAMED),
    "semicolons": (spelled(separator=";"), [*NAMED, "--separator", ";"]),
}

REFUSED = {
    "times that go up and down": (spelled(), NAMED[:-1], "give --sort"),
    "times unread": (spelled(), NAMED[:4], "column 'timestamp' looks like seconds since 1970: use --time timestamp"),
    "float seconds unread": (spelled("{}.75".format), NAMED[:4], "looks like seconds since 1970: use --time timestamp"),
    "ISO 8601 unread": (spelled(date("%Y-%m-%d")), NAMED[:4], "looks like dates: use --time timestamp"),
    "milliseconds unread": (spelled("{}000".format), NAMED[:4], "divide by 1000, then use --time timestamp"),
    "the day first, unread, under any name": (
        spelled(date("%d/%m/%Y"), header="userId,movieId,rating,bought"),
        NAMED[:4],
        "column 'bought' looks like dates: use --time bought with --time-format, such as %d/%m/%Y",
    ),
    "the day first, without its form": (spelled(date("%d/%m/%Y")), NAMED, "for others give --time-format"),
    "no header": (spelled(header=None), [], "name its columns by --columns, such as --columns user,item,rating,time"),
    "tabs": (spelled(separator="\t"), NAMED, "give --separator '\\t'"),
    "two colons": (spelled(separator="::", header=None), [], "give --separator '::'"),
    "two colons, no header": (spelled(separator="::", header=None), ["--separator", "::"], "columns by --columns"),
    "too few names": (
        spelled(header=None),
        ["--columns", "user,item"],
        "has 4 columns and is given the names user, item",
    ),
    "one name twice": (spelled(header=None), ["--columns", "user,item,item,time"], "expected one each, all different"),
    "a control character": (b"1::2\x1f::3\n", ["--separator", "::"], "control character"),
}


@pytest.mark.parametrize("dialect", READ)
def test_each_dialect_is_read_by_its_times(dialect, tmp_path):
    content, options = READ[dialect]
    file = tmp_path / ("ratings.csv.gz" if dialect == "gzip" else "ratings.dat")
    file.write_bytes(content)
    done = run("data", "import", "csv", file, tmp_path / "data", *options)
    assert done.exit_code == 0, done.output
    split = load_split(tmp_path / "data")
    parts = [(split.train.owners, split.train.items, split.train.seconds)]
    parts += [(asked.users, asked.targets, asked.seconds) for asked in (split.valid, split.test)]
    taken = [
        (split.users[user], split.catalogue.names[item], seconds)
        for columns in parts
        for user, item, seconds in zip(*columns, strict=True)
    ]
    assert sorted(taken) == sorted((str(u), str(m), when) for u, m, _, when in ROWS)
    last = {split.users[user]: seconds for user, seconds in zip(split.test.users, split.test.seconds, strict=True)}
    assert last == {str(user): max(when for u, _, _, when in ROWS if u == user) for user in range(1, 5)}


@pytest.mark.parametrize("dialect", REFUSED)
def test_what_cannot_be_known_is_refused_with_the_option_that_helps(dialect, tmp_path):
    content, options, said = REFUSED[dialect]
    (tmp_path / "ratings.dat").write_bytes(content)
    message = refusal(tmp_path, "data", "import", "csv", tmp_path / "ratings.dat", tmp_path / "data", *options)
    assert said in message
