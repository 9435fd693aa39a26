"""What is kept of a table, and that everything else is accounted for."""

from collections import Counter

import polars as pl
import pytest

from lrgd_jax.recommend.data.filters import (
    FilteredTable,
    drop_duplicates,
    drop_incomplete,
    drop_low_ratings,
    keep_core,
    sort_by_time,
)


def table(rows, columns=("user", "item", "time")):
    return FilteredTable(pl.DataFrame(rows, schema=list(columns), orient="row"))


def test_the_core_is_what_dropping_one_by_one_leaves():
    rows = [(u, i, 0) for u, i in zip("aaabbbcccddee", "xyzxyzxywxpqr", strict=True)]
    kept = keep_core(table(rows), 2)

    left = [(u, i) for u, i, _ in rows]
    while True:
        users, items = Counter(u for u, _ in left), Counter(i for _, i in left)
        stays = [(u, i) for u, i in left if users[u] >= 2 and items[i] >= 2]
        if stays == left:
            break
        left = stays
    assert kept.table.select("user", "item").rows() == left
    assert 0 < len(left) < len(rows)
    assert kept.dropped[0]["interactions"] == len(rows) - len(left)


def test_everything_that_goes_is_in_the_record():
    rows = [
        ("a", "x", 3, 5.0),
        ("a", "y", 4, 2.0),
        ("a", None, 5, 5.0),
        ("b", "x", 1, 5.0),
        ("b", "x", 2, 4.0),
        ("c", "z", 9, 1.0),
    ]
    start = table(rows, ("user", "item", "time", "rating"))
    kept = drop_duplicates(sort_by_time(drop_low_ratings(drop_incomplete(start), 3.0), sort=True, ties=True), "last")
    assert kept.table.rows() == [("b", "x", 2, 4.0), ("a", "x", 3, 5.0)]
    assert [step["step"] for step in kept.dropped] == ["incomplete", "rating", "duplicates"]
    assert len(rows) - sum(int(step["interactions"]) for step in kept.dropped) == len(kept.table)
    assert kept.dropped[1] == {
        "step": "rating",
        "reason": "rated below 3, or not rated",
        "interactions": 2,
        "users": 1,
        "items": 2,
    }


@pytest.mark.parametrize(("policy", "times"), [("first", [1, 2]), ("last", [2, 3]), ("keep", [1, 2, 3])])
def test_duplicates_go_by_the_policy(policy, times):
    kept = drop_duplicates(table([("a", "x", 1), ("a", "y", 2), ("a", "x", 3)]), policy)
    assert kept.table["time"].to_list() == times


def test_sorting_keeps_the_file_s_order_at_one_time():
    kept = sort_by_time(table([("a", "x", 5), ("a", "z", 1), ("a", "y", 5)]), sort=True, ties=True)
    assert kept.table["item"].to_list() == ["z", "x", "y"]


def test_a_step_that_takes_nothing_leaves_no_entry():
    assert keep_core(table([("a", "x", 1)]), 1).dropped == ()


def test_tables_without_times_stay_as_they_are():
    start = table([("a", "x"), ("a", "y")], ("user", "item"))
    assert sort_by_time(start, sort=False, ties=False) is start


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (lambda kept: sort_by_time(kept, sort=False, ties=True), r"times of user 'a' go back \(1 such.*--sort"),
        (lambda kept: sort_by_time(kept, sort=True, ties=False), r"user 'a' has 2 items at time 5.*--ties keep"),
        (lambda kept: drop_duplicates(kept, "error"), r"user 'a' has item 'x' more than once.*--duplicates"),
        (lambda kept: drop_duplicates(kept, "some"), "unknown policy 'some'"),  # pyright: ignore[reportArgumentType]
        (lambda kept: keep_core(kept, 9), "nothing remains of the 9-core"),
        (lambda kept: keep_core(kept, 0), "core = 0"),
        (lambda kept: drop_low_ratings(kept, 3.0), "no ratings"),
    ],
)
def test_what_breaks_a_rule_is_named(step, said):
    kept = table([("b", "x", 1), ("a", "x", 5), ("a", "y", 5), ("a", "x", 4)])
    with pytest.raises(ValueError, match=said):
        step(kept)
