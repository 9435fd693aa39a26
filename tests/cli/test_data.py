"""`lrgd data`: what it makes, and that every wrong input ends with one message, exit code 2 and no folder."""

import gzip
import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from lrgd_jax.cli import app
from lrgd_jax.outside import archives
from lrgd_jax.recommend.data.folder_layouts import load_split

TABLE = "user,item,time,rating\n" + "".join(f"u{u},i{i},{10 * u + i},{3 + i % 3}\n" for u in range(4) for i in range(4))


def run(*arguments):
    result = CliRunner().invoke(app, ["data", *map(str, arguments)], catch_exceptions=False)
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text(TABLE)
    return file


def test_an_import_says_what_it_dropped_and_can_be_loaded(table, tmp_path):
    table.write_text(TABLE + "lonely,i0,5,5\n")
    result = run("import", "csv", table, tmp_path / "new" / "data", "--time", "time", "--rating", "rating")
    assert result.exit_code == 0, result.output
    assert "fewer than 3 interactions" in result.stdout
    split = load_split(tmp_path / "new" / "data")
    assert split.users == ("u0", "u1", "u2", "u3")
    report = json.loads((tmp_path / "new" / "data" / "dataset.json").read_text())
    assert report["dropped"][0]["users"] == 1
    assert report["source"] == {"kind": "csv", "file": "events.csv"}
    assert run("show", tmp_path / "new" / "data").stdout == result.stdout


def test_the_generated_catalogue_can_be_written_and_loaded(tmp_path):
    result = run("generate", tmp_path / "data", "--users", 30, "--items", 60, "--seed", 4)
    assert result.exit_code == 0, result.output
    split = load_split(tmp_path / "data")
    assert len(split.users) == 30
    assert split.catalogue.vectors is not None
    assert split.catalogue.vectors.shape[0] == len(split.catalogue) == 60


MOVIES = "userId,movieId,rating,timestamp\n" + "".join(
    f"{u},{m},{3.5 + u % 2},{1_000_000_000 + 60 * ((7 * m + u) % 5)}\n"
    for u in range(1, 5)
    for m in (2, 9, 10, 31, 100)
)
"""Sorted by user, then by item, as MovieLens comes; the times go up and down."""
NAMED = ["--user", "userId", "--item", "movieId"]


def test_a_file_sorted_by_item_is_read_by_its_times_or_refused(table, tmp_path):
    table.write_text(MOVIES)
    said = "column 'timestamp' looks like seconds since 1970: use --time timestamp, or give --ordered"
    refused(tmp_path, said, "csv", table, tmp_path / "data", *NAMED)
    done = run("import", "csv", table, tmp_path / "data", *NAMED, "--time", "timestamp", "--sort")
    assert done.exit_code == 0, done.output
    assert "not read: column 'rating', which looks like ratings: use --rating rating" in done.stdout
    split = load_split(tmp_path / "data")
    taken = [split.catalogue.names[x] for x in (*split.train.of(0), split.valid.targets[0], split.test.targets[0])]
    # of user 1: minutes (7 m + 1) % 5 = 0, 4, 1, 3, 1
    assert taken[0] == "2"
    assert sorted(taken[1:3]) == ["10", "100"]
    assert taken[3:] == ["31", "9"]


def test_rows_by_item_without_any_time_are_refused_unless_said_to_be_ordered(table, tmp_path):
    table.write_text("\n".join(line.rsplit(",", 2)[0] for line in MOVIES.splitlines()))
    said = "sorted by item, which is no order of time; name the column of the times by --time (the file has no other"
    refused(tmp_path, said, "csv", table, tmp_path / "data", *NAMED)
    assert run("import", "csv", table, tmp_path / "data", *NAMED, "--ordered").exit_code == 0
    table.write_text("user,item\n" + "".join(f"u{u},i{(3 * k + u) % 7}\n" for u in range(4) for k in range(6)))
    assert run("import", "csv", table, tmp_path / "other").exit_code == 0


def test_times_in_other_spellings(table, tmp_path):
    days = [(1 + k % 3, 1 + k) for k in range(3)]
    rows = "".join(f"u,i{(2 * k) % 3},{day}/{month}/1999\n" for k, (day, month) in enumerate(days))
    table.write_text("user,item,bought\n" + rows)
    done = run("import", "csv", table, tmp_path / "d", "--time", "bought", "--time-format", "%d/%m/%Y")
    assert done.exit_code == 0, done.output
    assert load_split(tmp_path / "d").test.seconds.tolist() == [int(datetime(1999, 3, 3, tzinfo=UTC).timestamp())]


