"""What of a table of interactions is kept, and a record of everything that is not."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

__all__ = [
    "Duplicates",
    "FilteredTable",
    "drop_duplicates",
    "drop_incomplete",
    "drop_low_ratings",
    "keep_core",
    "sort_by_time",
]

Duplicates: TypeAlias = Literal["error", "first", "last", "keep"]
"""What happens where a user has an item more than once."""


@dataclass(frozen=True)
class FilteredTable:
    """A table and what was taken out of it so far.

    Attributes:
        table: columns user, item (text), time (whole seconds, or absent), moment (seconds since the list began, or
            absent), rating (or absent); one interaction a row.
        dropped: one entry a step: its name, why, and how many interactions, users and items it cost.
    """

    table: pl.DataFrame
    dropped: tuple[dict[str, int | str], ...] = ()

    def then(self, step: str, reason: str, smaller: pl.DataFrame) -> "FilteredTable":
        """After one more step; steps that took nothing leave no entry."""
        lost = {
            "interactions": len(self.table) - len(smaller),
            "users": self.table["user"].n_unique() - smaller["user"].n_unique(),
            "items": self.table["item"].n_unique() - smaller["item"].n_unique(),
        }
        entry = {"step": step, "reason": reason, **lost}
        return FilteredTable(smaller, (*self.dropped, entry) if lost["interactions"] else self.dropped)


def drop_incomplete(kept: FilteredTable) -> FilteredTable:
    """Without rows that name no user, no item or (where there are times) no time."""
    needed = [name for name in ("user", "item", "time") if name in kept.table.columns]
    return kept.then("incomplete", f"no {', no '.join(needed)}", kept.table.drop_nulls(needed))


def drop_low_ratings(kept: FilteredTable, least: float | None) -> FilteredTable:
    """Only interactions rated at least so; None keeps all.

    Raises:
        ValueError: there are no ratings.
    """
    if least is None:
        return kept
    if not math.isfinite(least):
        raise ValueError(f"the least rating is {least}; expected a finite number")
    if "rating" not in kept.table.columns:
        raise ValueError("a least rating was asked for, but these data have no ratings; name their column")
    return kept.then("rating", f"rated below {least:g}, or not rated", kept.table.filter(pl.col("rating") >= least))


def sort_by_time(kept: FilteredTable, *, sort: bool, ties: bool) -> FilteredTable:
    """Each user's interactions by time; those at one time stay in the order of the file.

    Args:
        kept: the table.
        sort: whether to sort what is out of order; if not, that is an error.
        ties: whether a user may have different items at one time; if not, that is an error, for their order is a guess.

    Raises:
        ValueError: as said; the message names a user.
    """
    if "time" not in kept.table.columns:
        return kept
    step = kept.table.select("user", pl.col("time").diff().over("user").alias("step"))
    back = step.filter(pl.col("step") < 0)
    if len(back) and not sort:
        raise ValueError(
            f"the times of user {back['user'][0]!r} go back ({len(back)} such places in all): "
            "sort the file, or give --sort"
        )
    table = kept.table.sort("time", maintain_order=True)
    tied = table.group_by("user", "time", maintain_order=True).agg(pl.col("item").n_unique()).filter(pl.col("item") > 1)
    if len(tied) and not ties:
        raise ValueError(
            f"user {tied['user'][0]!r} has {tied['item'][0]} items at time {tied['time'][0]} ({len(tied)} such times "
            "in all), so their order is unknown: give --ties keep to keep them as a basket, without an order"
        )
    return FilteredTable(table, kept.dropped)


def drop_duplicates(kept: FilteredTable, policy: Duplicates) -> FilteredTable:
    """Each item at most once a user.

    Args:
        kept: the table, in order.
        policy: "first" or "last" keeps that one, "keep" keeps all, "error" refuses.

    Raises:
        ValueError: there is a duplicate and the policy refuses, or there is no such policy.
    """
    if policy not in ("error", "first", "last", "keep"):
        raise ValueError(f"unknown policy {policy!r} for duplicates; expected error, first, last or keep")
    if policy == "keep":
        return kept
    if policy == "error":
        twice = kept.table.filter(pl.struct("user", "item").is_duplicated())
        if len(twice):
            raise ValueError(
                f"user {twice['user'][0]!r} has item {twice['item'][0]!r} more than once: "
                "give --duplicates first, last or keep"
            )
        return kept
    unique = kept.table.unique(["user", "item"], keep=policy, maintain_order=True)
    return kept.then("duplicates", f"the user had the item already, the {policy} one is kept", unique)


def keep_core(kept: FilteredTable, k: int) -> FilteredTable:
    """The k-core: users with at least k interactions with items that have at least k, over and over.

    Raises:
        ValueError: k is not positive, or nothing remains.
    """
    if k < 1:
        raise ValueError(f"core = {k}: expected a positive number of interactions")
    smaller = _repeat_until_settled(
        kept.table, lambda table: _keep_frequent(_keep_frequent(table, "user", k), "item", k)
    )
    if not len(smaller):
        if not len(kept.table):
            raise ValueError("nothing remains: no row names a user and an item, and counts by its time and rating")
        raise ValueError(
            f"nothing remains of the {k}-core: no users and items with {k} interactions each; lower --core"
        )
    return kept.then(f"{k}-core", f"the user or the item has fewer than {k} interactions", smaller)


def _keep_frequent(table: pl.DataFrame, column: str, k: int) -> pl.DataFrame:
    return table.filter(pl.len().over(column) >= k)


def _repeat_until_settled(table: pl.DataFrame, shrink: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    while True:
        smaller = shrink(table)
        if len(smaller) == len(table):
            return smaller
        table = smaller