def test_a_time_split(table, tmp_path):
    made = run(
        "import",
        "csv",
        table,
        tmp_path / "d",
        "--time",
        "time",
        "--split",
        "time",
        "--valid-from",
        20,
        "--test-from",
        31,
    )
    assert made.exit_code == 0, made.output
    split = load_split(tmp_path / "d")
    assert split.valid.seconds.max() < 31 <= split.test.seconds.min()


def test_lists_and_reviews(tmp_path):
    (tmp_path / "lists.txt").write_text("u a b c\nv c b a\n")
    assert run("import", "sequences", tmp_path / "lists.txt", tmp_path / "lists").exit_code == 0
    rows = [
        {"reviewerID": f"u{u}", "asin": f"i{i}", "overall": 5.0, "unixReviewTime": i}
        for u in range(3)
        for i in range(3)
    ]
    (tmp_path / "r.json").write_text("".join(json.dumps(x) + "\n" for x in rows))
    (tmp_path / "m.json").write_text('{"asin": "i0", "title": "One"}\n')
    done = run(
        "import", "amazon-reviews", tmp_path / "r.json", tmp_path / "r", "--core", 2, "--metadata", tmp_path / "m.json"
    )
    assert done.exit_code == 0, done.output
    assert "items without a title: 2" in done.stdout
    assert "whose order is unknown (kept): 0" in done.stdout
    tied = [{**row, "unixReviewTime": row["unixReviewTime"] // 2} for row in rows]
    (tmp_path / "r.json").write_text("".join(json.dumps(x) + "\n" for x in tied))
    done = run("import", "amazon-reviews", tmp_path / "r.json", tmp_path / "t", "--core", 2)
    assert "whose order is unknown (kept): 3" in done.stdout
    assert run("show", tmp_path / "t").stdout == done.stdout


DROP = object()


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (TABLE, ["--user", "who"], "no column 'who'; its columns are user, item, time, rating"),
        (TABLE, ["--time", "when"], "no column 'when'"),
        (TABLE.replace("u0,i3,3,", "u0,i3,0,"), ["--time", "time"], "times of user 'u0' go back"),
        (
            TABLE.replace("u0,i3,3,", "u0,i3,2,"),
            ["--time", "time", "--ties", "error"],
            "user 'u0' has 2 items at time 2",
        ),
        (TABLE.replace("u0,i3,3,", "u0,i1,3,"), ["--time", "time"], "user 'u0' has item 'i1' more than once"),
        (
            TABLE.replace("u0,i3,3,", "u0,i3,soon,"),
            ["--time", "time"],
            "expected seconds since 1970, or dates",
        ),
        (TABLE.replace("u0,i3,3,", "u0,i3,1600000000000,"), ["--time", "time"], "are these milliseconds?"),
        (
            TABLE.replace("i3,3,3", "i3,3,good"),
            ["--ordered", "--rating", "rating"],
            "column 'rating': expected finite numbers",
        ),
        (TABLE, ["--ordered", "--core", "9"], "nothing remains of the 9-core"),
        (TABLE, ["--ordered", "--core", "0"], "core = 0"),
        (TABLE, ["--ordered", "--min-rating", "4"], "no ratings"),
        (TABLE, ["--ordered", "--titles-required"], "4 of 4 items have no title, such as 'i0'"),
        (TABLE, ["--ordered", "--split", "by-heart"], "unknown split 'by-heart'"),
        (TABLE, ["--ordered", "--split", "time"], "no times"),
        (TABLE, ["--time", "time", "--split", "time", "--valid-from", "1999-1-1"], "'1999-1-1' is no time to cut at"),
        (TABLE, ["--time", "time", "--split", "time", "--valid-from", "nan"], "'nan' is no time to cut at"),
        (TABLE, ["--time", "time", "--split", "time", "--valid-from", "40", "--test-from", "30"], "must begin later"),
        (TABLE, ["--ordered", "--duplicates", "some"], "unknown policy 'some' for duplicates"),
        (TABLE, ["--ties", "some"], "unknown policy 'some' for ties"),
        (TABLE, [], "column 'time' is named like times: use --time time, or give --ordered if"),
        (TABLE, ["--time", "time", "--ordered"], "give it or --time, not both"),
        (TABLE, ["--time-format", "%Y"], "give --time too"),
        (TABLE, ["--time", "time", "--time-format", "%d/%m/%Y"], "expected dates of the form %d/%m/%Y, found '0'"),
        ("user,item\nu,a\nv,b\n", [], "nothing remains: a leave-last-out split needs users with 3"),
        ("user,item\n", [], "nothing remains"),
        ("", [], "is empty"),
        ('user,item\n"u,a\nv', [], "events.csv"),
        (DROP, [], "there is no file"),
    ],
)
def test_wrong_tables(table, tmp_path, content, arguments, said):
    if content is DROP:
        table.unlink()
    else:
        table.write_text(content)
    refused(tmp_path, said, "csv", table, tmp_path / "data", *arguments)


@pytest.mark.parametrize("kind", ["amazon-reviews", "csv", "sequences"])
def test_a_damaged_gzip_file(tmp_path, kind):
    file = tmp_path / "source.gz"
    whole = gzip.compress(b'{"reviewerID": "u", "asin": "i", "overall": 5, "unixReviewTime": 1}\n' * 2000)
    for content in (whole[: len(whole) // 2], whole[:30] + b"\0\1\2" + whole[33:], b"no gzip"):
        file.write_bytes(content)
        refused(tmp_path, "source.gz is a damaged gzip file", kind, file, tmp_path / "data")


@pytest.mark.parametrize("kind", ["amazon-reviews", "csv", "sequences"])
def test_a_gzip_file_that_unpacks_to_too_much(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(archives, "FLOOR", 1000)
    file = tmp_path / "source.gz"
    file.write_bytes(gzip.compress(b"user,item\n" + b"\n" * 500_000))
    refused(tmp_path, "source.gz: it unpacks to more than", kind, file, tmp_path / "data")
    lifted = run("import", kind, file, tmp_path / "data", "--unpack-all")
    assert "it unpacks to" not in lifted.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("[1, 2]\n", "line 1: expected a JSON object"),
        ('{"asin": "i"}\n', "has no field reviewerID, overall, unixReviewTime"),
        ('{"user_id": "u", "timestamp": 3}\n', "has no field parent_asin"),
        ('{"reviewerID": "u", "asin": "i", "overall": 5, "unixReviewTime": 1}\n{"reviewerID": \n', "no review in JSON"),
    ],
)
def test_wrong_reviews(tmp_path, content, said):
    (tmp_path / "reviews.json").write_text(content)
    refused(tmp_path, said, "amazon-reviews", tmp_path / "reviews.json", tmp_path / "data", "--core", 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"u a b c\nu b\n", "two lists for user 'u'"),
        (b"", "is empty"),
        (b"\xff\xfe\n", "no UTF-8"),
        (b"u a b a\n", "more than once"),
    ],
)
def test_wrong_lists(tmp_path, content, said):
    (tmp_path / "lists.txt").write_bytes(content)
    refused(tmp_path, said, "sequences", tmp_path / "lists.txt", tmp_path / "data")


def test_a_folder_that_is_there_is_left_alone(table, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").write_text("precious")
    result = run("import", "csv", table, tmp_path / "data")
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert [x.name for x in (tmp_path / "data").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "place",
    [("format",), ("read",), ("dropped",), ("kept",), ("leakage",), ("split",), ("items_without_title",)]
    + [("read", name) for name in ("interactions", "users", "items")]
    + [("kept", "items"), ("dropped", 0, "reason"), ("dropped", 0, "users")]
    + [("split", name) for name in ("kind", "train", "valid", "test", "not_asked", "valid_from")]
    + [("leakage", name) for name in ("timed", "late_demonstrations", "seen_target")],
)
@pytest.mark.parametrize("other", [DROP, ["x"]])
def test_showing_a_description_that_lacks_a_part(table, tmp_path, place, other):
    table.write_text(TABLE + "lonely,i0,5,5\n")
    assert run("import", "csv", table, tmp_path / "data", "--time", "time").exit_code == 0
    file = tmp_path / "data" / "dataset.json"
    description = json.loads(file.read_text())
    *outer, name = place
    part = description
    for step in outer:
        part = part[step]
    if other is DROP:
        del part[name]
    else:
        part[name] = other
    file.write_text(json.dumps(description))
    result = run("show", tmp_path / "data")
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "dataset.json is damaged" in result.stderr
    assert name in result.stderr


def test_showing_a_folder_that_holds_nothing(tmp_path):
    assert run("show", tmp_path).exit_code == 2


def refused(folder, said, *arguments):
    before = sorted(folder.iterdir())
    result = run("import", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stderr.count("lrgd:") == 1
    assert result.stdout == ""
    assert sorted(folder.iterdir()) == before
